"""A pull in a process of its own, so that it can be killed or raced: `python -m tests.hub.child FOLDER ENDPOINT`.

Prints one line when it ends: `done`, or the code of the error. With a third argument it only takes that
lock file's lock, prints `held` and holds it until it is killed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from filelock import FileLock

from ingle.catalog.model import ModelRef
from ingle.config import load_config
from ingle.errors import IngleError
from ingle.hub.pull import PullOptions, pull
from ingle.hub.transfer import Tuning

ROOT = Path(__file__).parents[2]


def start_child(folder: Path, endpoint: str, *more: str) -> subprocess.Popen[str]:
    """Starts a pull of `org/name` in the same private folder as a scene's."""
    command = [sys.executable, "-m", "tests.hub.child", str(folder), endpoint, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def main(folder: Path, endpoint: str) -> None:
    environ = {
        "HOME": str(folder),
        "INGLE_HOME": str(folder / "ingle"),
        "HF_HUB_CACHE": str(folder / "cache"),
    }
    config = load_config(environ, endpoints=(endpoint,))
    ref = ModelRef(name="org/name", repo_id="org/name")
    try:
        for _ in pull(ref, config, options=PullOptions(tuning=Tuning(patience=20.0))):
            pass
    except IngleError as exc:
        print(exc.code, exc.message, flush=True)
    else:
        print("done", flush=True)


def hold(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path):
        print("held", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 3:
        hold(Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), sys.argv[2])
