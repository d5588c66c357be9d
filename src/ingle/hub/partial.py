"""Holds one file while its bytes arrive: where they go, which are there, and whether they are right.

A `LargePartial` lies in the work tree with a journal beside it and is hashed behind the write frontier,
so that the end of the download is the end of the check; a `SmallPartial` (small.py), at most one piece, is
held in memory until it is whole and right. Both are written by several threads, each to bytes of its own.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Protocol

from ingle.catalog.listing import ListedFile
from ingle.hub.disk import disk_errors, preallocate, sync_data
from ingle.hub.journal import Journal, Written, piece_count, piece_length
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.verify import BLOCK, new_hash


class Check(Enum):
    """What one step of hashing came to."""

    WAITING = "the next piece is not there yet"
    MORE = "a piece was hashed"
    SPOILED = "a piece on disk is not what was written: it is missing again"
    WHOLE = "every byte is right"
    WRONG = "every byte is there and the digest is not the listed one"


class Partial(Protocol):
    """What a transfer writes into."""

    file: ListedFile

    @property
    def unsynced(self) -> int: ...
    @property
    def frontier(self) -> int: ...
    @property
    def recorded_bytes(self) -> int: ...
    def begin(self, head: bytes) -> None: ...
    def missing(self) -> tuple[tuple[int, int, int], ...]: ...
    def write(self, pos: int, data: memoryview) -> None: ...
    def done(self, index: int, crc: int) -> None: ...
    def has_next(self) -> bool: ...
    def check(self) -> Check: ...
    def restart(self) -> None: ...
    def sync(self, prefixes: tuple[Written, ...] = ()) -> None: ...
    def finish(self) -> Path: ...
    def close(self) -> None: ...


class LargePartial:
    """A preallocated file and its journal. The blob's lock is held as long as this is open.

    `sync` and `check` may each run in one thread beside the writers; `done` and `has_next` are called
    under the transfer's lock.
    """

    def __init__(
        self,
        place: RepoPlace,
        file: ListedFile,
        *,
        verify: bool = True,
        flush: Callable[[int], None] = sync_data,
    ) -> None:
        """Opens or starts it. Without `verify` (a bench) nothing is hashed; `flush` makes a descriptor's data durable.

        Raises `DiskFull` (early, from the preallocation), `NoPermission`, `StoreError`.
        """
        self.file = file
        self._verify = verify
        self._flush = flush
        self._path = place.partial(file.digest)
        self._count = piece_count(file.size)
        with disk_errors(self._path, "write", file.size):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                begun = os.fstat(self._descriptor).st_size == file.size
                if not begun:
                    # Whatever lies there is of another size: a journal about it is about nothing.
                    place.journal(file.digest).unlink(missing_ok=True)
                preallocate(self._descriptor, file.size)
                self._journal = Journal(place.journal(file.digest), file)
                # Shares the descriptor's position, which nobody else uses: writes name their own.
                self._reader = os.fdopen(os.dup(self._descriptor), "rb", buffering=0)
            except OSError:
                os.close(self._descriptor)
                raise
        self._recorded: dict[int, int] = {}
        self._fresh: set[int] = set()
        self._unsynced: list[Written] = []
        self._prefixes: dict[int, Written] = {}
        self._block: memoryview | None = None
        self._closed = False
        # Held while a thread uses the descriptors, so that they are never closed, and their numbers never
        # given to another file, under its hands.
        self._syncing = threading.Lock()
        self._checking = threading.Lock()
        for written in self._journal.written.values():
            self._recall(written)
        self._rewind()

    def _rewind(self) -> None:
        self.frontier = 0
        self._hash = new_hash(self.file.kind, self.file.size)

    def _recall(self, written: Written) -> None:
        """A whole piece is checked when the frontier comes to it; a beginning of one now, as it is continued."""
        if written.length == piece_length(self.file.size, written.index):
            self._recorded[written.index] = written.crc
        elif written.length and self._crc(written.index, written.length) == written.crc:
            self._prefixes[written.index] = written

    def _blocks(self, index: int, length: int) -> Iterator[memoryview]:
        """The first `length` bytes of a piece in steps; each view is good until the next one is asked for."""
        if self._block is None:
            self._block = memoryview(bytearray(BLOCK))
        done = 0
        with disk_errors(self._path, "read"):
            self._reader.seek(index * PIECE)
            while done < length:
                count = self._reader.readinto(self._block[: min(BLOCK, length - done)])
                if not count:
                    return
                done += count
                yield self._block[:count]

    def _crc(self, index: int, length: int) -> int:
        crc = 0
        for block in self._blocks(index, length):
            crc = zlib.crc32(block, crc)
        return crc

    def begin(self, head: bytes) -> None:
        """Puts the first bytes, which came before the file was opened, in place. Raises `DiskFull`, `StoreError`."""
        for index in range(piece_count(len(head))):
            part = memoryview(head)[index * PIECE : (index + 1) * PIECE]
            known = self._prefixes.get(index)
            if index in self._recorded or len(part) <= (known.length if known else 0):
                continue
            self.write(index * PIECE, part)
            written = Written(index, len(part), zlib.crc32(part))
            if written.length == piece_length(self.file.size, index):
                self._prefixes.pop(index, None)
                self.done(index, written.crc)
            else:
                self._prefixes[index] = written

    @property
    def recorded_bytes(self) -> int:
        """Bytes that were here before the first range is asked for."""
        whole = sum(piece_length(self.file.size, index) for index in self._recorded.keys() | self._fresh)
        return whole + sum(prefix.length for prefix in self._prefixes.values())

    def missing(self) -> tuple[tuple[int, int, int], ...]:
        """The runs of bytes to fetch: (start, stop, CRC-32 of the first piece before start)."""
        runs: list[tuple[int, int, int]] = []
        for index in range(self._count):
            if index in self._recorded or index in self._fresh:
                continue
            start, stop = index * PIECE, index * PIECE + piece_length(self.file.size, index)
            prefix = self._prefixes.get(index)
            if prefix is not None:
                runs.append((start + prefix.length, stop, prefix.crc))
            elif runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], stop, runs[-1][2])
            else:
                runs.append((start, stop, 0))
        return tuple(runs)

    def write(self, pos: int, data: memoryview) -> None:
        """Puts bytes in place. Raises `DiskFull`, `StoreError`."""
        with disk_errors(self._path, "write", self.file.size):
            while data:
                count = os.pwrite(self._descriptor, data, pos)
                pos, data = pos + count, data[count:]

    def done(self, index: int, crc: int) -> None:
        """All bytes of a piece were written."""
        self._fresh.add(index)
        self._unsynced.append(Written(index, piece_length(self.file.size, index), crc))

    @property
    def unsynced(self) -> int:
        """Pieces written and not yet in the journal."""
        return len(self._unsynced)

    def has_next(self) -> bool:
        """Whether `check` has something to do."""
        at = self.frontier
        return at < self._count and (at in self._fresh or at in self._recorded)

    def check(self) -> Check:
        """Hashes the piece at the frontier, after checking it against its record from an earlier pull."""
        with self._checking:
            return Check.WAITING if self._closed or not self.has_next() else self._check_next()

    def _check_next(self) -> Check:
        index = self.frontier
        length = piece_length(self.file.size, index)
        if self._verify:
            if index in self._recorded and self._crc(index, length) != self._recorded[index]:
                del self._recorded[index]
                return Check.SPOILED
            for block in self._blocks(index, length):
                self._hash.update(block)
        self.frontier += 1
        if self.frontier < self._count:
            return Check.MORE
        right = not self._verify or self._hash.hexdigest() == self.file.digest
        return Check.WHOLE if right else Check.WRONG

    def restart(self) -> None:
        """The bytes that came are not the listed ones, and nothing tells which: none of them counts."""
        # Not beside a flush, which would record afterwards what counts no more.
        with self._syncing, disk_errors(self._journal.path, "write"):
            self._recorded.clear()
            self._fresh.clear()
            self._unsynced.clear()
            self._prefixes.clear()
            self._rewind()
            self._journal.clear()

    def sync(self, prefixes: tuple[Written, ...] = ()) -> None:
        """Makes data durable, then records it. Raises `DiskFull`, `StoreError`.

        `prefixes` are pieces begun and, when somebody looked, not done; one that is recorded already is left out.
        """
        with self._syncing, disk_errors(self._path, "write", self.file.size):
            known = self._journal.written
            begun = [one for one in prefixes if one.index not in self._fresh and known.get(one.index) != one]
            done = [*self._unsynced]
            if self._closed or not (begun or done):
                return
            self._flush(self._descriptor)
            # The last record of a piece counts: one that got done meanwhile stands behind its beginning.
            self._journal.append([*begun, *done])
            self._journal.sync()
            del self._unsynced[: len(done)]

    def records(self) -> dict[int, Written]:
        """The record of every piece, for `pieces/` (see journal.write_pieces)."""
        return dict(self._journal.written)

    def finish(self) -> Path:
        """Records the last pieces and gives the path of the checked file, still in the work tree."""
        self.sync()
        return self._path

    def close(self) -> None:
        """Lets go of both files, once nobody uses them."""
        with self._syncing, self._checking:
            if not self._closed:
                self._closed = True
                self._journal.close()
                self._reader.close()
                os.close(self._descriptor)
