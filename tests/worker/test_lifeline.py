"""No worker outlives its daemon: SIGKILL of the parent ends the child idle, generating and loading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

PARENT = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from ingle.engines.scripted import Script
    from ingle.worker.process import WorkerProcess
    from tests.worker.conftest import ask, script_snapshot

    async def main(mode, folder):
        worker = WorkerProcess("m")
        script = Script(load_seconds=300 if mode == "loading" else 0, on={"go": "forever"})
        await worker.start(script_snapshot(Path(folder), script), "scripted")
        if mode != "loading":
            await worker.ready()
        if mode == "generating":
            stream = worker.generate(ask("go"))
            await anext(stream)
        print(worker.pid, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main(*sys.argv[1:]))
    """
)

WATCHED = textwrap.dedent(
    """
    import ctypes, os, sys
    from ingle.worker.lifeline import start_watcher

    start_watcher(int(sys.argv[1]))
    print(os.getpid(), flush=True)
    ctypes.PyDLL(None).sleep(300)  # holds the interpreter, as a load does
    """
)

LIMIT = 20.0
"""Seconds; the promise is 2, and a test on a busy machine asserts ten times that."""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["idle", "generating", "loading"])
def test_sigkill_of_the_parent_ends_the_child(mode: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, mode, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(LIMIT)
    assert not child.is_running()


@pytest.mark.slow
def test_the_watcher_kills_a_process_whose_interpreter_is_held() -> None:
    """The way of macOS, tried everywhere: a pipe that closes, and a shell that is no Python thread."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", WATCHED, str(reading)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=(reading,)) as child:
        os.close(reading)
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        watcher = psutil.Process(child.pid).children()[0]
        os.close(writing)
        assert child.wait(LIMIT) == -signal.SIGKILL
        watcher.wait(LIMIT)


@pytest.mark.slow
def test_the_watcher_leaves_when_its_worker_left_before_and_kills_nobody() -> None:
    reading, writing = os.pipe()
    code = "import sys; from ingle.worker.lifeline import start_watcher; print(start_watcher(int(sys.argv[1])).pid)"
    command = [sys.executable, "-c", code, str(reading)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=(reading,)) as child:
        os.close(reading)
        assert child.stdout is not None
        watcher = psutil.Process(int(child.stdout.readline()))
        assert child.wait(LIMIT) == 0
    assert watcher.is_running()
    os.close(writing)
    watcher.wait(LIMIT)
