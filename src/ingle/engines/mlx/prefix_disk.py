"""Keeps the caches of prompt prefixes that return (a system prompt) in a folder, over loads, within a cap.

A prefix is written when it has served a second time and the engine is idle; the file used longest ago
leaves first. A file is found by the hash of its tokens and of the model that computed it, so a file of
another model or form of weights is never read. Prompts can be read out of such files: that is why this
is off unless a load names a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mlx_lm.models.cache import load_prompt_cache, save_prompt_cache

SHORTEST = 64
"""Tokens: reading a file costs more than computing fewer."""

_REMEMBERED = 256  # prefixes whose returns are counted


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
            path = self._path(self._name(tokens[:length]), length)
            if not path.is_file():
                continue
            try:
                cache = load_prompt_cache(str(path))
                os.utime(path)
            except (RuntimeError, ValueError, KeyError, OSError):
                with contextlib.suppress(OSError):
                    path.unlink()  # damaged: it can be computed again
                continue
            return list(cache), length
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
        if count >= 2 and not self._path(name, len(tokens)).exists():
            self._due[name] = (len(tokens), cache)

    def write_due(self) -> None:
        """Write what is due; called while nobody waits. A full disk or a foreign folder is no error here."""
        due, self._due = self._due, {}
        for name, (length, cache) in due.items():
            if sum(int(layer.nbytes) for layer in cache) > self._limit:
                continue
            path = self._path(name, length)
            staged = path.with_suffix(f".{os.getpid()}.safetensors")
            with contextlib.suppress(OSError, RuntimeError):
                save_prompt_cache(str(staged), cache, {})
                staged.rename(path)
            with contextlib.suppress(OSError):
                staged.unlink()
        if due:
            with contextlib.suppress(OSError):
                self._shrink()

    def _shrink(self) -> None:
        found = []
        for file in self._folder.glob("*.safetensors"):
            with contextlib.suppress(FileNotFoundError):  # another worker may shrink the same folder
                facts = file.stat()
                found.append((facts.st_mtime, str(file), facts.st_size))
        size = sum(one for _, _, one in found)
        for _, name, one in sorted(found):
            if size <= self._limit:
                return
            size -= one
            Path(name).unlink(missing_ok=True)

    def _lengths(self) -> set[int]:
        names = (file.name.split("-") for file in self._folder.glob(f"{self._identity}-*.safetensors"))
        return {int(parts[1]) for parts in names if len(parts) == 3 and parts[1].isdigit()}

    def _name(self, tokens: Sequence[int]) -> str:
        return hashlib.sha256(np.asarray(tokens, dtype=np.int32).tobytes()).hexdigest()[:32]

    def _path(self, name: str, length: int) -> Path:
        return self._folder / f"{self._identity}-{length}-{name}.safetensors"
