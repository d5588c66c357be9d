"""A worker over the scripted fake: spawn, answer, queue, cancel, crash, stop, and load again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest

from ingle.engines.base import EngineOptions
from ingle.engines.scripted import Script
from ingle.errors import (
    Cancelled,
    FileMissing,
    GenerationFailed,
    IngleError,
    InvalidRequest,
    LoadFailed,
    WorkerCrashed,
    WorkerError,
    WorkerGone,
    WorkerTimeout,
)
from ingle.generation import FinishReason
from ingle.worker import frames
from ingle.worker.memory import process_memory
from ingle.worker.process import WorkerProcess
from ingle.worker.state import WorkerState
from tests.worker.conftest import HANG, StartWorker, ask, script_snapshot, text_of

pytestmark = pytest.mark.slow

FOREVER = Script(
    on={"forever": "forever", "crash": "crash", "exit": "exit", "hang": "hang"}, token_seconds=0.01
)


async def test_a_worker_answers_and_reports_its_exit_when_it_is_gone(start_worker: StartWorker) -> None:
    worker = await start_worker()
    chunks = [chunk async for chunk in worker.generate(ask("one two three"))]
    assert "".join(chunk.text for chunk in chunks) == "one two three"
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == [FinishReason.STOP]
    assert chunks[-1].usage is not None
    assert await worker.count_tokens(ask("one two three")) == 3
    pid = worker.pid
    assert pid is not None
    report = await worker.stop()
    assert not psutil.pid_exists(pid)
    assert (report.how, report.exit_code, worker.state) == ("asked", 0, WorkerState.STOPPED)
    assert report.memory_before > 1_000_000
    assert report.memory_freed == report.memory_before
    assert (await worker.stop()).how == "gone"


async def test_a_worker_is_weighed_beside_the_loop_that_serves_others(tmp_path: Path) -> None:
    weighed_by: list[threading.Thread] = []

    def memory_of(pid: int) -> int:
        weighed_by.append(threading.current_thread())
        return process_memory(pid)

    worker = WorkerProcess("fake", memory_of=memory_of)
    await worker.start(script_snapshot(tmp_path, Script()), "scripted")
    await worker.ready()
    report = await worker.stop()
    assert report.memory_freed == report.memory_before > 1_000_000
    assert len(weighed_by) == 2 and threading.main_thread() not in weighed_by


async def test_a_worker_that_dies_while_it_is_weighed_is_gone(tmp_path: Path) -> None:
    weighed: list[int] = []

    def memory_of(pid: int) -> int:
        weighed.append(pid)
        if len(weighed) == 1:  # afterwards the number may be another process's
            os.kill(pid, signal.SIGKILL)
            while psutil.pid_exists(pid):
                pass
        return 0

    worker = WorkerProcess("fake", memory_of=memory_of)
    await worker.start(script_snapshot(tmp_path, Script()), "scripted")
    await worker.ready()
    report = await worker.stop()
    assert (report.exit_code, worker.state) == (-signal.SIGKILL, WorkerState.STOPPED)


async def test_the_child_holds_no_port_and_only_its_own_engine(start_worker: StartWorker) -> None:
    worker = await start_worker()
    child = psutil.Process(worker.pid)
    assert child.net_connections(kind="inet") == []
    mapped = {part for region in child.memory_maps() for part in Path(region.path).parts}
    assert not mapped & {"mlx", "libmlx.so", "xllamacpp"}


@pytest.mark.slow
async def test_a_ping_is_answered_while_it_generates(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER)
    stream = worker.generate(ask("forever"))
    await anext(stream)
    first = await worker.ping(HANG)
    for _ in range(first.steps + 1):  # some of them came before it was asked, so that many more are needed
        await anext(stream)
    second = await worker.ping(HANG)
    assert first.ok and first.active == 1
    assert second.steps > first.steps
    await stream.aclose()


@pytest.mark.slow
async def test_requests_beyond_the_slots_wait_their_turn_in_order(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER, slots=2)
    inside = [worker.generate(ask("forever")) for _ in range(2)]
    for stream in inside:
        await anext(stream)
    done: list[str] = []

    async def late(name: str) -> None:
        done.append(await text_of(worker, ask(name)))

    waiting = [asyncio.create_task(late(name)) for name in ("first", "second")]
    health = await worker.ping(HANG)
    assert (worker.active, worker.waiting, health.active, done) == (2, 2, 2, [])
    await inside[0].aclose()
    await asyncio.gather(*waiting)
    assert done == ["first", "second"]
    await inside[1].aclose()


@pytest.mark.slow
async def test_a_waiting_request_can_be_cancelled(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER, slots=1)
    stream = worker.generate(ask("forever"))
    await anext(stream)
    waiting = asyncio.create_task(text_of(worker, ask("never")))
    await worker.ping(HANG)
    assert worker.waiting == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert worker.waiting == 0
    await stream.aclose()
    assert await text_of(worker, ask("next")) == "next"


@pytest.mark.slow
async def test_a_closed_stream_stops_the_engine_and_gives_its_slot_back(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER, slots=1)
    stream = worker.generate(ask("forever"))
    await anext(stream)
    await stream.aclose()
    assert await text_of(worker, ask("after")) == "after"
    assert (await worker.ping(HANG)).active == 0


@pytest.mark.slow
@pytest.mark.parametrize(("word", "said"), [("crash", "SIGKILL"), ("exit", "exit code 7")])
async def test_a_crash_fails_those_inside_and_nobody_else(
    start_worker: StartWorker, tmp_path: Path, word: str, said: str
) -> None:
    worker = await start_worker(FOREVER, slots=2)
    inside = worker.generate(ask("forever"))
    await anext(inside)
    crashing = asyncio.create_task(text_of(worker, ask(word)))
    waiting = asyncio.create_task(text_of(worker, ask("waits")))
    with pytest.raises(WorkerCrashed, match=said):
        await crashing
    with pytest.raises(WorkerCrashed, match=said) as raised:
        async for _ in inside:
            pass
    with pytest.raises(WorkerGone):
        await waiting
    if word == "exit":
        assert "the script says: leave with status 7" in raised.value.details["log"]
    assert worker.state is WorkerState.FAILED
    assert isinstance(worker.error, WorkerCrashed)
    await worker.start(script_snapshot(tmp_path, Script()), "scripted", EngineOptions())
    await worker.ready()
    assert await text_of(worker, ask("again")) == "again"


@pytest.mark.slow
async def test_kill_9_from_outside_in_the_middle_of_an_answer(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER)
    stream = worker.generate(ask("forever"))
    await anext(stream)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerCrashed) as raised:
        async for _ in stream:
            pass
    assert raised.value.details["signal"] == "SIGKILL"
    await worker.wait_gone()


@pytest.mark.slow
async def test_an_error_of_one_request_leaves_the_others_alone(start_worker: StartWorker) -> None:
    worker = await start_worker(Script(on={"bad": "fail", "forever": "forever"}, token_seconds=0.01))
    stream = worker.generate(ask("forever"))
    await anext(stream)
    with pytest.raises(GenerationFailed, match="The script says"):
        await text_of(worker, ask("bad"))
    await anext(stream)
    await stream.aclose()


@pytest.mark.slow
async def test_a_load_that_fails_says_why_and_can_be_tried_again(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = await start_worker(Script(fail_load="No such luck."), wait=False)
    with pytest.raises(LoadFailed, match="No such luck"):
        await worker.ready()
    assert worker.state is WorkerState.FAILED
    await worker.start(script_snapshot(tmp_path, Script()), "scripted")
    assert (await worker.ready()).name == "scripted"


@pytest.mark.slow
async def test_a_load_that_crashes_names_the_signal(start_worker: StartWorker) -> None:
    worker = await start_worker(Script(crash_load=signal.SIGSEGV), wait=False)
    with pytest.raises(WorkerCrashed, match="SIGSEGV while it loaded"):
        await worker.ready()


@pytest.mark.slow
async def test_a_load_beyond_its_deadline_is_ended(start_worker: StartWorker) -> None:
    worker = await start_worker(Script(load_seconds=300), wait=False, load_timeout=0.5)
    with pytest.raises(WorkerTimeout, match=r"did not load within 0\.5 seconds"):
        await worker.ready()
    assert worker.pid is not None
    assert not psutil.pid_exists(worker.pid)


@pytest.mark.slow
async def test_stop_in_the_middle_of_a_load_ends_it(start_worker: StartWorker) -> None:
    worker = await start_worker(Script(load_seconds=300), wait=False)
    loading = asyncio.create_task(worker.ready())
    report = await worker.stop()
    assert report.how in {"terminated", "killed"}
    with pytest.raises(Cancelled):
        await loading
    assert worker.state is WorkerState.STOPPED


@pytest.mark.slow
async def test_a_child_that_does_not_react_is_killed(start_worker: StartWorker) -> None:
    worker = await start_worker(patience=0.2)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGSTOP)
    report = await worker.stop()
    assert (report.how, report.exit_code) == ("killed", -signal.SIGKILL)


@pytest.mark.slow
async def test_stop_ends_running_requests_as_cancelled(start_worker: StartWorker) -> None:
    worker = await start_worker(FOREVER)
    stream = worker.generate(ask("hang"))
    pending = asyncio.ensure_future(anext(stream))
    await worker.ping(HANG)
    await worker.stop()
    with contextlib.suppress(IngleError):
        chunk = await pending
        assert chunk.finish_reason is FinishReason.CANCELLED


async def test_an_interpreter_that_is_not_there_is_a_failed_load(tmp_path: Path) -> None:
    worker = WorkerProcess("m", python=str(tmp_path / "no-python"))
    with pytest.raises(LoadFailed, match="could not be started"):
        await worker.start(script_snapshot(tmp_path, Script()), "scripted")
    assert worker.state is WorkerState.FAILED


OF_ANOTHER_VERSION = """
import os, socket, sys
from ingle.worker import frames

end = socket.socket(fileno=int(sys.argv[3]))
end.sendall(frames.Codec().encode(frames.Hello(frames.PROTOCOL + 1, os.getpid())))
end.recv(1)
os.read(int(sys.argv[4]), 1)
"""


@pytest.mark.slow
async def test_a_child_of_another_version_is_ended_and_both_versions_are_told(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(OF_ANOTHER_VERSION)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/child.py" "$@"\n')
    python.chmod(0o700)
    worker = WorkerProcess("m", python=str(python))
    await worker.start(script_snapshot(tmp_path, Script()), "scripted")
    told = f"protocol {frames.PROTOCOL + 1}, the daemon {frames.PROTOCOL}"
    with pytest.raises(WorkerError, match=told) as raised:
        await worker.ready()
    assert raised.value.hint
    await worker.wait_gone()
    assert worker.state is WorkerState.FAILED


async def test_an_engine_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    worker = WorkerProcess("m")
    await worker.start(script_snapshot(tmp_path, Script()), "no-such-engine")
    with pytest.raises(LoadFailed):
        await worker.ready()


def test_file_missing_travels_as_itself() -> None:
    error = IngleError.from_dict(FileMissing("/x").to_dict())
    assert isinstance(error, FileMissing)


@pytest.mark.slow
async def test_a_request_no_engine_takes_is_refused_though_every_slot_is_busy(
    start_worker: StartWorker,
) -> None:
    worker = await start_worker(FOREVER, slots=1)
    stream = worker.generate(ask("forever"))
    await anext(stream)
    with pytest.raises(InvalidRequest):
        await text_of(worker, ask("x", n=99))
    await stream.aclose()
