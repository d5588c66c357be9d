"""Holds one file of at most a piece: in memory until it is whole and right, then in the work tree."""

from __future__ import annotations

import zlib
from pathlib import Path

from ingle.catalog.listing import ListedFile
from ingle.errors import DigestMismatch
from ingle.hub.disk import disk_errors
from ingle.hub.journal import Written
from ingle.hub.layout import RepoPlace
from ingle.hub.partial import Check
from ingle.hub.verify import checked_bytes, digest_of


class SmallPartial:
    """A `Partial` without a journal: a beginning of it is fetched again.

    One that an earlier pull checked and could not publish any more is found there and not fetched again.
    """

    def __init__(self, place: RepoPlace, file: ListedFile) -> None:
        self.file = file
        self._path = place.partial(file.digest)
        self._data = checked_bytes(self._path, file)
        self._on_disk = self._data is not None
        self._there = self._on_disk or file.size == 0
        self._whole = False
        self._begun = (0, 0)  # bytes, and their CRC-32

    @property
    def unsynced(self) -> int:
        """Pieces written and not yet in a journal: a small file has none."""
        return 0

    @property
    def frontier(self) -> int:
        """The piece that is hashed next."""
        return 0

    def begin(self, head: bytes) -> None:
        """Takes the first bytes, which came before the file was opened."""
        if head and not self._there:
            self.write(0, memoryview(head))
            self._begun = (len(head), zlib.crc32(head))
            self._there = len(head) == self.file.size

    @property
    def recorded_bytes(self) -> int:
        """Bytes that were here before the first range is asked for."""
        return self.file.size if self._on_disk else self._begun[0]

    def missing(self) -> tuple[tuple[int, int, int], ...]:
        """The runs of bytes to fetch: (start, stop, CRC-32 of the piece before start)."""
        start, crc = self._begun
        return () if self._there else ((start, self.file.size, crc),)

    def write(self, pos: int, data: memoryview) -> None:
        if self._data is None:
            self._data = bytearray(self.file.size)
        self._data[pos : pos + len(data)] = data

    def done(self, index: int, crc: int) -> None:
        """Its only piece is there."""
        self._there = True

    def has_next(self) -> bool:
        return self._there and not self._whole

    def check(self) -> Check:
        """Hashes the whole file and puts it on disk when it is right. Raises `DiskFull`, `StoreError`."""
        if not self._there:
            return Check.WAITING
        data = self._data or bytearray()
        if digest_of(bytes(data), self.file.kind) != self.file.digest:
            return Check.WRONG
        if not self._on_disk:
            self._put(data)
        self._data = None
        self._whole = True
        return Check.WHOLE

    def _put(self, data: bytearray) -> None:
        with disk_errors(self._path, "write", self.file.size):
            try:
                self._path.unlink(missing_ok=True)
                self._path.write_bytes(data)
            except FileNotFoundError:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_bytes(data)
        self._on_disk = True

    def restart(self) -> None:
        """What came was wrong: none of it counts."""
        self._there = False
        self._begun = (0, 0)

    def sync(self, prefixes: tuple[Written, ...] = ()) -> None:
        """Nothing to record: a beginning of a small file is fetched again."""

    def finish(self) -> Path:
        """The path of the checked file, still in the work tree."""
        if not self._whole:
            raise DigestMismatch(self.file.path, self.file.digest, "not checked")
        return self._path

    def close(self) -> None:
        """Nothing is open."""
