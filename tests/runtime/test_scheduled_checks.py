"""When scheduled checks run: soon after a start, beside an idle model, one after the other, and never beside work."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ingle.catalog.model import ModelRef, Snapshot
from ingle.errors import StoreError
from ingle.runtime.events import EventKind
from ingle.runtime.runtime import FIRST_LOOK
from tests.runtime.fakes import World, make_config, make_snapshot, until


def test_a_daemon_in_the_background_lives_long_enough_for_a_look(tmp_path: Path) -> None:
    assert make_config(tmp_path).idle_exit > 2 * FIRST_LOOK


async def test_an_idle_model_in_memory_is_no_hindrance(tmp_path: Path) -> None:
    world = World(tmp_path, verify_every=86400.0)
    async with world.runtime() as runtime:
        await runtime.load("org/tiny")
        async with runtime.events() as events:
            world.due = world.store.scan()
            async for event in events:
                if event.event is EventKind.VERIFIED:
                    break
            world.due = []
        assert runtime.busy


async def test_all_that_are_due_are_checked_at_one_look_and_none_twice(tmp_path: Path) -> None:
    snapshots = [make_snapshot(f"org/m{number}", tmp_path) for number in range(3)]
    world = World(tmp_path, *snapshots, verify_every=86400.0)
    looks: list[int] = []

    def due(_snapshots: list[Snapshot]) -> list[Snapshot]:
        looks.append(1)
        return snapshots if len(looks) == 1 else []

    async with world.runtime(due=due) as runtime, runtime.events() as events:
        told = [(await anext(events)).model for _ in snapshots]
        await until(lambda: len(looks) > 2)
    assert sorted(str(name) for name in told) == ["org/m0", "org/m1", "org/m2"]


async def test_a_model_that_was_deleted_since_the_look_is_not_called_damaged(tmp_path: Path) -> None:
    first, second = make_snapshot("org/a", tmp_path), make_snapshot("org/b", tmp_path)
    world = World(tmp_path, first, second, verify_every=86400.0)
    asked = asyncio.Event()

    def due(_snapshots: list[Snapshot]) -> list[Snapshot]:
        if asked.is_set():
            return []
        asked.set()
        world.store.held.clear()
        return [first, second]

    async with world.runtime(due=due) as runtime:
        await asked.wait()
        before = world.store.finds
        await until(lambda: world.store.finds >= before + 1)
        assert not any(view.damaged for view in await runtime.models())
    assert world.check.checked == []


async def test_a_model_that_cannot_be_looked_at_ends_no_schedule(tmp_path: Path) -> None:
    first, second = make_snapshot("org/a", tmp_path), make_snapshot("org/b", tmp_path)
    world = World(tmp_path, first, second, verify_every=86400.0)
    failed: list[ModelRef] = []
    find = world.store.find

    def finds(ref: ModelRef) -> Snapshot | None:
        if not failed:
            failed.append(ref)
            raise StoreError("The disk is not there.")
        return find(ref)

    world.store.find = finds  # type: ignore[method-assign]  # the store of this test alone
    world.due = [first, second]
    async with world.runtime() as runtime, runtime.events() as events:
        async with asyncio.timeout(60):
            assert (await anext(events)).event is EventKind.VERIFIED
        world.due = []
    assert failed
