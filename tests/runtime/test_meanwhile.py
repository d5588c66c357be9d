"""Other processes mend, pull and check models while a daemon runs: what it shows follows the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.errors import DigestMismatch, HubUnreachable, LoadFailed
from ingle.runtime.events import RuntimeEvent
from ingle.runtime.runtime import Runtime
from ingle.runtime.status import ModelView
from tests.runtime.fakes import World, make_snapshot, until

MODEL = "org/tiny"
DAMAGE = DigestMismatch("/models/x", "aa", "bb")


def last_error(view: ModelView) -> str | None:
    return view.last_error["code"] if view.last_error is not None else None


def change(world: World, **changes: Any) -> None:
    """As another process changes the files."""
    (snapshot,) = world.store.scan()
    world.store.put(msgspec.structs.replace(snapshot, **changes))


async def fail_pull(runtime: Runtime, world: World, model: str, *, repair: bool = False) -> None:
    world.pull.errors.append(HubUnreachable("The hub does not answer."))
    with pytest.raises(HubUnreachable):
        async for _ in runtime.repair(model) if repair else runtime.pull(model):
            pass


async def told_to_a_late_listener(runtime: Runtime) -> list[RuntimeEvent]:
    await runtime.settle()
    runtime.end_streams()
    async with runtime.events() as events:
        return [event async for event in events]


async def test_an_error_of_a_load_is_forgotten_once_its_files_are_others(world: World) -> None:
    world.load_error = LoadFailed("The weights make no sense.")
    async with world.runtime() as runtime:
        with pytest.raises(LoadFailed):
            await runtime.load(MODEL)
        await until(lambda: world.check.checked == [MODEL] and not runtime.busy)
        assert last_error(await runtime.view(MODEL)) == "load_failed"
        async with runtime.events() as events:
            assert (await anext(events)).error == "The weights make no sense."
        change(world, modified=5.0)
        assert last_error(await runtime.view(MODEL)) is None
        assert [last_error(view) for view in await runtime.models()] == [None]
        assert await told_to_a_late_listener(runtime) == []


async def test_the_error_of_a_check_is_shown_as_long_as_the_damage_lies_there(world: World) -> None:
    world.check.errors[MODEL] = DAMAGE
    async with world.runtime() as runtime:
        with pytest.raises(DigestMismatch):
            async for _ in runtime.verify(MODEL):
                pass
        await until(lambda: not runtime.busy)
        assert last_error(await runtime.view(MODEL)) == "digest_mismatch"
        async with runtime.events() as events:
            assert (await anext(events)).error == DAMAGE.message
        world.check.found.clear()
        assert last_error(await runtime.view(MODEL)) is None
        assert await told_to_a_late_listener(runtime) == []


async def test_damage_that_another_process_found_is_the_last_error(world: World) -> None:
    (snapshot,) = world.store.scan()
    async with world.runtime() as runtime:
        assert last_error(await runtime.view(MODEL)) is None
        world.check.found[str(snapshot.path)] = DAMAGE
        view = await runtime.view(MODEL)
        assert view.damaged and last_error(view) == "digest_mismatch"


async def test_a_pull_that_failed_is_over_once_somebody_else_has_made_the_model_whole(world: World) -> None:
    async with world.runtime() as runtime:
        await fail_pull(runtime, world, "org/new")
        assert last_error(await runtime.view("org/new")) == "hub_unreachable"
        world.store.put(make_snapshot("org/new", world.folder))
        view = await runtime.view("org/new")
        assert last_error(view) is None and "retry" not in view.actions and view.pull is None
    async with world.runtime() as runtime:
        assert last_error(await runtime.view("org/new")) is None


async def test_an_update_that_failed_stands_until_another_version_is_here(world: World) -> None:
    async with world.runtime() as runtime:
        await fail_pull(runtime, world, MODEL)
        assert "retry" in (await runtime.view(MODEL)).actions
    async with world.runtime() as runtime:  # also over a restart
        assert last_error(await runtime.view(MODEL)) == "hub_unreachable"
        change(world, path=Path("/models/newer"))
        view = await runtime.view(MODEL)
        assert last_error(view) is None and "retry" not in view.actions


async def test_a_repair_that_failed_is_over_once_somebody_has_read_every_byte(world: World) -> None:
    """Its own work may have changed the files, so that alone tells nothing."""
    async with world.runtime() as runtime:
        await fail_pull(runtime, world, MODEL, repair=True)
        change(world, modified=5.0)
        assert last_error(await runtime.view(MODEL)) == "hub_unreachable"
        world.sound = True
        assert last_error(await runtime.view(MODEL)) is None
