"""The order in which things become durable: data, then its record; bytes, then their name; links, then the ref."""

from __future__ import annotations

import errno
import os
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from ingle.errors import DiskFull
from ingle.hub.disk import sync_data, sync_files, sync_path
from ingle.hub.fetch import Fetch
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.partial import LargePartial
from ingle.hub.pieces import PIECE
from ingle.hub.publish import publish_blobs, publish_snapshot
from ingle.hub.transfer import Transfer
from tests.hub.pulling import NAME, listed, listing_of, weights

pytestmark = pytest.mark.slow

DATA = weights(2 * PIECE)
LARGE = listed("model.safetensors", DATA, large=True)
SMALL = {f"{number}.json": b"%d" % number for number in range(20)}
FILES = tuple(listed(path, data) for path, data in SMALL.items())


def _full(*_what: object) -> None:
    raise OSError(errno.ENOSPC, "the disk is full")


def test_a_record_is_written_only_after_the_data_it_speaks_of_was_flushed(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    seen: list[tuple[bool, int]] = []

    def flush(descriptor: int) -> None:
        there = os.pread(descriptor, PIECE, 0) == DATA[:PIECE]
        seen.append((there, len(read_journal(place.journal(LARGE.digest), LARGE))))
        sync_data(descriptor)

    partial = LargePartial(place, LARGE, flush=flush)
    partial.write(0, memoryview(DATA)[:PIECE])
    partial.done(0, zlib.crc32(DATA[:PIECE]))
    partial.sync()
    partial.close()
    assert seen == [(True, 0)]
    assert set(read_journal(place.journal(LARGE.digest), LARGE)) == {0}


def test_data_that_could_not_be_flushed_is_not_recorded(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    partial = LargePartial(place, LARGE, flush=_full)
    partial.write(0, memoryview(DATA)[:PIECE])
    partial.done(0, zlib.crc32(DATA[:PIECE]))
    with pytest.raises(DiskFull):
        partial.sync()
    partial.close()
    assert read_journal(place.journal(LARGE.digest), LARGE) == {}


def _checked(place: RepoPlace) -> list[Path]:
    sources = [place.partial(file.digest) for file in FILES]
    sources[0].parent.mkdir(parents=True)
    for source, data in zip(sources, SMALL.values(), strict=True):
        source.write_bytes(data)
    return sources


def test_no_blob_gets_its_name_before_the_bytes_of_all_of_them_were_flushed(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    sources = _checked(place)
    flushed: list[Path] = []

    def flush(paths: Sequence[Path]) -> None:
        assert list(place.blobs.iterdir()) == []
        sync_files(paths)
        flushed.extend(paths)

    publish_blobs(place, list(zip(FILES, sources, strict=True)), flush=flush)
    assert flushed == sources
    assert {blob.name for blob in place.blobs.iterdir()} == {file.digest for file in FILES}


def test_files_that_could_not_be_flushed_stay_where_they_are(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    sources = _checked(place)
    with pytest.raises(DiskFull):
        publish_blobs(place, list(zip(FILES, sources, strict=True)), flush=_full)
    assert list(place.blobs.iterdir()) == []
    assert [source.read_bytes() for source in sources] == list(SMALL.values())


class _Body:
    """The bytes of a small file."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readinto(self, view: memoryview) -> int:
        count = min(len(view), len(self._data))
        view[:count], self._data = self._data[:count], self._data[count:]
        return count

    def close(self) -> None: ...
    def abort(self) -> None: ...


def test_small_files_are_published_many_at_a_time(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    contents = {f"{number}.json": b"%d" % number for number in range(500)}
    files = [listed(path, data) for path, data in contents.items()]
    seen: list[int] = []

    def log(line: str) -> None:
        if "in place" in line:
            seen.append(len(list(place.blobs.iterdir())))

    cancel = threading.Event()
    transfer = Transfer(lambda file, start, stop: _Body(contents[file.path][start:stop]), cancel=cancel)
    for _ in Fetch(place, files, transfer, cancel, log=log).run():
        pass
    assert len(seen) == seen[-1] == len(files)
    assert len(set(seen)) < len(files) / 4


def test_names_of_blobs_are_durable_before_the_snapshot_shows_and_its_own_before_the_ref(
    tmp_path: Path,
) -> None:
    place = RepoPlace(tmp_path, NAME)
    listing = listing_of(*FILES)
    publish_blobs(place, list(zip(FILES, _checked(place), strict=True)))
    shown, pointed = place.snapshot(listing.commit), place.refs / "main"
    seen: list[tuple[str, bool, bool]] = []

    def flush(folder: Path) -> None:
        seen.append((folder.name, shown.exists(), pointed.exists()))
        sync_path(folder)

    publish_snapshot(place, listing, FILES, flush=flush)
    assert seen[0] == ("blobs", False, False)
    assert seen[-1] == ("snapshots", True, False)
    assert all(not visible for _, visible, _ in seen[1:-1])
    assert len(seen) == 3
    assert pointed.read_text() == listing.commit


def test_a_flush_that_fails_for_one_of_many_files_is_an_error(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths[:-1]:
        path.write_bytes(b"x")
    with pytest.raises(FileNotFoundError):
        sync_files(paths)
