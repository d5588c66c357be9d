"""Keeps the caches of prompt prefixes that return (a system prompt) in a folder, over loads, within a cap.

A prefix is written when it has served a second time and the engine is idle; the file used longest ago
leaves first, before the new one is begun. A file is found by the hash of its tokens and of the model that
computed it, so a file of another model or form of weights is never read; the digest of its bytes is in its
name too, and one that has others is dropped. Prompts can be read out of such files: that is why this is off
unless a load names a folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mlx.utils import tree_flatten
from mlx_lm.models.cache import load_prompt_cache, save_prompt_cache

SHORTEST = 64
"""Tokens: reading a file costs more than computing fewer."""

_REMEMBERED = 256  # prefixes whose returns are counted

_HEADER = 4096
_HEADER_PER_PART = 512
"""Bytes, more than a safetensors header takes: an entry has a name, a type, a shape and two offsets."""

_STAGED = "writing.safetensors"


class PrefixDisk:
    """Owned by the engine's thread. `identity` names the model and the form of its weights."""

    def __init__(self, folder: Path, limit: int, identity: str) -> None:
        self._folder = folder
        self._limit = limit
        self._identity = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._served: OrderedDict[str, int] = OrderedDict()
        self._due: dict[str, tuple[int, list[Any]]] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def find(self, tokens: Sequence[int], better_than: int) -> tuple[list[Any] | None, int]:
        """The longest stored prefix of `tokens` with more than `better_than` of them, one left over."""
        for length in sorted(self._lengths(), reverse=True):
            if not max(better_than, SHORTEST - 1) < length < len(tokens):
                continue
            for path in self._stored(self._name(tokens[:length]), length):
                cache = _read(path)
                if cache is not None:
                    return cache, length
        return None, 0

    def served(self, tokens: Sequence[int], cache: list[Any]) -> None:
        """A prefix has served from memory; when it has before, it is due to be written."""
        if len(tokens) < SHORTEST:
            return
        name = self._name(tokens)
        count = self._served.pop(name, 0) + 1
        self._served[name] = count
        if len(self._served) > _REMEMBERED:
            self._served.popitem(last=False)
        if count >= 2 and not self._stored(name, len(tokens)):
            self._due[name] = (len(tokens), cache)

    def write_due(self) -> None:
        """Write what is due; called while nobody waits. A full disk or a foreign folder is no error here.

        While another worker writes into the folder it stays due: together they could exceed the cap.
        """
        if not self._due:
            return
        try:
            with self._alone():
                for name, (length, cache) in self._due.items():
                    self._write(name, length, cache)
        except BlockingIOError:
            return
        except OSError:  # the folder takes nothing: what waits for it would be memory that nobody counts
            pass
        self._due = {}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Raises `BlockingIOError` while another process writes into the folder."""
        lock = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (self._folder / _STAGED).unlink(missing_ok=True)  # of a process that died over it
            yield
        finally:
            os.close(lock)

    def _write(self, name: str, length: int, cache: list[Any]) -> None:
        size = _size(cache)
        if size > self._limit or self._stored(name, length):
            return
        staged = self._folder / _STAGED
        try:
            self._shrink(self._limit - size)
            save_prompt_cache(str(staged), cache, {})
            staged.rename(self._folder / f"{self._stem(name, length)}-{_digest(staged)}.safetensors")
        except (OSError, RuntimeError):
            with contextlib.suppress(OSError):
                staged.unlink()

    def _shrink(self, limit: int) -> None:
        found = []
        for file in self._folder.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # another worker may have dropped a damaged one
                facts = file.stat()
                found.append((facts.st_mtime, str(file), facts.st_size))
        size = sum(one for _, _, one in found)
        for _, name, one in sorted(found):
            if size <= limit:
                return
            size -= one
            Path(name).unlink(missing_ok=True)

    def _lengths(self) -> set[int]:
        names = (file.name.split("-") for file in self._folder.glob(f"{self._identity}-*.safetensors"))
        return {int(parts[1]) for parts in names if len(parts) == 4 and parts[1].isdigit()}

    def _name(self, tokens: Sequence[int]) -> str:
        return hashlib.sha256(np.asarray(tokens, dtype=np.int32).tobytes()).hexdigest()[:32]

    def _stem(self, name: str, length: int) -> str:
        return f"{self._identity}-{length}-{name}"

    def _stored(self, name: str, length: int) -> list[Path]:
        return list(self._folder.glob(f"{self._stem(name, length)}-*.safetensors"))


def _read(path: Path) -> list[Any] | None:
    """The cache in a file; a file that is not as it was written is dropped: it can be computed again."""
    try:
        if path.stem.rsplit("-", 1)[-1] == _digest(path):
            cache = list(load_prompt_cache(str(path)))
            os.utime(path)
            return cache
    except (RuntimeError, ValueError, KeyError, OSError):
        pass
    with contextlib.suppress(OSError):
        path.unlink()
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def _size(cache: list[Any]) -> int:
    """Bytes of its file, or a little more."""
    parts = [part for _, part in tree_flatten([layer.state for layer in cache])]
    data = sum(int(getattr(part, "nbytes", 8 * len(str(part)))) for part in parts)
    return data + _HEADER + _HEADER_PER_PART * (len(parts) + len(cache))
