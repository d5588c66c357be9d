"""Remembers which pieces of a file are on disk, so that a pull goes on where it stopped, whatever stopped it.

An append-only file: a header that names the file it belongs to, then records of fixed size, each with a
checksum of its own. A reader takes records up to the first that does not check and drops the rest (a torn
tail). A record is written only after its data is on disk; that order is the writer's duty (partial.py).
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import msgspec

from ingle.catalog.listing import ListedFile
from ingle.hub.disk import write_whole
from ingle.hub.pieces import PIECE

_MAGIC = b"INGLEJ1\n"
_HEADER = struct.Struct("<8sQI32sI")  # magic, file size, piece size, digest, checksum
_RECORD = struct.Struct("<IIII")  # piece, bytes of it from its start, CRC-32 of those, checksum


class Written(msgspec.Struct, frozen=True):
    """The first `length` bytes of a piece are on disk and have this CRC-32."""

    index: int
    length: int
    crc: int


def piece_length(size: int, index: int) -> int:
    """Bytes of a piece: `PIECE`, except that the last one ends with the file."""
    return max(0, min(PIECE, size - index * PIECE))


def piece_count(size: int) -> int:
    return -(-size // PIECE)


def encode_header(file: ListedFile) -> bytes:
    """The first bytes of the journal of `file`."""
    digest = bytes.fromhex(file.digest).ljust(32, b"\0")
    body = _HEADER.pack(_MAGIC, file.size, PIECE, digest, 0)[:-4]
    return body + struct.pack("<I", zlib.crc32(body))


def encode_record(written: Written, seed: int) -> bytes:
    """One record. `seed` ties it to its header, so that no record of another journal is believed."""
    body = struct.pack("<III", written.index, written.length, written.crc)
    return body + struct.pack("<I", zlib.crc32(body, seed))


def header_seed(header: bytes) -> int:
    """The header's own checksum (that of header and checksum together would be the same for all)."""
    return zlib.crc32(header[:-4])


def decode(data: bytes, file: ListedFile) -> tuple[dict[int, Written], int]:
    """The last record of each piece, and how many bytes of `data` are good.

    Nothing and 0 when the header is not the one of `file`. Never raises, whatever the bytes are.
    """
    header = encode_header(file)
    if data[: len(header)] != header:
        return {}, 0
    seed = header_seed(header)
    found: dict[int, Written] = {}
    good = len(header)
    while len(record := data[good : good + _RECORD.size]) == _RECORD.size:
        index, length, crc, _ = _RECORD.unpack(record)
        written = Written(index, length, crc)
        fits = index < piece_count(file.size) and length <= piece_length(file.size, index)
        if not fits or encode_record(written, seed) != record:
            break
        found[index] = written
        good += _RECORD.size
    return found, good


class Journal:
    """The journal of one file, open for appending. One writer at a time (the blob's lock sees to that)."""

    def __init__(self, path: Path, file: ListedFile) -> None:
        """Opens or starts it; a torn tail is cut off here. Raises `OSError`."""
        self.path = path
        header = encode_header(file)
        self._seed = header_seed(header)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with os.fdopen(os.dup(self._descriptor), "rb") as reader:
                self.written, good = decode(reader.read(), file)
            os.ftruncate(self._descriptor, good)
            if good == 0:
                os.pwrite(self._descriptor, header, 0)
                good = len(header)
            self._end = good
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, records: list[Written]) -> None:
        """Adds records in one write. Raises `OSError`; then none of them counts."""
        data = b"".join(encode_record(written, self._seed) for written in records)
        done = 0
        while done < len(data):
            done += os.pwrite(self._descriptor, data[done:], self._end + done)
        self._end += len(data)
        for written in records:
            self.written[written.index] = written

    def clear(self) -> None:
        """Forgets every record. Raises `OSError`."""
        self._end = _HEADER.size
        os.ftruncate(self._descriptor, self._end)
        self.written.clear()

    def sync(self) -> None:
        """Makes what was appended survive a power cut."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def read_journal(path: Path, file: ListedFile) -> dict[int, Written]:
    """What a journal says, without opening it for writing; empty when there is none for this file."""
    try:
        return decode(path.read_bytes(), file)[0]
    except OSError:
        return {}


def write_pieces(path: Path, file: ListedFile, pieces: dict[int, Written], stage: Path) -> None:
    """Keeps the piece digests of a published file, in one step. Raises `OSError`."""
    header = encode_header(file)
    seed = header_seed(header)
    records = b"".join(encode_record(pieces[index], seed) for index in sorted(pieces))
    write_whole(path, header + records, stage)
