"""What every room's tests share."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ingle.errors import IngleError
from tests.examples import draw_the_same_in_each_run

# How long an example takes says more about the machine than about the code: no deadline, no "too slow".
CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
# The examples of a test are the same in each run, so that a failure is the change's and not the day's nor the
# order's; `make fuzz` looks for new ones.
settings.register_profile("whole", CALM, derandomize=True, max_examples=100)
settings.register_profile("fast", CALM, derandomize=True, max_examples=25)
settings.register_profile("search", CALM, max_examples=1000)


def pytest_configure(config: pytest.Config) -> None:
    """The fast suite tries a quarter of the examples; everything else hypothesis's own hundred."""
    if not config.option.hypothesis_profile:
        settings.load_profile("fast" if "not slow" in config.option.markexpr else "whole")
        draw_the_same_in_each_run()


WHOLLY_SLOW = re.compile(r"^pytestmark = .*\bslow\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The fast suite does not import a file of which every test is slow: reading them all took it a quarter of its time."""
    if "not slow" not in config.option.markexpr or collection_path.suffix != ".py":
        return None
    return True if WHOLLY_SLOW.search(collection_path.read_text(encoding="utf-8")) else None


def pytest_collection_finish(session: pytest.Session) -> None:
    """Get the real models before the first test that needs them: a slow download is none of its time."""
    wanted = any(item.get_closest_marker("model") for item in session.items)
    if wanted and not session.config.option.collectonly:
        from tests.models import starter_mlx

        with contextlib.suppress(
            IngleError, OSError, ValueError
        ):  # the tests that need it say why it is not there
            starter_mlx()


# The threads of these libraries wait for each other by spinning: with more processes at work than cores, as in
# two workers of one run, each product would last until the scheduler has had everybody else go on.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Help with colours cuts an option's name in pieces; Typer looks for these once, where it is imported.
for name in ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"):
    os.environ.pop(name, None)

# A run that was started in the background ignores Ctrl-C, and so would every process a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
