"""The folder for prompts that return: written on the second return, read by the next load, capped."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.base import Engine, EngineOptions
from ingle.engines.mlx.engine import open_engine
from ingle.engines.mlx.lean import import_mlx_lm
from ingle.generation import Generation, Message, Role
from tests.engines.mlx.asking import GREEDY, Answer, ask, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_random
from tests.models import mlx_snapshot

import_mlx_lm()

import mlx.core as mx  # noqa: E402  (after the lean import)
from mlx_lm.models.cache import KVCache  # noqa: E402  (as above)

from ingle.engines.mlx.prefix_disk import SHORTEST, PrefixDisk  # noqa: E402  (as above)

pytestmark = pytest.mark.slow

SYSTEM = Message(role=Role.SYSTEM, content="You are always the same, and rather long. " * 5)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_random(tmp_path / "model")


def with_folder(folder: Path, size: int = 10**8) -> EngineOptions:
    return msgspec.structs.replace(OPTIONS, prompt_cache_folder=str(folder), prompt_cache_folder_bytes=size)


def question(engine: Engine, text: str) -> Answer:
    asked = Generation(
        messages=(SYSTEM, Message(role=Role.USER, content=text)), sampling=GREEDY, max_tokens=4
    )
    return ask(engine, asked, text)


def returning(model: Path, options: EngineOptions) -> None:
    """Three questions after one system prompt: at the second return it is written."""
    engine = open_engine(mlx_snapshot(model), options)
    try:
        for text in ("1", "2", "3"):
            question(engine, text)
        other = ask(engine, chat("something else, so that the engine was idle"))
        assert other.error is None and engine.health().ok
    finally:
        engine.close()


def test_a_prefix_that_returned_is_warm_after_another_load(model: Path, tmp_path: Path) -> None:
    options = with_folder(tmp_path / "kept")
    returning(model, options)
    engine = open_engine(mlx_snapshot(model), options)
    plain = open_engine(mlx_snapshot(model), OPTIONS)
    try:
        warm, cold = question(engine, "4"), question(plain, "4")
    finally:
        engine.close()
        plain.close()
    assert warm.usage.cached_tokens >= len(SYSTEM.content)
    assert cold.usage.cached_tokens == 0
    assert warm.text == cold.text


def test_without_a_folder_nothing_is_written(model: Path, tmp_path: Path) -> None:
    returning(model, OPTIONS)
    assert not list(tmp_path.glob("**/*.safetensors"))[1:]


def test_the_folder_never_holds_more_than_its_cap(model: Path, tmp_path: Path) -> None:
    returning(model, with_folder(tmp_path / "kept", size=1000))
    assert not list((tmp_path / "kept").iterdir())


def test_a_damaged_or_foreign_file_is_not_used(model: Path, tmp_path: Path) -> None:
    options = with_folder(tmp_path / "kept")
    returning(model, options)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_bytes(b"damaged")
    engine = open_engine(mlx_snapshot(model), options)
    try:
        assert question(engine, "4").usage.cached_tokens == 0
    finally:
        engine.close()
    assert not file.exists()
    returning(model, options)
    another = write_random(tmp_path / "another")
    foreign = open_engine(mlx_snapshot(another), options)
    try:
        assert question(foreign, "4").usage.cached_tokens == 0
    finally:
        foreign.close()


def test_a_whole_file_that_no_prefix_can_be_read_from_is_dropped(model: Path, tmp_path: Path) -> None:
    options = with_folder(tmp_path / "kept")
    returning(model, options)
    (file,) = (tmp_path / "kept").iterdir()
    content = b"the digest in its name is right"
    named = f"{file.stem.rsplit('-', 1)[0]}-{hashlib.sha256(content).hexdigest()[:32]}.safetensors"
    unreadable = file.rename(file.with_name(named))
    unreadable.write_bytes(content)
    engine = open_engine(mlx_snapshot(model), options)
    try:
        cold = question(engine, "4")
    finally:
        engine.close()
    assert cold.error is None and cold.usage.cached_tokens == 0
    assert not unreadable.exists()


def test_a_folder_that_takes_no_file_fails_no_request(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    (folder / "writing.safetensors").mkdir(parents=True)  # where a file is written before it has its name
    returning(model, with_folder(folder))
    assert [path.name for path in folder.glob("*.safetensors")] == ["writing.safetensors"]


def test_a_file_that_another_process_took_away_meanwhile_is_no_error(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    options = with_folder(folder)
    folder.mkdir()
    (folder / "gone.safetensors").symlink_to(tmp_path / "nowhere")  # listed, and not there when looked at
    returning(model, options)
    assert len(list(folder.glob("*-*.safetensors"))) == 1


class Watching(KVCache):  # type: ignore[misc]  # mlx_lm has no types
    """A layer that notes how much the folder holds whenever it is asked for what is to be written."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.seen: list[int] = []

    @property
    def state(self) -> Any:
        self.seen.append(held(self.folder))
        return (self.keys, self.values)


def held(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def layer(made: Any) -> Any:
    values = mx.ones((1, 1, 256, 16))
    made.update_and_fetch(values, values)
    return made


def due(disk: PrefixDisk, first: int, cache: list[Any]) -> list[int]:
    """A prefix that has served twice; its tokens, and one that follows them."""
    tokens = [first] * SHORTEST
    for _ in range(2):
        disk.served(tokens, cache)
    return [*tokens, 0]


def test_room_is_made_before_a_file_is_begun(tmp_path: Path) -> None:
    limit = 80_000  # room for two of these files, not for three
    disk = PrefixDisk(tmp_path, limit, "model")
    due(disk, 1, [layer(KVCache())])
    disk.write_due()
    one = held(tmp_path)
    assert limit / 3 < one < limit / 2
    (first,) = tmp_path.iterdir()
    os.utime(first, (1, 1))  # clocks of file systems tick too slowly to tell it from the next
    wanted = due(disk, 2, [layer(KVCache())])
    disk.write_due()
    watching = layer(Watching(tmp_path))
    due(disk, 3, [watching])
    disk.write_due()
    assert watching.seen[-1] == one and one < held(tmp_path) <= limit
    assert disk.find(wanted, 0)[1] == SHORTEST


def test_a_file_with_one_bit_turned_over_is_dropped_and_never_used(tmp_path: Path) -> None:
    disk = PrefixDisk(tmp_path, 10**6, "model")
    wanted = due(disk, 1, [layer(KVCache())])
    disk.write_due()
    assert disk.find(wanted, 0)[1] == SHORTEST
    (file,) = tmp_path.iterdir()
    broken = bytearray(file.read_bytes())
    broken[-9] ^= 1
    file.write_bytes(broken)
    assert disk.find(wanted, 0) == (None, 0)
    assert not file.exists()


def test_what_is_due_waits_while_another_worker_writes(tmp_path: Path) -> None:
    disk = PrefixDisk(tmp_path, 10**6, "model")
    wanted = due(disk, 1, [layer(KVCache())])
    (tmp_path / "writing.safetensors").write_bytes(b"half")
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    disk.write_due()
    assert [file.name for file in tmp_path.iterdir()] == ["writing.safetensors"]
    os.close(other)
    disk.write_due()
    assert disk.find(wanted, 0)[1] == SHORTEST
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_folder_does_not_take_is_held_no_longer(tmp_path: Path) -> None:
    (tmp_path / "writing.safetensors").mkdir()
    disk = PrefixDisk(tmp_path, 10**6, "model")
    made = layer(KVCache())
    kept = weakref.ref(made)
    due(disk, 1, [made])
    del made
    disk.write_due()
    gc.collect()
    assert kept() is None
