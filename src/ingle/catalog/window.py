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
        (found,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return found  # type: ignore[no-any-return]  # struct gives what its format says: a Scalar

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
            data, at = self.data, self.at
            try:
                while count:
                    (length,) = unpack(data, at)
                    following = at + 8 + length
                    if length > MAX_STRING or following > len(data):
                        break
                    at = following
                    count -= 1
            except struct.error:
                pass
            self.at = at
            if count:
                self.ensure(8)
                (length,) = unpack(self.data, self.at)
                if length > MAX_STRING:
                    raise self.malformed(f"it holds a string of {length} bytes")
                self.ensure(8 + length)
