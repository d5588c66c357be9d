"""What a fake file holds: bytes made on demand, with the digests a hub would tell."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

CHUNK = 1 << 20


class Content(Protocol):
    """`size` in bytes; `read` gives exactly the bytes of [start, stop)."""

    @property
    def size(self) -> int: ...

    def read(self, start: int, stop: int) -> bytes | memoryview: ...


class Held:
    """Content that is simply there."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    @property
    def size(self) -> int:
        return len(self._data)

    def read(self, start: int, stop: int) -> memoryview:
        return self._data[start:stop]


class Noise:
    """Random-looking bytes of any size from a seed; no two blocks of 4 KiB in it are the same."""

    BLOCK = 4096

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self._seed = seed

    @cached_property
    def _tile(self) -> bytes:
        return random.Random(self._seed).randbytes(self.BLOCK)

    def read(self, start: int, stop: int) -> bytes:
        first, last = start // self.BLOCK, -(-stop // self.BLOCK)
        tail = self._tile[16:]
        seed = self._seed.to_bytes(8, "little", signed=True)
        whole = b"".join(n.to_bytes(8, "little") + seed + tail for n in range(first, last))
        offset = first * self.BLOCK
        return whole[start - offset : min(stop, self.size) - offset]


class Sparse:
    """Zeros with a few islands of bytes: files over 4 GiB that cost no disk and no memory."""

    def __init__(self, size: int, islands: Mapping[int, bytes]) -> None:
        self.size = size
        self._islands = dict(islands)

    def read(self, start: int, stop: int) -> bytes:
        found = bytearray(min(stop, self.size) - start)
        for offset, data in self._islands.items():
            low, high = max(offset, start), min(offset + len(data), stop)
            if low < high:
                found[low - start : high - start] = data[low - offset : high - offset]
        return bytes(found)


class Disk:
    """Content that lies in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def read(self, start: int, stop: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


class Many(Mapping[str, "bytes | Path | Content"]):
    """`count` small files named by number, none of them in memory."""

    def __init__(self, count: int, folder: str = "part") -> None:
        self._count = count
        self._folder = folder

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (f"{self._folder}/{n:06d}.json" for n in range(self._count))

    def __getitem__(self, name: str) -> bytes:
        folder, _, number = name.removesuffix(".json").rpartition("/")
        if folder != self._folder or not number.isdigit() or int(number) >= self._count:
            raise KeyError(name)
        return b'{"n": %d}' % int(number)


def as_content(value: bytes | Path | Content) -> Content:
    """Whatever a test handed in, as content."""
    if isinstance(value, bytes):
        return Held(value)
    return Disk(value) if isinstance(value, Path) else value


def chunks(content: Content, start: int, stop: int) -> Iterator[bytes | memoryview]:
    """The bytes of [start, stop) in steps that fit a socket buffer."""
    for offset in range(start, stop, CHUNK):
        yield content.read(offset, min(offset + CHUNK, stop))


def sha256(content: Content) -> str:
    """The digest a hub tells for a large file."""
    digest = hashlib.sha256()
    for chunk in chunks(content, 0, content.size):
        digest.update(chunk)
    return digest.hexdigest()


def git_sha1(content: Content) -> str:
    """The git object id a hub tells for a small file."""
    digest = hashlib.sha1(b"blob %d\0" % content.size, usedforsecurity=False)
    for chunk in chunks(content, 0, content.size):
        digest.update(chunk)
    return digest.hexdigest()


class Joined:
    """Several contents one after the other."""

    def __init__(self, *parts: Content) -> None:
        self._parts = parts
        self.size = sum(part.size for part in parts)

    def read(self, start: int, stop: int) -> bytes:
        found = bytearray()
        offset = 0
        for part in self._parts:
            low, high = max(start, offset), min(stop, offset + part.size)
            if low < high:
                found += part.read(low - offset, high - offset)
            offset += part.size
        return bytes(found)


def weights(size: int, seed: int = 0) -> Content:
    """A safetensors file with one tensor of `size` random bytes."""
    return Joined(Held(safetensors_header(size)), Noise(size, seed))


def safetensors_header(size: int) -> bytes:
    """The head of a safetensors file whose one tensor `w` has `size` bytes."""
    about = {"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    told = json.dumps(about).encode()
    return struct.pack("<Q", len(told)) + told
