"""Every module of the analysis can be the first that is imported: no circle needs a lucky order."""

from __future__ import annotations

import subprocess
import sys

import pytest

_EACH = """
import importlib, pkgutil, sys
import ingle.shell
names = [found.name for found in pkgutil.walk_packages(ingle.shell.__path__, "ingle.shell.")]
assert len(names) > 50
for name in names:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("ingle")]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


@pytest.mark.slow
def test_every_module_can_be_imported_first() -> None:
    ran = subprocess.run([sys.executable, "-c", _EACH], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
