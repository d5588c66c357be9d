"""A removal that is killed at any of its steps never shows half a model to any tool, and can be finished."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.hub.cache import Store
from ingle.hub.health.sweep import find_orphans, sweep
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import COMMIT, OTHER, damage, everything, make_config, put, receive

REMOVE = """
import os, sys
from pathlib import Path
from ingle.catalog.names import parse_name
from ingle.config import load_config
from ingle.hub.cache import Store

home, name, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = Store(load_config({"HOME": home + "/home", "INGLE_HOME": home + "/ingle"}))
store.find(parse_name(name, store.catalog))
done = 0

def count(event, arguments):
    global done
    if event in {"os.remove", "os.rename", "os.rmdir"}:
        done += 1
        if done == last:
            os._exit(9)

sys.addaudithook(count)
store.remove(parse_name(name, store.catalog))
"""


def fill(root: Path) -> Config:
    config = make_config(root)
    place = put(config, "org/name", mlx_folder(), tree=True)
    put(config, "org/name", mlx_folder(**{"old.json": b"[1]"}), commit=OTHER, ref="old")
    receive(place, mlx_folder())
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b"), "README.md": b"x"}, tree=True)
    return config


def killed(root: Path, name: str, step: int) -> bool:
    """Removes in a process that dies before its `step`th change; False when it needed no more than that."""
    done = subprocess.run(
        [sys.executable, "-c", REMOVE, str(root), name, str(step)], env={**os.environ}, check=False
    )
    assert done.returncode in {0, 9}
    return done.returncode == 9


def states(config: Config) -> dict[tuple[str, str | None], DiskState]:
    """Every model by its snapshot and file: names may become shorter when others go."""
    return {(one.root.name, one.ref.file): one.state for one in Store(config).scan()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [f"org/name@{COMMIT}", "org/many:a.gguf"])
def test_a_removal_killed_at_any_step_leaves_a_sound_cache(tmp_path: Path, name: str) -> None:
    clean = fill(tmp_path / "clean")
    before = set(states(clean))
    Store(clean).remove(parse_name(name, Store(clean).catalog))
    expected, kept = everything(clean.cache), set(states(clean))
    (victim,) = before - kept
    step, dead = 1, True
    while dead:
        config = fill(tmp_path / str(step))
        dead = killed(tmp_path / str(step), name, step)
        assert damage(config) == [], step
        seen = states(config)
        assert set(seen.values()) == {DiskState.COMPLETE}, step
        assert set(seen) - {victim} == kept, step
        if victim in seen:
            Store(config).remove(parse_name(name, Store(config).catalog))
        sweep(config, find_orphans(config))
        left = everything(config.cache)
        # What nobody pulled with Ingle leaves no receipt: its blob may stay, a leftover that nothing names.
        spare = {path for path in left if path not in expected}
        assert all("many" in path and "/blobs/" in path for path in spare), step
        assert {path: it for path, it in left.items() if path in expected} == expected, step
        assert damage(config) == [], step
        step += 1
    assert step > 4
