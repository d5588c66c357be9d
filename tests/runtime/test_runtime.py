"""The runtime over fakes: on demand, joined, kept, evicted, cancelled, failed, closed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, Format, ModelRef, Origin
from ingle.engines.base import EngineHealth
from ingle.errors import (
    Cancelled,
    IngleError,
    LoadFailed,
)
from ingle.generation import Generation
from ingle.runtime.events import EventKind
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from ingle.runtime.status import ModelState
from ingle.worker.state import WorkerState
from tests.runtime.fakes import HANG, World, make_snapshot, text_of, until

MODEL = "org/tiny"
ASK = Generation(prompt="hello")


async def test_nothing_is_loaded_at_the_start(world: World) -> None:
    async with world.runtime() as runtime:
        assert world.workers == []
        assert await runtime.in_memory() == []
        assert not runtime.busy


async def test_the_first_request_loads_the_model_and_is_answered(world: World) -> None:
    async with world.runtime() as runtime:
        assert await text_of(runtime.generate(MODEL, ASK)) == "one two three"
        view = await runtime.view(MODEL)
        assert view.state is ModelState.READY
        assert view.memory is not None and view.memory.engine is not None
        assert view.memory.engine.name == "fake" and view.memory.why


async def test_concurrent_requests_join_one_load(world: World) -> None:
    world.hold_loads = True
    async with world.runtime() as runtime:
        asking = [asyncio.create_task(text_of(runtime.generate(MODEL, ASK))) for _ in range(5)]
        await until(lambda: bool(world.workers) and world.workers[0].starting.is_set())
        assert (await runtime.view(MODEL)).state is ModelState.LOADING
        world.workers[0].may_load.set()
        assert await asyncio.gather(*asking) == ["one two three"] * 5
        assert len(world.workers) == 1


async def test_a_waiting_request_can_be_cancelled_and_the_others_are_answered(world: World) -> None:
    world.hold_loads = True
    async with world.runtime() as runtime:
        first = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        second = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        await until(lambda: bool(world.workers))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        world.workers[0].may_load.set()
        assert await second == "one two three"


async def test_closing_an_answer_cancels_it_down_to_the_worker(world: World) -> None:
    world.hold_answers = True
    async with world.runtime() as runtime:
        async with aclosing(runtime.generate(MODEL, ASK)) as chunks:
            assert (await anext(chunks)).text == "one"
        assert world.workers[0].cancelled == 1
        view = await runtime.view(MODEL)
        assert view.memory is not None and view.memory.active == 0


async def test_what_a_worker_last_said_of_its_health_is_shown(world: World) -> None:
    async with world.runtime() as runtime:
        await text_of(runtime.generate(MODEL, ASK))
        world.workers[0].health = EngineHealth(ok=False, reason="no token for 300 seconds")
        view = await runtime.view(MODEL)
        assert view.memory is not None and view.memory.health == world.workers[0].health
        (shown,) = (await runtime.status()).models
        assert shown.memory.health == world.workers[0].health


async def test_keep_alive_zero_unloads_after_the_answer(world: World) -> None:
    async with world.runtime() as runtime, runtime.events() as events:
        await text_of(runtime.generate(MODEL, ASK, Wants(keep_alive=0)))
        seen = [await anext(events) for _ in range(3)]
        assert [event.event for event in seen] == [
            EventKind.LOADING_STARTED,
            EventKind.LOADING_COMPLETED,
            EventKind.UNLOADED,
        ]
        assert seen[2].memory_returned == 123_000_000
        assert world.workers[0].stopped


async def test_an_idle_model_leaves_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path, keep_alive=0.01)
    async with world.runtime() as runtime, runtime.events() as events:
        await runtime.load(MODEL)
        async for event in events:
            if event.event is EventKind.UNLOADED:
                break
        assert "idle" in event.reason
        assert (await runtime.view(MODEL)).state is ModelState.DOWNLOADED


async def test_an_unload_reports_what_came_back(world: World) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        report = await runtime.unload(MODEL)
        assert report.unloaded and report.memory_returned == 123_000_000
        assert not (await runtime.unload(MODEL)).unloaded


async def test_an_unload_ends_running_answers_with_a_reason(world: World) -> None:
    world.hold_answers = True
    async with world.runtime() as runtime:
        asking = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
        await runtime.unload(MODEL)
        with pytest.raises(Cancelled, match="unloaded"):
            await asking


async def test_cancel_stops_a_load(world: World) -> None:
    world.hold_loads = True
    async with world.runtime() as runtime:
        loading = asyncio.create_task(runtime.load(MODEL))
        await until(lambda: bool(world.workers) and world.workers[0].starting.is_set())
        view = await runtime.cancel(MODEL)
        assert view.state is ModelState.DOWNLOADED
        with pytest.raises(Cancelled):
            await loading


async def test_an_unload_in_the_middle_of_the_spawn_waits_for_the_process(world: World) -> None:
    world.hold_spawns = True
    async with world.runtime() as runtime:
        loading = asyncio.create_task(runtime.load(MODEL))
        await until(lambda: bool(world.workers) and world.workers[0].options is not None)
        unloading = asyncio.create_task(runtime.unload(MODEL))
        with pytest.raises(Cancelled):
            await loading
        world.workers[0].may_spawn.set()
        assert (await unloading).unloaded
        assert world.workers[0].pid is not None and world.workers[0].stopped


async def test_two_names_of_one_model_share_a_worker(tmp_path: Path) -> None:
    snapshot = make_snapshot("org/tiny", tmp_path)
    world = World(tmp_path, snapshot)
    world.store.held[str(snapshot.path)] = snapshot
    async with world.runtime() as runtime:
        await runtime.load("org/tiny")
        await runtime.load(str(snapshot.path))
        assert len(world.workers) == 1


async def test_auto_pull_fetches_what_is_absent(tmp_path: Path) -> None:
    world = World(tmp_path, auto_pull=True)
    async with world.runtime() as runtime:
        assert await text_of(runtime.generate("org/absent", ASK)) == "one two three"
        assert world.pull.times == 1


async def test_a_request_may_ask_for_the_pull_itself(world: World) -> None:
    async with world.runtime() as runtime:
        assert (await runtime.load("org/absent", Wants(pull=True))).state is ModelState.READY


async def test_another_context_reloads_the_model(world: World) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        await runtime.load(MODEL, Wants(context=8192))
        assert [worker.options.context for worker in world.workers if worker.options] == [4096, 8192]
        assert world.workers[0].stopped
        await runtime.load(MODEL)
        assert len(world.workers) == 2


async def test_a_request_wants_what_it_leaves_open_as_it_is_in_memory_when_it_is_asked(world: World) -> None:
    looking, go_on = threading.Event(), threading.Event()

    def damaged(_snapshots: object) -> dict[str, IngleError]:
        if not looking.is_set():
            looking.set()
            assert go_on.wait(HANG)
        return {}

    async with world.runtime(damaged=damaged) as runtime:
        slow = asyncio.create_task(runtime.load(MODEL, Wants(context=8192)))
        await asyncio.to_thread(looking.wait)
        await runtime.load(MODEL, Wants(context=8192, speculate=True))
        go_on.set()
        await slow
        assert len(world.workers) == 1


async def test_the_list_shows_disk_memory_and_pulls_together(tmp_path: Path) -> None:
    foreign = make_snapshot(
        "studio", tmp_path, ref=ModelRef(name="studio", path=tmp_path / "s"), origin=Origin.LM_STUDIO
    )
    partial = make_snapshot("org/half", tmp_path, state=DiskState.PARTIAL, missing=("b",))
    world = World(tmp_path, make_snapshot(MODEL, tmp_path), foreign, partial)
    world.pull.go_on.clear()
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        runtime.start_pull("org/new")
        await asyncio.to_thread(world.pull.begun.wait)
        await until(lambda: runtime.busy)
        found = {view.model: view for view in await runtime.models()}
        assert found[MODEL].state is ModelState.READY
        assert "delete" not in found["studio"].actions
        assert found["org/half"].partial and "pull" in found["org/half"].actions
        assert found["org/new"].state is ModelState.DOWNLOADING
        assert {view.model for view in await runtime.in_memory()} == {MODEL, "org/new"}


async def test_the_status_says_which_engine_and_why_and_asks_no_disk(world: World) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        finds = world.store.finds
        status = await runtime.status()
        assert world.store.finds == finds
        assert {row.format for row in status.engines} == set(Format)
        assert all(row.why for row in status.engines)
        assert status.models[0].model == MODEL and status.models[0].memory.why
        assert status.memory.ours == 2_000_000


async def test_a_late_listener_hears_what_is_loaded_and_what_failed(world: World) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        world.load_error = LoadFailed("no")
        world.store.put(make_snapshot("org/bad", world.folder))
        with pytest.raises(LoadFailed):
            await runtime.load("org/bad")
        async with runtime.events() as events:
            first = [await anext(events), await anext(events)]
        assert [(event.event.value, event.model) for event in first] == [
            ("loading_completed", MODEL),
            ("error", "org/bad"),
        ]
        assert all(event.current for event in first)


async def test_closing_stops_everything_and_refuses_who_waits(world: World) -> None:
    world.hold_loads = True
    runtime: Runtime = world.runtime()
    async with runtime:
        waiting = asyncio.create_task(runtime.load(MODEL))
        await until(lambda: bool(world.workers))
    with pytest.raises(Cancelled):
        await waiting
    assert world.workers[0].stopped
    await runtime.close()


async def test_what_is_asked_while_it_closes_is_refused(world: World) -> None:
    async with world.runtime() as runtime:
        closing = asyncio.create_task(runtime.close())
        asked = asyncio.create_task(runtime.load(MODEL))
        await closing
        with pytest.raises(Cancelled):
            await asked


async def test_memory_pressure_sends_idle_models_away(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with world.runtime() as runtime, runtime.events() as events:
        await runtime.load(MODEL)
        world.pressure = True
        async for event in events:
            if event.event is EventKind.UNLOADED:
                break
        assert "short of memory" in event.reason
        assert (await runtime.status()).memory.pressure


async def test_states_of_a_worker_are_those_of_its_table(world: World) -> None:
    world.hold_loads = True
    async with world.runtime() as runtime:
        loading = asyncio.create_task(runtime.load(MODEL))
        await until(lambda: bool(world.workers) and world.workers[0].starting.is_set())
        view = await runtime.view(MODEL)
        assert view.memory is not None and view.memory.state is WorkerState.STARTING
        world.workers[0].may_load.set()
        loaded = await loading
        assert loaded.memory is not None and loaded.memory.state is WorkerState.READY
