"""What cannot be, and what breaks: each refused or mended, typed, with nothing left half-done."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.errors import (
    DigestMismatch,
    FileMissing,
    InUse,
    LoadFailed,
    MalformedModel,
    ModelNotFound,
    NotDownloaded,
    OutOfMemory,
    Unsupported,
    WorkerCrashed,
)
from ingle.generation import Generation
from ingle.runtime.events import EventKind
from ingle.runtime.needs import Wants
from ingle.runtime.status import ModelState
from tests.runtime.fakes import World, make_snapshot, text_of, until

MODEL = "org/tiny"
ASK = Generation(prompt="hello")


async def test_a_worker_that_dies_costs_its_own_answer_only(world: World) -> None:
    world.hold_answers = True
    async with world.runtime() as runtime:
        asking = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
        world.workers[0].die()
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            await asking
        view = await runtime.view(MODEL)
        assert view.last_error is not None and view.last_error["code"] == "worker_crashed"
        world.hold_answers = False
        assert await text_of(runtime.generate(MODEL, ASK)) == "one two three"
        assert (await runtime.view(MODEL)).last_error is None


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the runtime logged; a thread that another test left behind may have a word too."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("ingle.runtime")]


async def test_the_log_tells_of_a_worker_that_died_and_of_none_that_was_asked_to_leave(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "ingle")
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        await runtime.unload(MODEL)
        assert told(caplog) == []
        await runtime.load(MODEL)
        pid = world.workers[-1].pid
        world.workers[-1].die()
        await until(lambda: bool(told(caplog)))
        (line,) = told(caplog)
        assert MODEL in line and f"pid {pid}" in line and "SIGKILL" in line


async def test_the_log_tells_of_a_load_that_failed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ingle")
    world.load_error = LoadFailed("It is no model.")
    async with world.runtime() as runtime:
        with pytest.raises(LoadFailed):
            await runtime.load(MODEL)
    (line,) = told(caplog)
    assert MODEL in line and "It is no model." in line


async def test_a_request_that_comes_before_the_news_of_a_death_is_answered_by_the_next_worker(
    world: World,
) -> None:
    looks: list[bool] = []

    def alive(_pid: int | None) -> bool:
        looks.append(world.alive)
        return world.alive

    async with world.runtime(alive=alive) as runtime:
        await runtime.load(MODEL)
        world.alive = False  # its process has ended, but nobody has told the runtime yet
        asking = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        leaving = asyncio.create_task(text_of(runtime.generate(MODEL, ASK)))
        await until(lambda: looks.count(False) == 2)
        leaving.cancel()
        world.alive = True
        world.workers[0].die()
        assert await asking == "one two three"
        assert world.workers[0].asked == [] and len(world.workers) == 2


async def test_a_failed_load_is_checked_and_offers_repair_when_it_is_damaged(world: World) -> None:
    world.load_error = LoadFailed("The weights make no sense.")
    path = world.store.scan()[0].path
    world.check.errors[MODEL] = DigestMismatch(path, "aa", "bb")
    async with world.runtime() as runtime, runtime.events() as events:
        with pytest.raises(LoadFailed):
            await runtime.load(MODEL)
        errors = []
        async for event in events:
            if event.event is EventKind.ERROR:
                errors.append((event.details or {})["code"])
            if len(errors) == 2:
                break
        assert errors == ["load_failed", "digest_mismatch"]
        view = await runtime.view(MODEL)
        assert view.damaged and "repair" in view.actions
        async for _ in runtime.repair(MODEL):
            pass
        assert "repair" not in (await runtime.view(MODEL)).actions


async def test_a_failed_load_of_a_whole_model_offers_no_repair(world: World) -> None:
    world.load_error = LoadFailed("Not enough of something.")
    async with world.runtime() as runtime:
        with pytest.raises(LoadFailed):
            await runtime.load(MODEL)
        await until(lambda: world.check.checked == [MODEL] and not runtime.busy)
        view = await runtime.view(MODEL)
        assert not view.damaged and "repair" not in view.actions and "load" in view.actions
        assert view.last_error is not None


async def test_a_model_that_is_absent_is_refused_with_the_actions(world: World) -> None:
    async with world.runtime() as runtime:
        with pytest.raises(NotDownloaded) as raised:
            await runtime.load("org/absent")
        assert raised.value.actions == ("pull",)
        assert world.pull.times == 0


async def test_a_path_that_is_not_there_is_missing(world: World, tmp_path: Path) -> None:
    async with world.runtime() as runtime:
        with pytest.raises(FileMissing):
            await runtime.load(str(tmp_path / "nothing.gguf"))


async def test_a_corrupt_file_is_named_and_starts_nothing(world: World) -> None:
    world.store.damaged.add(MODEL)
    async with world.runtime() as runtime:
        with pytest.raises(MalformedModel):
            await runtime.load(MODEL)
        assert world.workers == []


async def test_a_model_whose_header_is_damaged_offers_repair(tmp_path: Path) -> None:
    broken = make_snapshot(
        MODEL, tmp_path, state=DiskState.PARTIAL, missing=("model.gguf (damaged: the magic is wrong)",)
    )
    async with World(tmp_path, broken).runtime() as runtime:
        view = await runtime.view(MODEL)
        assert view.damaged and "repair" in view.actions


async def test_a_word_that_is_no_model_is_not_found(world: World) -> None:
    async with world.runtime() as runtime:
        with pytest.raises(ModelNotFound):
            await runtime.load("nonsense")


async def test_an_engine_that_cannot_read_the_format_is_refused(world: World) -> None:
    async with world.runtime() as runtime:
        with pytest.raises(Unsupported):
            await runtime.load(MODEL, Wants(engine="mlx"))


async def test_too_large_a_model_is_refused_with_the_numbers(world: World) -> None:
    world.free = 1_000_000
    async with world.runtime() as runtime:
        with pytest.raises(OutOfMemory) as raised:
            await runtime.load(MODEL)
        assert raised.value.details["free"] == 1_000_000
        view = await runtime.view(MODEL)
        assert view.last_error is not None and view.last_error["code"] == "out_of_memory"
        assert world.workers == []


async def test_a_loaded_model_is_not_deleted(world: World) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        with pytest.raises(InUse) as raised:
            await runtime.delete(MODEL)
        assert raised.value.actions == ("unload",)
        await runtime.unload(MODEL)
        assert (await runtime.delete(MODEL)).freed == 1000
        assert (await runtime.view(MODEL)).state is ModelState.NOT_DOWNLOADED


async def test_what_is_not_here_cannot_be_deleted(world: World) -> None:
    async with world.runtime() as runtime:
        with pytest.raises(ModelNotFound):
            await runtime.delete("org/absent")
