"""Cleaning removes what Ingle left behind, shows what others left behind, and takes nothing in use."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import DiskState, ModelRef
from ingle.config import Config
from ingle.errors import InvalidRequest
from ingle.hub.cache import Store
from ingle.hub.health.leftover import Kind
from ingle.hub.health.others import deletion_command, find_leftovers
from ingle.hub.health.sweep import find_orphans, sweep
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import hold
from ingle.hub.receipt import Asked, Receipt, write_receipt
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import (
    COMMIT,
    OTHER,
    damage,
    everything,
    lay,
    make_config,
    ordinary_user,
    put,
    receive,
)

DIGEST = "d" * 64


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def pulled(config: Config, files: dict[str, bytes] | None = None) -> RepoPlace:
    """A whole model of our own."""
    place = put(config, "org/name", files or mlx_folder())
    receive(place, files or mlx_folder())
    return place


def fetch(place: RepoPlace, content: bytes) -> Path:
    """A blob of our own making: written while we hold its lock."""
    digest = hashlib.sha256(content).hexdigest()
    with hold(place.blob_lock(digest), threading.Event()):
        return lay(place.blob(digest), content)


def kinds(config: Config) -> dict[str, Kind]:
    return {one.path.name: one.kind for one in find_orphans(config)}


def others(config: Config) -> dict[str, Kind]:
    return {one.path.name: one.kind for one in find_leftovers(config)}


def test_a_healthy_cache_holds_nothing_to_clean(config: Config) -> None:
    pulled(config)
    put(config, "org/other", mlx_folder(), tree=True)
    assert find_orphans(config) == []
    assert find_leftovers(config) == []


def test_an_empty_machine_holds_nothing_to_clean(config: Config) -> None:
    assert find_orphans(config) == []
    assert find_leftovers(config) == []
    assert not config.cache.exists()


def test_our_orphans_are_found_and_deleted_and_the_model_stays(config: Config) -> None:
    place = pulled(config)
    before = everything(config.cache)
    lay(place.partial(DIGEST))
    lay(place.journal(DIGEST))
    lay(place.pieces(DIGEST))
    lay(place.stage / f"{COMMIT}.1.abcd" / "config.json")
    lay(place.progress)
    lay(place.receipt(OTHER), b"{")
    lay(config.home / "headers.msgpack.1.abcd")
    orphans = find_orphans(config)
    assert sorted(kind for kind in kinds(config).values()) == sorted(
        [Kind.PARTIAL, Kind.RECORD, Kind.RECORD, Kind.RECORD, Kind.STAGED, Kind.STAGED]
    )
    assert all(orphan.ours and orphan.why for orphan in orphans)
    swept = sweep(config, orphans)
    assert swept.kept == ()
    assert swept.freed >= 5000
    assert find_orphans(config) == []
    assert everything(config.cache) == before


def test_what_an_unfinished_pull_wants_is_no_orphan(config: Config) -> None:
    place = RepoPlace(config.cache, "org/name")
    files = mlx_folder()
    receive(place, files)
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    lay(place.partial(digest))
    lay(place.journal(digest))
    lay(place.blob(hashlib.sha256(files["tokenizer.json"]).hexdigest()), files["tokenizer.json"])
    assert find_orphans(config) == []
    assert find_leftovers(config) == []
    (snapshot,) = Store(config).scan()
    assert snapshot.state is DiskState.PARTIAL


def test_what_an_interrupted_repair_saved_is_no_orphan(config: Config) -> None:
    files = mlx_folder()
    place = pulled(config, files)
    digest = hashlib.sha256(files["model.safetensors"]).hexdigest()
    lay(place.partial(digest))
    lay(place.journal(digest))
    assert find_orphans(config) == []


def test_a_blob_we_pulled_and_no_snapshot_uses_is_an_orphan(config: Config) -> None:
    files = mlx_folder(**{"old.json": b"[1]"})
    place = pulled(config)
    fetch(place, b"[1]")
    receive(place, files)
    # The receipt still wants the file, so it is an unfinished model's; without the wish it is an orphan.
    assert find_orphans(config) == []
    asked = Asked(ModelRef(name="org/name", repo_id="org/name"), tuple(mlx_folder()))
    listing = Listing(
        "org/name",
        "main",
        COMMIT,
        tuple(
            ListedFile(path, len(content), hashlib.sha256(content).hexdigest(), DigestKind.SHA256)
            for path, content in files.items()
        ),
    )
    write_receipt(place, Receipt(listing=listing, asked=(asked,)))
    (orphan,) = find_orphans(config)
    assert orphan.kind is Kind.UNUSED_BLOB
    sweep(config, [orphan])
    assert damage(config) == []
    assert Store(config).scan()[0].state is DiskState.COMPLETE


def test_the_receipt_of_a_model_that_another_tool_deleted_is_an_orphan(config: Config) -> None:
    place = pulled(config)
    lay(place.pieces(DIGEST))
    for path in sorted(place.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    place.folder.rmdir()
    assert Store(config).scan() == []
    assert set(kinds(config)) == {f"{COMMIT}.json", f"{DIGEST}.journal"}


def test_a_repo_that_is_being_pulled_is_left_alone(config: Config) -> None:
    place = pulled(config)
    partial = lay(place.partial(DIGEST))
    orphans = find_orphans(config)
    with FileLock(place.pull_lock):
        swept = sweep(config, orphans)
    assert partial.exists()
    assert swept.removed == () and "being pulled" in swept.kept[0].why


def test_what_is_needed_again_since_it_was_shown_is_kept(config: Config) -> None:
    place = RepoPlace(config.cache, "org/name")
    files = mlx_folder()
    partial = lay(place.partial(hashlib.sha256(files["model.safetensors"]).hexdigest()))
    orphans = find_orphans(config)
    assert [orphan.path for orphan in orphans] == [partial]
    receive(place, files)
    swept = sweep(config, orphans)
    assert partial.exists() and swept.kept[0].why == "It is needed again."


def test_a_sweep_refuses_what_others_wrote(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    path = lay(place.blobs / f"{DIGEST}.incomplete")
    with pytest.raises(InvalidRequest, match="not written by Ingle"):
        sweep(config, find_leftovers(config))
    assert path.exists()


def test_what_cannot_be_deleted_is_kept_and_said(config: Config) -> None:
    place = pulled(config)
    lay(place.partial(DIGEST))
    orphans = find_orphans(config)
    lay(place.pull_lock, b"").chmod(0o666)
    with ordinary_user(config):
        swept = sweep(config, orphans)
    assert swept.removed == ()
    assert "ermission" in swept.kept[0].why


def test_leftovers_of_other_tools_are_recognised(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    lay(place.blobs / f"{DIGEST}.incomplete")
    lay(place.blobs / ("e" * 64))
    (place.snapshot(COMMIT) / "gone.json").symlink_to("../../blobs/nothing")
    (place.refs / "lost").write_text(OTHER)
    lay(place.snapshots / "main" / "config.json")
    lay(config.cache / "models--org--empty" / "refs" / "main", b"c" * 40)
    lay(config.cache / ".locks" / "models--org--deleted" / "x.lock", b"")
    lay(config.user_home / "Library" / "Caches" / "MLXCache" / "models" / "x.safetensors")
    lay(config.mlx_models / "mine" / ".manual_download_lock", b"")
    lay(config.mlx_models / "mine" / ".cache" / "huggingface" / "download" / "x.incomplete")
    seen = {one.path.name: one.kind for one in find_leftovers(config) if one.path.name != "main"}
    assert seen == {
        f"{DIGEST}.incomplete": Kind.INCOMPLETE,
        "e" * 64: Kind.FOREIGN_BLOB,
        "gone.json": Kind.DANGLING,
        "lost": Kind.LOST_REF,
        "models--org--empty": Kind.EMPTY,
        "models--org--deleted": Kind.LOCK,
        "MLXCache": Kind.CACHE,
        ".manual_download_lock": Kind.LOCK,
        "x.incomplete": Kind.INCOMPLETE,
    }
    assert {one.kind for one in find_leftovers(config) if one.path.name == "main"} == {
        Kind.NO_COMMIT,
        Kind.LOST_REF,
    }
    assert all(not one.ours and one.why.endswith(".") for one in find_leftovers(config))


def test_lock_files_that_ingle_may_have_made_are_not_said_to_be_of_others(config: Config) -> None:
    for name in ("models--org--ours", "models--org--theirs"):
        lay(config.cache / ".locks" / name / "x.lock", b"")
    (config.cache / ".locks" / "models--org--empty").mkdir()
    (config.work / "models--org--ours").mkdir(parents=True)
    assert others(config) == {"models--org--theirs": Kind.LOCK}


def test_leftovers_of_others_are_never_among_ours(config: Config) -> None:
    place = pulled(config)
    lay(place.blobs / f"{DIGEST}.incomplete")
    lay(place.blobs / ("e" * 64))
    assert find_orphans(config) == []
    assert len(find_leftovers(config)) == 2


def test_a_download_that_is_running_is_no_leftover(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    lay(place.blobs / f"{DIGEST}.incomplete")
    lay(place.blob_lock(DIGEST), b"")
    with FileLock(place.blob_lock(DIGEST)):
        assert find_leftovers(config) == []
    assert len(find_leftovers(config)) == 1


def test_the_folder_of_a_download_that_has_just_begun_is_no_leftover(config: Config) -> None:
    place = RepoPlace(config.cache, "org/name")
    lay(place.blobs / f"{DIGEST}.incomplete")
    lay(place.blob_lock(DIGEST), b"")
    with FileLock(place.blob_lock(DIGEST)):
        assert find_leftovers(config) == []
    assert others(config) == {"models--org--name": Kind.EMPTY}


def test_every_leftover_comes_with_the_command_that_deletes_it(config: Config) -> None:
    lay(config.user_home / "Library" / "Caches" / "MLXCache" / "a b" / "x")
    place = put(config, "org/name", mlx_folder())
    lay(place.blobs / f"{DIGEST}.incomplete")
    commands = [deletion_command(one) for one in find_leftovers(config)]
    assert any(command.endswith(f"/{DIGEST}.incomplete") for command in commands)
    assert all(command.startswith("rm -r") for command in commands)


def test_looking_changes_nothing(config: Config) -> None:
    place = pulled(config)
    lay(place.partial(DIGEST))
    lay(place.blobs / f"{DIGEST}.incomplete")
    before = sorted(str(path) for path in config.cache.rglob("*"))
    find_orphans(config)
    find_leftovers(config)
    assert sorted(str(path) for path in config.cache.rglob("*")) == before
