"""Computes digests of what lies on disk and compares them with what a listing promised; changes nothing."""

from __future__ import annotations

import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ingle.catalog.listing import DigestKind, ListedFile
from ingle.errors import Cancelled, DigestMismatch, FileMissing, SizeMismatch
from ingle.hub.disk import disk_errors
from ingle.hub.journal import Written
from ingle.hub.pieces import PIECE

BLOCK = 1 << 20  # bytes read at a time: large enough for hashlib to leave the interpreter lock


class Hash(Protocol):
    """The part of a hashlib object used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


def new_hash(kind: DigestKind, size: int) -> Hash:
    """A hash ready for the bytes of a file of `size` bytes (git puts the size in front)."""
    if kind is DigestKind.SHA256:
        return hashlib.sha256(usedforsecurity=False)
    found = hashlib.sha1(usedforsecurity=False)
    found.update(b"blob %d\0" % size)
    return found


def digest_of(data: bytes, kind: DigestKind) -> str:
    """The digest of bytes in memory, lower-case hex."""
    found = new_hash(kind, len(data))
    found.update(data)
    return found.hexdigest()


def file_digest(
    path: Path,
    kind: DigestKind,
    *,
    cancel: threading.Event | None = None,
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> str:
    """The digest of a file's bytes, read once from the start.

    `on_bytes(count)` is called after each block. Raises `FileMissing`, `StoreError`, and `Cancelled`
    within one block of `cancel` being set.
    """
    buffer = memoryview(bytearray(BLOCK))
    with disk_errors(path, "read"):
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise FileMissing(path) from None
        with file:
            found = new_hash(kind, os.fstat(file.fileno()).st_size)
            while count := file.readinto(buffer):
                found.update(buffer[:count])
                on_bytes(count)
                if cancel is not None and cancel.is_set():
                    raise Cancelled("Cancelled while checking files.")
    return found.hexdigest()


def check_file(
    path: Path,
    file: ListedFile,
    *,
    cancel: threading.Event | None = None,
    on_bytes: Callable[[int], None] = lambda _count: None,
) -> None:
    """Returns when `path` holds exactly the bytes `file` promises.

    Raises `FileMissing`, `SizeMismatch`, `DigestMismatch`.
    """
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise FileMissing(path) from None
    if size != file.size:
        raise SizeMismatch(path, file.size, size)
    actual = file_digest(path, file.kind, cancel=cancel, on_bytes=on_bytes)
    if actual != file.digest:
        raise DigestMismatch(path, file.digest, actual)


def survey(path: Path, file: ListedFile, cancel: threading.Event) -> dict[int, Written]:
    """`check_file` for a large file, which also gives the record of each piece; one read does both."""
    steps = survey_steps(path, file)
    while True:
        try:
            next(steps)
        except StopIteration as found:
            pieces: dict[int, Written] = found.value
            return pieces
        if cancel.is_set():
            raise Cancelled("Cancelled while checking files.")


def survey_steps(
    path: Path, file: ListedFile, known: Mapping[int, Written] | None = None
) -> Generator[int, None, dict[int, Written]]:
    """`survey` that gives the bytes of each piece as it goes on, for those who tell progress.

    A piece that differs from its record in `known` ends it at once: the rest need not be hashed to know that
    the file is damaged.
    """
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise FileMissing(path) from None
    if size != file.size:
        raise SizeMismatch(path, file.size, size)
    found = new_hash(file.kind, file.size)
    pieces: dict[int, Written] = {}
    for index, data in enumerate(read_pieces(path)):
        found.update(data)
        pieces[index] = Written(index, len(data), zlib.crc32(data))
        if known and known.get(index, pieces[index]) != pieces[index]:
            raise DigestMismatch(path, file.digest, f"another one (piece {index} changed)")
        yield len(data)
    if found.hexdigest() != file.digest:
        raise DigestMismatch(path, file.digest, found.hexdigest())
    return pieces


def read_pieces(path: Path) -> Iterator[memoryview]:
    """The pieces of a file in order; each view is good until the next one is asked for."""
    buffer = memoryview(bytearray(PIECE))
    with disk_errors(path, "read"), path.open("rb", buffering=0) as opened:
        while True:
            filled = 0
            while filled < PIECE and (count := opened.readinto(buffer[filled:])):
                filled += count
            if not filled:
                return
            yield buffer[:filled]


def checked_bytes(path: Path, file: ListedFile) -> bytearray | None:
    """The bytes of a file of at most one piece, if they lie at `path` and are the listed ones; else None."""
    try:
        if path.stat().st_size != file.size:
            return None
        data = bytearray(path.read_bytes())
    except OSError:
        return None
    return data if digest_of(bytes(data), file.kind) == file.digest else None


def recorded_beginning(path: Path, records: Mapping[int, Written], limit: int) -> bytes:
    """As many of the first `limit` bytes at `path` as the records vouch for, piece by piece; none if the first lies."""
    found = bytearray()
    with suppress(OSError), path.open("rb") as file:
        while len(found) < limit and len(found) % PIECE == 0:
            record = records.get(len(found) // PIECE)
            data = file.read(record.length) if record is not None else b""
            if record is None or not data or len(data) != record.length or zlib.crc32(data) != record.crc:
                break
            found += data
    return bytes(found[:limit])
