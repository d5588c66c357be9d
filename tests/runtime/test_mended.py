"""A model in memory whose files became others, by a repair or anything else: answers come of what is on disk now."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import Format
from ingle.errors import DigestMismatch
from ingle.generation import Generation
from ingle.runtime.events import EventKind
from ingle.runtime.runtime import Runtime
from ingle.runtime.stamp import stamp_of
from tests.runtime.fakes import HANG, World, make_snapshot, text_of, until

MODEL = "org/tiny"
ASKED = Generation(prompt="Hi")
WHOLE = "one two three"
WRITTEN = 1_700_000_000


@pytest.fixture
def weights(world: World) -> Path:
    """The file of the model, really on disk."""
    (snapshot,) = world.store.scan()
    snapshot.path.parent.mkdir()
    snapshot.path.write_bytes(b"damaged")
    os.utime(snapshot.path, (WRITTEN, WRITTEN))
    return snapshot.path


def mend(weights: Path) -> None:
    """As every publish does it, in whatever process: another file takes the name. Its size and time say nothing."""
    mended = weights.with_suffix(".new")
    mended.write_bytes(b"mended!")
    os.utime(mended, (WRITTEN, WRITTEN))
    mended.replace(weights)


async def one_waits(runtime: Runtime) -> None:
    async with asyncio.timeout(HANG):
        while (memory := (await runtime.view(MODEL)).memory) is None or memory.waiting != 1:
            pass


async def test_after_a_repair_the_next_request_loads_the_mended_files(world: World, weights: Path) -> None:
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        assert await text_of(runtime.generate(MODEL, ASKED)) == WHOLE
        assert len(world.workers) == 1
        mend(weights)
        async with runtime.events() as events:
            assert await text_of(runtime.generate(MODEL, ASKED)) == WHOLE
            async with asyncio.timeout(HANG):
                gone = await anext(event async for event in events if event.event is EventKind.UNLOADED)
        assert gone.reason == "its files on disk are others by now"
        assert len(world.workers) == 2 and world.workers[0].stopped
        await runtime.load(MODEL)
        assert len(world.workers) == 2


async def test_answers_under_way_come_to_their_end_before_the_mended_files_are_loaded(
    world: World, weights: Path
) -> None:
    world.hold_answers = True
    async with world.runtime() as runtime:
        first = asyncio.create_task(text_of(runtime.generate(MODEL, ASKED)))
        await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
        mend(weights)
        second = asyncio.create_task(text_of(runtime.generate(MODEL, ASKED)))
        await one_waits(runtime)
        assert not world.workers[0].stopped
        world.hold_answers = False
        world.workers[0].may_answer.set()
        assert (await first, await second) == (WHOLE, WHOLE)
        assert [len(worker.asked) for worker in world.workers] == [1, 1]


async def test_a_repair_through_the_daemon_is_offered_and_ends_the_damage_of_a_loaded_model(
    world: World, weights: Path
) -> None:
    (snapshot,) = world.store.scan()
    world.check.found[str(snapshot.path)] = DigestMismatch(weights, "aa", "bb")
    async with world.runtime() as runtime:
        await runtime.load(MODEL)
        assert "repair" in (await runtime.view(MODEL)).actions
        async for _ in runtime.repair(MODEL):
            pass
        world.store.put(snapshot)
        mend(weights)
        async with runtime.use(MODEL) as use:
            assert use.damage is None
            await use.ready()
        assert len(world.workers) == 2


def test_only_the_files_that_an_engine_opens_count(tmp_path: Path) -> None:
    names = ("model.safetensors", "tokenizer.json", "notes.md", "run.log")
    folder = make_snapshot(MODEL, tmp_path, root=tmp_path, path=tmp_path, files=names, format=Format.MLX)
    for name in names:
        (tmp_path / name).write_bytes(b"old")
    before = stamp_of(folder)
    for name in names[2:]:
        (tmp_path / name).write_bytes(b"longer")
    assert stamp_of(folder) == before
    for name in names[:2]:
        (tmp_path / name).write_bytes(b"longer")
        assert stamp_of(folder) != before
        before = stamp_of(folder)


def test_the_file_of_a_gguf_counts_whatever_it_is_called(tmp_path: Path) -> None:
    blob = make_snapshot(MODEL, tmp_path, root=tmp_path, path=tmp_path / "abc", files=("abc",))
    before = stamp_of(blob)
    (tmp_path / "abc").write_bytes(b"GGUF")
    assert stamp_of(blob) != before == stamp_of(msgspec.structs.replace(blob, root=tmp_path / "elsewhere"))
