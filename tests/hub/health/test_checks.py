"""The doctor remembers what checks found: told while it holds, forgotten once mended, and due again in time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.hub.cache import Store
from ingle.hub.health.audit import audit
from ingle.hub.health.checks import Checked, damaged, due, recall, remember
from ingle.hub.health.finding import Level
from tests.catalog.shelf import mlx_folder
from tests.hub.health.test_doctor import findings, of
from tests.hub.hf_cache import COMMIT, lay, make_config, put

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = make_config(tmp_path)
    config.cache.mkdir(parents=True)
    return config


def age(folder: Path, days: int) -> None:
    """Makes every file look as old as that."""
    then = time.time() - days * 86400
    for path in folder.rglob("*"):
        os.utime(path, (then, then), follow_symlinks=False)


def check_now(config: Config, now: float) -> None:
    snapshot = Store(config).find(parse_name("org/name", Store(config).catalog))
    assert snapshot is not None
    remember(config, audit(config, snapshot), now)


def test_a_check_that_found_damage_is_told_until_the_model_is_gone(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    (place.snapshot(COMMIT) / "tokenizer.json").resolve().write_bytes(b"[]")
    age(place.folder, days=4)
    check_now(config, time.time() - 3 * 86400)
    one = of("verify", findings(config))
    assert one.command == "ingle repair org/name" and "3 days ago" in one.means
    Store(config).remove(parse_name("org/name", Store(config).catalog))
    assert "verify" not in {finding.check for finding in findings(config)}


def test_damage_that_was_published_so_is_not_said_to_be_repaired(config: Config) -> None:
    put(config, "org/name", mlx_folder(**{"tokenizer.json": b"{"}))
    check_now(config, time.time() + 5)
    one = of("verify", findings(config))
    assert one.command == "ingle rm org/name" and "published" in one.means
    assert "less than a day ago" in one.means


def test_a_repaired_model_is_not_told_any_more(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    blob = (place.snapshot(COMMIT) / "tokenizer.json").resolve()
    good = blob.read_bytes()
    blob.write_bytes(b"[]")
    age(place.folder, days=4)
    check_now(config, time.time() - 3 * 86400)
    blob.write_bytes(good)
    assert "verify" not in {finding.check for finding in findings(config)}


def test_a_mark_of_damage_does_not_outlive_the_bytes_even_where_the_good_ones_look_old(
    config: Config,
) -> None:
    place = put(config, "org/name", mlx_folder())
    age(place.folder, days=9)
    blob = (place.snapshot(COMMIT) / "tokenizer.json").resolve()
    good, old = blob.read_bytes(), blob.stat()
    blob.write_bytes(b"[]")
    check_now(config, time.time() + 5)
    (snapshot,) = Store(config).scan()
    assert list(damaged(config, [snapshot])) == [str(snapshot.path)]
    blob.write_bytes(good)
    os.utime(blob, ns=(old.st_atime_ns, old.st_mtime_ns))  # as `cp -p` brings them
    assert damaged(config, Store(config).scan()) == {}
    assert "verify" not in {finding.check for finding in findings(config)}


def test_a_check_of_before_files_were_remembered_holds_until_something_changes(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    (snapshot,) = Store(config).scan()
    found = Checked(
        name="org/name", root=str(snapshot.root), time=snapshot.modified, ok=False, sentence="Bad."
    )
    lay(config.home / "checks.json", msgspec.json.encode({"org/name": found}))
    assert damaged(config, [snapshot])
    assert not damaged(config, [msgspec.structs.replace(snapshot, modified=snapshot.modified + 1)])


def test_when_everything_that_is_here_was_last_right_is_told(config: Config) -> None:
    for name in ("org/name", "org/other"):
        age(put(config, name, mlx_folder(**{"name.json": f'"{name}"'.encode()})).folder, days=9)
    assert of("checked", findings(config)).says == "No model was checked again since it came."
    check_now(config, time.time() - 3 * 86400)
    told = of("checked", findings(config))
    assert told.level is Level.OK
    assert (
        told.says == "1 of 2 models was checked again since it came and was right, the last time 3 days ago."
    )
    check_now(config, time.time() - 60)
    assert of("checked", findings(config)).says.endswith("the last time less than a day ago.")


def test_a_good_check_replaces_a_bad_one(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    blob = (place.snapshot(COMMIT) / "tokenizer.json").resolve()
    good = blob.read_bytes()
    blob.write_bytes(b"[]")
    check_now(config, 1.0)
    blob.write_bytes(good)
    check_now(config, 2.0)
    assert [one.ok for one in recall(config).values()] == [True]


def test_models_are_due_in_the_order_of_their_last_check(config: Config) -> None:
    for name in ("org/a", "org/b", "org/c"):
        put(config, name, mlx_folder(**{"name.json": f'"{name}"'.encode()}))
    models = Store(config).scan()
    now = max(model.modified for model in models)
    checked = {
        "org/a": Checked(name="org/a", root=str(models[0].root), time=now + 50, ok=True, sentence=""),
        "org/b": Checked(name="org/b", root="/another/snapshot", time=now + 50, ok=True, sentence=""),
    }
    waiting = due(models, checked, every=100, now=now + 120)
    assert [model.ref.name for model in waiting] == ["org/b", "org/c"]
    assert [model.ref.name for model in due(models, checked, every=100, now=now + 160)][-1] == "org/a"
    assert due(models, checked, every=1000, now=now + 120) == []


def test_a_broken_memory_of_checks_is_done_without(config: Config) -> None:
    for junk in (b"{", b'{"a": {"name": "\xff"}}', b'{"a": {"x": ' + b"[" * 50_000):
        lay(config.home / "checks.json", junk)
        assert recall(config) == {}
    put(config, "org/name", mlx_folder())
    check_now(config, 1.0)
    assert len(recall(config)) == 1
