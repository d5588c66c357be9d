"""A request that names no model: the default where it is here, else the only one that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.errors import InvalidRequest, NotDownloaded
from ingle.generation import Generation
from tests.runtime.fakes import World, make_snapshot

PROMPT = Generation(prompt="Hello")


async def answered_by(world: World) -> str:
    async with world.runtime() as runtime:
        async for _ in runtime.generate(None, PROMPT):
            pass
    return world.workers[0].name


async def test_the_only_model_that_is_here_answers_where_the_default_is_not(tmp_path: Path) -> None:
    assert await answered_by(World(tmp_path)) == "org/tiny"


async def test_the_default_goes_first(tmp_path: Path) -> None:
    models = [make_snapshot(name, tmp_path) for name in ("org/a", "org/b", "org/c")]
    assert await answered_by(World(tmp_path, *models, default_model="org/b")) == "org/b"


async def test_a_model_that_is_not_whole_is_not_here(tmp_path: Path) -> None:
    broken = make_snapshot("org/b", tmp_path, state=DiskState.PARTIAL, missing=("model.gguf",))
    world = World(tmp_path, make_snapshot("org/a", tmp_path), broken, default_model="org/b")
    assert await answered_by(world) == "org/a"


async def test_several_and_no_default_are_named_and_none_is_guessed(tmp_path: Path) -> None:
    world = World(tmp_path, make_snapshot("org/a", tmp_path), make_snapshot("org/b", tmp_path))
    async with world.runtime() as runtime:
        with pytest.raises(InvalidRequest, match="Which model") as caught:
            await runtime.load(None)
    assert caught.value.details["models"] == ["org/a", "org/b"]
    assert world.workers == []


async def test_where_nothing_is_here_the_default_is_what_to_get(tmp_path: Path) -> None:
    world = World(tmp_path, default_model="org/gone")
    world.store.held.clear()
    async with world.runtime() as runtime:
        with pytest.raises(NotDownloaded, match="org/gone"):
            await runtime.load(None)


async def test_the_default_named_as_such_is_the_default(tmp_path: Path) -> None:
    async with World(tmp_path, default_model="org/gone").runtime() as runtime:
        with pytest.raises(NotDownloaded, match="org/gone"):
            await runtime.load("default")


async def test_what_was_loaded_without_a_name_is_shown(tmp_path: Path) -> None:
    async with World(tmp_path).runtime() as runtime:
        assert (await runtime.load(None)).model == "org/tiny"
