"""Publishing: the order, what other tools see of it, what is never written through; and locks, digests, plans."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, snapshot_download

from ingle.catalog.listing import ListedFile, Listing
from ingle.errors import HubLied, InvalidRequest, NoPermission, StoreError
from ingle.hub.follow import read_told
from ingle.hub.layout import RepoPlace
from ingle.hub.publish import publish_blob, publish_snapshot, tree_json
from ingle.hub.receipt import read_receipt, receipts
from tests.hub.pulling import NAME, listed, listing_of

pytestmark = pytest.mark.slow


def _publish(
    place: RepoPlace, listing: Listing, contents: dict[str, bytes], revision: str | None = None
) -> Path:
    files = tuple(file for file in listing.files if file.path in contents)
    for file in files:
        source = place.partial(file.digest)
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_bytes(contents[file.path])
        publish_blob(place, file, source)
    return publish_snapshot(place, listing, files, revision)


CONTENTS = {"config.json": b"{}", "sub/model.safetensors": b"weights", "empty": b""}
FILES = tuple(listed(path, data, large=path.endswith("safetensors")) for path, data in CONTENTS.items())
LISTING = listing_of(*FILES)


def test_other_tools_find_what_was_published_offline(tmp_path: Path) -> None:
    _publish(RepoPlace(tmp_path, NAME), LISTING, CONTENTS)
    found = Path(snapshot_download(NAME, cache_dir=tmp_path, local_files_only=True))
    assert {path: (found / path).read_bytes() for path in CONTENTS} == CONTENTS
    (repo,) = scan_cache_dir(tmp_path).repos
    assert repo.repo_id == NAME and repo.nb_files == 3


def test_links_are_relative_so_that_the_cache_may_move(tmp_path: Path) -> None:
    folder = _publish(RepoPlace(tmp_path / "a", NAME), LISTING, CONTENTS)
    link = folder / "sub" / "model.safetensors"
    assert os.fspath(link.readlink()).startswith("../../../blobs/")
    (tmp_path / "a").rename(tmp_path / "b")
    moved = RepoPlace(tmp_path / "b", NAME).snapshot(LISTING.commit)
    assert (moved / "sub" / "model.safetensors").read_bytes() == b"weights"


def test_the_tree_file_is_written_only_when_every_listed_file_is_there(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    _publish(place, LISTING, {"config.json": b"{}"})
    assert not place.tree(LISTING.commit).exists()
    assert snapshot_download(NAME, cache_dir=tmp_path, local_files_only=True)
    _publish(place, LISTING, CONTENTS)
    told = json.loads(place.tree(LISTING.commit).read_text())["files"]
    assert told["sub/model.safetensors"]["lfs_sha256"] == FILES[1].digest
    assert snapshot_download(NAME, cache_dir=tmp_path, local_files_only=True)


def test_the_tree_of_a_large_file_has_the_git_digest_of_its_pointer() -> None:
    data = b"x" * 10
    told = json.loads(tree_json((listed("w.safetensors", data, large=True),)))["files"]["w.safetensors"]
    pointer = (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{told['lfs_sha256']}\nsize 10\n".encode()
    )
    assert told["blob_id"] == listed("pointer", pointer).digest


def test_a_file_is_added_to_a_snapshot_that_is_there_already(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    first = _publish(place, LISTING, {"config.json": b"{}"})
    theirs = first / "notes.md"
    theirs.write_text("another tool's file")
    _publish(place, LISTING, CONTENTS)
    assert theirs.read_text() == "another tool's file"
    assert (first / "sub" / "model.safetensors").read_bytes() == b"weights"


def test_a_dangling_link_of_another_tool_is_replaced(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    link = place.snapshot(LISTING.commit) / "config.json"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../blobs/missing")
    _publish(place, LISTING, CONTENTS)
    assert link.read_bytes() == b"{}"


def test_a_published_blob_replaces_a_link_and_leaves_its_target(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    target = tmp_path / "shared"
    target.write_bytes(b"theirs")
    place.blobs.mkdir(parents=True)
    place.blob(FILES[0].digest).symlink_to(target)
    _publish(place, LISTING, CONTENTS)
    assert target.read_bytes() == b"theirs"
    assert not place.blob(FILES[0].digest).is_symlink()


def test_a_tag_or_branch_with_a_slash_is_a_folder_in_refs(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    _publish(place, LISTING, CONTENTS, revision="refs/pr/1")
    assert (place.refs / "refs" / "pr" / "1").read_text() == LISTING.commit


@pytest.mark.parametrize("revision", ["../evil", "a/../b", "", "a//b"])
def test_a_branch_name_that_climbs_out_is_refused(tmp_path: Path, revision: str) -> None:
    listing = listing_of(*FILES, revision=revision)
    with pytest.raises(HubLied):
        _publish(RepoPlace(tmp_path, NAME), listing, CONTENTS)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc", "a/b/c", "a--b/c", "a/..", ".hidden/x"])
def test_a_repo_name_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest):
        RepoPlace(tmp_path, name)


@pytest.mark.parametrize("digest", ["../../x", "ab", "g" * 64, "A" * 40, ""])
def test_a_digest_that_is_none_never_becomes_a_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(InvalidRequest):
        RepoPlace(tmp_path, NAME).blob(digest)


def test_a_folder_that_may_not_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "models--org--name").write_text("a file in the way")
    with pytest.raises((NoPermission, StoreError)):
        _publish(RepoPlace(tmp_path, NAME), LISTING, CONTENTS)


def test_a_reader_sees_the_snapshot_whole_or_not_at_all(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    contents = {f"f{n}.json": b"%d" % n for n in range(60)}
    listing = listing_of(*(listed(path, data) for path, data in contents.items()))
    counts: set[int] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                counts.add(len(list(place.snapshot(listing.commit).iterdir())))
            except FileNotFoundError:
                counts.add(0)

    watcher = threading.Thread(target=look)
    watcher.start()
    _publish(place, listing, contents)
    stop.set()
    watcher.join()
    assert counts <= {0, 60}


def test_two_paths_with_the_same_content_share_one_blob(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    files = (listed("a.json", b"same"), listed("b/c.json", b"same"))
    listing = listing_of(*files)
    source = place.partial(files[0].digest)
    source.parent.mkdir(parents=True)
    source.write_bytes(b"same")
    publish_blob(place, files[0], source)
    folder = publish_snapshot(place, listing, files)
    assert (folder / "a.json").resolve() == (folder / "b" / "c.json").resolve()
    assert isinstance(files[0], ListedFile)


@pytest.mark.parametrize(
    "junk",
    [b"{", b'{"listing": {"repo_id": "\xff"}}', b'{"x": ' + b"[" * 50_000],
    ids=["cut", "no UTF-8", "deep"],
)
def test_a_receipt_or_a_note_of_progress_that_is_junk_is_none(tmp_path: Path, junk: bytes) -> None:
    place = RepoPlace(tmp_path, NAME)
    for path in (place.receipt("1" * 40), place.progress):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(junk)
    assert read_receipt(place, "1" * 40) is None
    assert receipts(place) == []
    assert read_told(place) is None
