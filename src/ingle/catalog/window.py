"""Hands out the bytes of a header in order, never more than it may have and never behind its end."""

from __future__ import annotations

import struct
from typing import Protocol

from ingle.errors import MalformedModel

MAX_HEADER = 256 * 1024 * 1024  # bytes; a 262k-token vocabulary with its merges takes about 15 MB
MAX_STRING = 16 * 1024 * 1024  # bytes; the longest seen is a chat template of 100 kB

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")

Scalar = int | float | bool | str


class Readable(Protocol):
    """An open file, or anything else that gives its bytes in order; fewer than `size` only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Window:
    """The bytes not yet consumed, read on demand and forgotten as they are consumed."""

    def __init__(self, file: Readable, path: str, size: int | None) -> None:
        self._file = file
        self._path = path
        self._limit = min(MAX_HEADER, size if size is not None else MAX_HEADER)
        self._whole = size is not None and size <= MAX_HEADER
        self._dropped = 0
        self._step = 64 * 1024
        self.data = bytearray()
        self.at = 0

    @property
    def position(self) -> int:
        """Bytes from the start of the file."""
        return self._dropped + self.at

    @property
    def left(self) -> int:
        """Bytes that may still belong to the header."""
        return self._limit - self.position

    def malformed(self, why: str) -> MalformedModel:
        return MalformedModel(self._path, why)

    def ensure(self, count: int) -> None:
        """Makes `count` bytes readable at `at`. Raises `MalformedModel` where the file is too short."""
        if self.at + count <= len(self.data):
            return
        if count > self.left:
            if self._whole:
                raise self.malformed(f"it ends at byte {self._limit}, in the middle of its header")
            raise self.malformed(f"its header is longer than {MAX_HEADER} bytes")
        del self.data[: self.at]
        self._dropped += self.at
        self.at = 0
        while len(self.data) < count:
            room = self._limit - self._dropped - len(self.data)
            more = self._file.read(min(room, max(self._step, count - len(self.data))))
            if not more:
                end = self._dropped + len(self.data)
                raise self.malformed(f"it ends at byte {end}, in the middle of its header")
            self.data += more
            self._step = min(self._step * 2, 4 * 1024 * 1024)

    def take(self, form: struct.Struct) -> Scalar:
        """One number of this form."""
        self.ensure(form.size)
        found: Scalar = form.unpack_from(self.data, self.at)[0]
        self.at += form.size
        return found

    def unsigned(self, form: struct.Struct, limit: int, what: str) -> int:
        """One count or length, refused above `limit`."""
        found = int(self.take(form))
        if found > limit:
            raise self.malformed(f"it claims {found} {what}; {limit} is the most that is accepted")
        return found

    def string(self, limit: int, what: str) -> str:
        """One string of at most `limit` bytes; bytes that are not UTF-8 are shown as such."""
        length = self.unsigned(U64, limit, f"bytes of {what}")
        self.ensure(length)
        found = bytes(self.data[self.at : self.at + length])
        self.at += length
        return found.decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        """Steps over `count` bytes without keeping them."""
        while count:
            step = min(count, 4 * 1024 * 1024)
            self.ensure(step)
            self.at += step
            count -= step

    def skip_strings(self, count: int) -> None:
        """Steps over `count` strings: the one loop whose speed matters (half a million turns)."""
        unpack = U64.unpack_from
        while count:
            self.ensure(8)
            data, at, left = self.data, self.at, count
            try:
                for left in range(count, 0, -1):  # noqa: B007  # read when the buffer ends
                    at += 8 + unpack(data, at)[0]
                left = 0
            except (struct.error, OverflowError):
                pass
            # The last string may reach behind what is in memory; how far it may is checked before going on.
            beyond = max(0, at - len(data))
            if beyond > MAX_STRING:
                raise self.malformed(f"it holds a string of more than {beyond} bytes")
            self.at = at - beyond
            self.skip(beyond)
            count = left
