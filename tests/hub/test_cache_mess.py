"""Whatever is done to a cache behind our back, looking at it never fails and removing takes only what is named."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import IngleError
from ingle.hub.cache import Store
from ingle.hub.health.audit import audit
from ingle.hub.health.others import find_leftovers
from ingle.hub.health.sweep import find_orphans
from ingle.hub.layout import RepoPlace
from tests.catalog.gguf_writer import llama, split
from tests.catalog.shelf import mlx_folder, sharded
from tests.hub.hf_cache import OTHER, everything, lay, make_config, put, receive


def fill(config: Config) -> None:
    parts = {f"m-{number:05d}-of-00002.gguf": part for number, part in enumerate(split(2), start=1)}
    put(config, "org/mlx", mlx_folder(), tree=True)
    put(config, "org/mlx", mlx_folder(**{"old.json": b"[1]"}), commit=OTHER, ref="old")
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b"), "README.md": b"x"})
    put(config, "org/split", parts)
    put(config, "org/sharded", sharded(3), tree=True)
    place = RepoPlace(config.cache, "org/mlx")
    receive(place, mlx_folder())
    receive(place, mlx_folder(**{"new.json": b"[2]"}), "c" * 40)
    lay(place.partial(hashlib.sha256(b"[2]").hexdigest()))
    lay(place.partial("d" * 64))
    lay(place.pieces("e" * 64))
    lay(place.stage / "x" / "y")


def spoil(dice: random.Random, root: Path) -> None:
    """One thing that crashes, other tools and people do to files."""
    paths = sorted(path for path in root.rglob("*") if os.path.lexists(path))
    if not paths:
        return
    path = dice.choice(paths)
    what = dice.randrange(7)
    if what == 0 and path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif what <= 1:
        path.unlink() if path.is_symlink() or not path.is_dir() else (path / "stray").write_bytes(b"x")
    elif what == 2 and path.is_file():
        os.truncate(path, dice.randrange(path.stat().st_size + 1))
    elif what == 3 and path.is_file():
        content = bytearray(path.read_bytes() or b"x")
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(content))
    elif what == 4 and not path.is_dir():
        path.unlink()
        path.mkdir()
    elif what == 5:
        (path.parent / f"{path.name}.x").symlink_to(dice.choice(["nowhere", ".", "..", str(path)]))
    elif what == 6:
        path.rename(path.with_name(dice.choice(["main", "blobs", "x.gguf", "config.json", "\udcff.json"])))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_a_spoilt_cache_is_looked_at_without_failing(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    config = make_config(tmp_path)
    fill(config)
    for _ in range(dice.randint(1, 12)):
        try:
            spoil(dice, config.cache)
        except OSError:
            continue
    before = sorted(str(path) for path in config.cache.rglob("*"))
    store = Store(config)
    found = store.scan()
    assert len({one.ref.name for one in found}) == len(found)
    for one in found:
        assert (one.state is DiskState.COMPLETE) == (not one.missing)
        again = store.find(parse_name(one.ref.name, store.catalog)) if one.ref.name.isprintable() else one
        assert again is not None and again.path == one.path
        if one.state is DiskState.COMPLETE:
            assert one.path.exists() and all((one.root / path).is_file() for path in one.files)
        audit(config, one)
    find_orphans(config)
    find_leftovers(config)
    assert sorted(str(path) for path in config.cache.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_removing_from_a_spoilt_cache_leaves_every_other_model_as_it_was(tmp_path: Path, seed: int) -> None:
    dice = random.Random(1000 + seed)
    config = make_config(tmp_path)
    fill(config)
    for _ in range(dice.randint(0, 6)):
        try:
            spoil(dice, config.cache)
        except OSError:
            continue
    store = Store(config)
    whole = [one for one in store.scan() if one.state is DiskState.COMPLETE]
    listed = [one for one in store.scan() if one.ref.name.isprintable()]
    if not listed:
        return
    victim = dice.choice(listed)
    kept = [one for one in whole if one.path != victim.path]
    content = {one.path: {path: (one.root / path).read_bytes() for path in one.files} for one in kept}
    repo = victim.root.parent.parent.name
    others = {path: it for path, it in everything(config.cache).items() if not path.startswith(repo)}
    try:
        store.remove(parse_name(victim.ref.name, store.catalog))
    except IngleError:
        pass
    assert {path: it for path, it in everything(config.cache).items() if not path.startswith(repo)} == others
    for one in kept:
        assert {path: (one.root / path).read_bytes() for path in one.files} == content[one.path]


@pytest.mark.slow
def test_the_spoilt_caches_are_not_all_alike(tmp_path: Path) -> None:
    states = set()
    for seed in range(6):
        config = make_config(tmp_path / str(seed))
        fill(config)
        dice = random.Random(seed)
        for _ in range(8):
            try:
                spoil(dice, config.cache)
            except OSError:
                continue
        states |= {one.state for one in Store(config).scan()}
    assert states == {DiskState.COMPLETE, DiskState.PARTIAL}
