"""What a person brings is checked like a pull, against the hub's digests where they are known."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import DiskState, ModelRef
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import (
    Cancelled,
    DigestMismatch,
    FileMissing,
    Incomplete,
    InvalidRequest,
    MalformedModel,
    SizeMismatch,
    StoreError,
)
from ingle.hub.bring import Brought, bring_model
from ingle.hub.cache import Store
from ingle.hub.health.sweep import find_orphans, sweep
from ingle.hub.layout import RepoPlace
from ingle.hub.receipt import Asked, Receipt, write_receipt
from tests.catalog.gguf_writer import llama, split
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import COMMIT, OTHER, damage, everything, make_config, put, their_files

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def finish(steps: Generator[Any, None, Brought]) -> Brought:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Brought = done.value
            return result


def bring(config: Config, source: Path, **options: Any) -> Brought:
    return finish(bring_model(config, source, **options))


def listing(files: dict[str, bytes], repo_id: str = "org/name", revision: str = "main") -> Listing:
    """As a hub would list them: weights by SHA-256, the rest by git's digest."""
    listed = []
    for path, content in files.items():
        if path.endswith((".safetensors", ".gguf")):
            digest, kind = hashlib.sha256(content).hexdigest(), DigestKind.SHA256
        else:
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            kind = DigestKind.GIT_SHA1
        listed.append(ListedFile(path, len(content), digest, kind))
    return Listing(repo_id, revision, COMMIT, tuple(listed))


def state(config: Config, name: str) -> DiskState:
    found = Store(config).find(parse_name(name, Store(config).catalog))
    return found.state if found else DiskState.ABSENT


def test_a_folder_is_imported_under_its_name_and_every_tool_sees_it(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    brought = bring(config, source, repo_id="org/name")
    assert brought.snapshot.state is DiskState.COMPLETE
    assert not brought.known and "No digest of the hub is known" in brought.sentence
    commit = brought.snapshot.commit
    assert their_files(config) == {"org/name": {f"{commit}/{path}" for path in mlx_folder()}}
    assert damage(config) == []
    assert (RepoPlace(config.cache, "org/name").refs / "ingle" / str(commit)).exists()
    assert state(config, "org/name") is DiskState.COMPLETE


def test_files_that_the_hub_lists_are_held_against_its_digests(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path / "usb", mlx_folder() | {"download.log": b"x"})
    brought = bring(config, source, listing=listing(mlx_folder()))
    assert brought.known and "digest that the hub lists" in brought.sentence
    assert brought.ignored == ("download.log",)
    assert brought.snapshot.commit == COMMIT
    assert (RepoPlace(config.cache, "org/name").refs / "main").read_text() == COMMIT


def test_the_listing_of_an_earlier_pull_names_the_repo(config: Config, tmp_path: Path) -> None:
    place = RepoPlace(config.cache, "org/name")
    asked = Asked(ModelRef(name="org/name", repo_id="org/name"), tuple(mlx_folder()))
    write_receipt(place, Receipt(listing=listing(mlx_folder()), asked=(asked,)))
    brought = bring(config, lay(tmp_path / "usb", mlx_folder()))
    assert brought.known and brought.snapshot.ref.repo_id == "org/name"
    assert find_orphans(config) == []


def test_of_several_known_versions_it_is_the_one_whose_digests_fit(config: Config, tmp_path: Path) -> None:
    place = RepoPlace(config.cache, "org/name")
    older, newer = mlx_folder(), mlx_folder(**{"added_tokens.json": b"{}"})
    newer["tokenizer.json"] = older["tokenizer.json"] + b" "
    for files, commit in ((older, COMMIT), (newer, OTHER)):
        asked = Asked(ModelRef(name="org/name", repo_id="org/name"), tuple(files))
        found = msgspec.structs.replace(listing(files), commit=commit)
        write_receipt(place, Receipt(listing=found, asked=(asked,)))
    source = lay(tmp_path / "usb", older)
    hub = msgspec.structs.replace(listing(newer), commit=OTHER)
    for named in ({}, {"repo_id": "org/name"}, {"repo_id": "org/name", "listing": hub}):
        brought = bring(config, source, **named)
        assert brought.known and brought.snapshot.commit == COMMIT
    with pytest.raises(StoreError) as raised:
        bring(config, source, repo_id="org/name", revision=OTHER)
    assert "--as org/name@" in raised.value.hint


def test_the_listing_of_a_pinned_pull_is_known_too(config: Config, tmp_path: Path) -> None:
    place = RepoPlace(config.cache, "org/name")
    pinned = listing(mlx_folder(), revision=COMMIT)
    write_receipt(place, Receipt(listing=pinned))
    assert bring(config, lay(tmp_path / "usb", mlx_folder()), repo_id="org/name").known


def test_a_download_under_another_name_is_known_by_its_digest(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path, {"download (1).gguf": llama()})
    brought = bring(config, source / "download (1).gguf", listing=listing({"m.Q4.gguf": llama()}))
    assert brought.snapshot.path.name == "m.Q4.gguf"


def test_a_single_gguf_and_all_parts_of_a_split_one(config: Config, tmp_path: Path) -> None:
    parts = {f"m-{number:05d}-of-00002.gguf": part for number, part in enumerate(split(2), start=1)}
    lay(tmp_path / "usb", parts | {"other.gguf": llama("other")})
    assert bring(config, tmp_path / "usb" / "other.gguf", repo_id="org/one").snapshot.files == ("other.gguf",)
    whole = bring(config, tmp_path / "usb" / "m-00002-of-00002.gguf", repo_id="org/split")
    assert whole.snapshot.files == tuple(parts)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [("tokenizer.json", b"[]", DigestMismatch), ("tokenizer.json", b"{ }", SizeMismatch)],
)
def test_a_file_that_is_not_what_the_hub_lists_stops_everything(
    config: Config, tmp_path: Path, name: str, content: bytes, error: type[StoreError]
) -> None:
    source = lay(tmp_path / "usb", mlx_folder(**{name: content}))
    with pytest.raises(error) as caught:
        bring(config, source, listing=listing(mlx_folder()))
    assert "repair" not in caught.value.hint
    assert everything(config.cache) == {}


def test_a_model_that_is_not_whole_is_not_imported(config: Config, tmp_path: Path) -> None:
    files = mlx_folder()
    del files["model.safetensors"]
    with pytest.raises(Incomplete):
        bring(config, lay(tmp_path / "usb", files), repo_id="org/name")
    damaged = lay(tmp_path / "damaged", mlx_folder(**{"model.safetensors": b"<html>" * 9}))
    with pytest.raises(MalformedModel) as caught:
        bring(config, damaged, repo_id="org/name")
    assert "repair" not in caught.value.hint and str(damaged) in caught.value.message
    assert everything(config.cache) == {}


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
def test_a_tokenizer_or_config_that_does_not_parse_is_not_imported(
    config: Config, tmp_path: Path, name: str
) -> None:
    files = mlx_folder(**{name: b'{"version": '})
    for known in (None, listing(files)):
        with pytest.raises(MalformedModel, match=name) as caught:
            bring(config, lay(tmp_path / "usb", files), repo_id="org/name", listing=known)
        assert "Nothing was imported" in caught.value.hint
        assert everything(config.cache) == {}


@pytest.mark.parametrize("name", [b"\xff.txt", b"a\nb.json", b"a\\b.txt"])
def test_a_file_that_no_model_can_have_is_named_and_nothing_imported(
    config: Config, tmp_path: Path, name: bytes
) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    with open(os.path.join(os.fsencode(source), name), "wb"):  # noqa: PTH118, PTH123  # a name in bytes
        pass
    with pytest.raises(InvalidRequest, match="holds a file"):
        bring(config, source, repo_id="org/name")
    assert Store(config).scan() == []


def test_what_git_keeps_beside_the_files_is_not_imported(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path / "clone", mlx_folder() | {".git/lfs/objects/aa": b"x", ".gitattributes": b"x"})
    brought = bring(config, source, repo_id="org/name")
    assert set(brought.snapshot.files) == {*mlx_folder(), ".gitattributes"}


def test_links_that_lead_nowhere_are_missing_files(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    (source / "tokenizer_config.json").symlink_to("../blobs/gone")
    with pytest.raises(Incomplete, match="tokenizer_config") as raised:
        bring(config, source, repo_id="org/name")
    assert "cp -RL" in raised.value.hint


def test_a_name_is_needed_where_nothing_tells_it(config: Config, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bring(config, lay(tmp_path / "usb", mlx_folder()))
    assert "--as org/name" in caught.value.hint


def test_what_is_no_model_is_refused(config: Config, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no model"):
        bring(config, lay(tmp_path / "usb", {"notes.txt": b"x"}), repo_id="org/name")
    with pytest.raises(FileMissing):
        bring(config, tmp_path / "nowhere", repo_id="org/name")


def test_the_same_files_make_the_same_commit_and_a_second_import_copies_nothing(
    config: Config, tmp_path: Path
) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    first = bring(config, source, repo_id="org/name")
    blobs = RepoPlace(config.cache, "org/name").blobs
    stamps = {path.name: path.stat().st_mtime_ns for path in blobs.iterdir()}
    second = bring(config, source, repo_id="org/name")
    assert second.snapshot == first.snapshot
    assert {path.name: path.stat().st_mtime_ns for path in blobs.iterdir()} == stamps


def test_a_damaged_blob_in_the_store_is_replaced_by_the_good_file(config: Config, tmp_path: Path) -> None:
    place = put(config, "org/name", mlx_folder())
    (place.snapshot(COMMIT) / "model.safetensors").resolve().write_bytes(b"damaged")
    source = lay(tmp_path / "usb", mlx_folder())
    good = listing(mlx_folder())
    bring(config, source, listing=good)
    assert state(config, "org/name") is DiskState.COMPLETE


def test_a_branch_that_has_moved_on_is_not_moved_back(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder(**{"new.json": b"{}"}), commit=OTHER)
    bring(config, lay(tmp_path / "usb", mlx_folder()), listing=listing(mlx_folder()))
    place = RepoPlace(config.cache, "org/name")
    assert (place.refs / "main").read_text() == OTHER
    assert (place.refs / "ingle" / COMMIT).read_text() == COMMIT


def test_the_source_is_only_read_and_later_changes_do_not_reach_the_store(
    config: Config, tmp_path: Path
) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    before = {path: path.stat().st_mtime_ns for path in source.iterdir()}
    bring(config, source, repo_id="org/name")
    assert {path: path.stat().st_mtime_ns for path in source.iterdir()} == before
    (source / "tokenizer.json").write_bytes(b"broken")
    assert state(config, "org/name") is DiskState.COMPLETE


def test_a_cancelled_import_shows_nothing(config: Config, tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        bring(config, lay(tmp_path / "usb", mlx_folder()), repo_id="org/name", cancel=cancel)
    assert state(config, "org/name") is DiskState.ABSENT


def test_what_an_import_that_ended_midway_left_is_known_to_clean(config: Config, tmp_path: Path) -> None:
    source = lay(tmp_path / "usb", mlx_folder())
    steps = bring_model(config, source, repo_id="org/name")
    while not list((config.cache / "models--org--name").glob("blobs/*")):
        next(steps)
    steps.close()
    assert Store(config).scan() == []
    sweep(config, find_orphans(config))
    assert everything(config.cache) == {}


def test_an_imported_model_can_be_removed_whole(config: Config, tmp_path: Path) -> None:
    bring(config, lay(tmp_path / "usb", mlx_folder()), repo_id="org/name")
    Store(config).remove(parse_name("org/name", Store(config).catalog))
    assert everything(config.cache) == {}
