"""The OpenBLAS that computes is named in the notes of a load; where none does, the notes say that too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingle.engines.mlx.cpu import find_openblas
from tests.engines.mlx.tiny import write_alphabet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere MLX brings a fast BLAS of its own"),
]

CHILD = """
import json, sys
from pathlib import Path
from ingle.engines.base import EngineOptions
from ingle.engines.mlx.engine import open_engine, open_loaded
from tests.models import mlx_snapshot
snapshot, options = mlx_snapshot(Path(sys.argv[1])), EngineOptions(context=512, slots=1)
if sys.argv[2] == "as the system is":
    engine = open_engine(snapshot, options)
else:
    from ingle.engines.mlx.lean import import_mlx_lm
    import_mlx_lm()
    def loaded():
        from ingle.engines.mlx.load import load
        return load(snapshot, options, None)
    engine = open_loaded(snapshot, options, loaded)
mapped = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "openblas" in line]
print(json.dumps({"notes": engine.info.notes, "mapped": mapped}))
engine.close()
"""


def told(folder: Path, how: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(write_alphabet(folder / "model")), how],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_openblas_in_front_of_mlx_is_named(tmp_path: Path) -> None:
    here = find_openblas(sys.platform)
    found = told(tmp_path, "as the system is")
    named = [note for note in found["notes"] if note.startswith("BLAS: ")]
    assert named == ([f"BLAS: {here}."] if here else [])
    assert here is None or str(here.resolve()) in found["mapped"]
    assert any("OpenBLAS" in note for note in found["notes"])


def test_where_none_was_put_in_front_the_notes_name_none_and_say_why_the_weights_stay(tmp_path: Path) -> None:
    found = told(tmp_path, "without one")
    here = find_openblas(sys.platform)
    assert here is None or str(here.resolve()) not in found["mapped"]  # numpy may bring one for itself
    assert not [note for note in found["notes"] if note.startswith("BLAS: ")]
    assert any("no OpenBLAS on this system" in note for note in found["notes"])
