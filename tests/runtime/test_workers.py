"""The runtime over real child processes with the scripted engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from ingle.engines.scripted import Script
from ingle.errors import LoadFailed, WorkerCrashed
from ingle.generation import Generation
from ingle.runtime.events import EventKind
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from ingle.worker.memory import process_memory
from ingle.worker.process import WorkerProcess
from tests.runtime.fakes import HANG, World, make_snapshot, text_of

pytestmark = pytest.mark.slow
MODEL = "org/scripted"


def scripted_world(folder: Path, script: Script) -> World:
    """A store with one model whose file is a script."""
    path = folder / "script.json"
    path.write_bytes(msgspec.json.encode(script))
    snapshot = make_snapshot(MODEL, folder, path=path, root=folder, files=(path.name,))
    return World(folder, snapshot)


def real_runtime(world: World) -> Runtime:
    return world.runtime(worker=WorkerProcess, memory_of=process_memory)


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    script = Script(answer="all is well", token_seconds=0.001, on={"endless": "forever", "die": "crash"})
    async with real_runtime(scripted_world(tmp_path, script)) as runtime:
        yield runtime


async def pid_of(runtime: Runtime) -> int:
    view = await runtime.view(MODEL)
    assert view.memory is not None and view.memory.pid is not None
    return view.memory.pid


async def test_a_worker_killed_in_the_middle_of_an_answer_leaves_a_runtime_that_answers(
    runtime: Runtime,
) -> None:
    answer = runtime.generate(MODEL, Generation(prompt="endless"))
    await anext(answer)
    os.kill(await pid_of(runtime), signal.SIGKILL)
    with pytest.raises(WorkerCrashed, match="SIGKILL"):
        async for _ in answer:
            pass
    assert await text_of(runtime.generate(MODEL, Generation(prompt="again"))) == "all is well"


async def test_a_crash_fails_exactly_the_requests_inside_and_the_next_is_answered(runtime: Runtime) -> None:
    with pytest.raises(WorkerCrashed):
        await text_of(runtime.generate(MODEL, Generation(prompt="die")))
    assert await text_of(runtime.generate(MODEL, Generation(prompt="live"))) == "all is well"


async def test_a_worker_that_lives_and_makes_no_tokens_is_ended_and_the_next_request_answered(
    tmp_path: Path,
) -> None:
    world = scripted_world(tmp_path, Script(answer="all is well", on={"stuck": "stuck"}))
    pulse = partial(WorkerProcess, pulse=0.01)
    async with world.runtime(worker=pulse, memory_of=process_memory) as runtime:
        with pytest.raises(WorkerCrashed, match="made no tokens any more"):
            await text_of(runtime.generate(MODEL, Generation(prompt="stuck")))
        assert await text_of(runtime.generate(MODEL, Generation(prompt="x"))) == "all is well"


async def test_an_unload_reports_memory_that_really_came_back(runtime: Runtime) -> None:
    await runtime.load(MODEL)
    pid = await pid_of(runtime)
    assert process_memory(pid) > 0
    report = await runtime.unload(MODEL)
    assert report.memory_returned > 1_000_000
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_closing_an_answer_frees_its_slot_in_the_child(runtime: Runtime) -> None:
    for _ in range(6):  # more than there are slots: a slot that stays taken would hang this
        answer = runtime.generate(MODEL, Generation(prompt="endless"))
        await anext(answer)
        await answer.aclose()
    assert await text_of(runtime.generate(MODEL, Generation(prompt="x"))) == "all is well"


async def test_nothing_is_left_when_the_runtime_ends_in_the_middle_of_an_answer(tmp_path: Path) -> None:
    script = Script(answer="x", token_seconds=0.001, on={"endless": "forever"})
    async with real_runtime(scripted_world(tmp_path, script)) as runtime:
        answer = runtime.generate(MODEL, Generation(prompt="endless"))
        await anext(answer)
        pid = await pid_of(runtime)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_load_that_fails_in_the_child_is_typed_and_the_files_are_checked(tmp_path: Path) -> None:
    world = scripted_world(tmp_path, Script(fail_load="the script says no"))
    async with real_runtime(world) as runtime, runtime.events() as events:
        with pytest.raises(LoadFailed, match="the script says no"):
            await runtime.load(MODEL)
        async for event in events:
            if event.event is EventKind.ERROR:
                break
        await asyncio.wait_for(runtime.cancel(MODEL), HANG)
        assert world.check.checked == [MODEL]


async def test_a_kept_model_answers_from_the_same_process_and_zero_ends_it(runtime: Runtime) -> None:
    await runtime.load(MODEL, Wants(keep_alive=-1))
    first = await pid_of(runtime)
    await text_of(runtime.generate(MODEL, Generation(prompt="x")))
    assert await pid_of(runtime) == first
    async with runtime.events() as events:
        await text_of(runtime.generate(MODEL, Generation(prompt="x"), Wants(keep_alive=0)))
        async for event in events:
            if event.event is EventKind.UNLOADED:
                break
    assert not runtime.busy
