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

from tests.fakes.ended import wait_ended
from tests.worker.conftest import HANG

PARENT = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from ingle.engines.scripted import Script
    from ingle.worker.process import WorkerProcess
    from tests.worker.conftest import ask, script_snapshot

    async def main(mode, folder):
        worker = WorkerProcess("m")
        script = Script(load_seconds=300 if mode == "loading" else 0, on={"go": "forever"}, token_seconds=0.01)
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

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["idle", "generating", "loading"])
def test_sigkill_of_the_parent_ends_the_child(mode: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, mode, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        wait_ended(child)


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
        assert child.wait(HANG) == -signal.SIGKILL
        wait_ended(watcher)


@pytest.mark.slow
def test_the_watcher_leaves_when_its_worker_left_before_and_kills_nobody() -> None:
    reading, writing = os.pipe()
    code = "import sys; from ingle.worker.lifeline import start_watcher; print(start_watcher(int(sys.argv[1])).pid)"
    command = [sys.executable, "-c", code, str(reading)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=(reading,)) as child:
        os.close(reading)
        assert child.stdout is not None
        watcher = psutil.Process(int(child.stdout.readline()))
        assert child.wait(HANG) == 0
    assert watcher.is_running()
    os.close(writing)
    wait_ended(watcher)
