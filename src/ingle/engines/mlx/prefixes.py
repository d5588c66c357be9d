"""Keeps the caches of earlier prompts, bounded in bytes, and finds the longest one a new prompt begins with.

Owned by the engine's thread. An entry's cache is never handed out itself: callers get a copy.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mlx_lm.models.cache import can_trim_prompt_cache, trim_prompt_cache


@dataclass(frozen=True, eq=False)
class _Entry:
    tokens: Any  # int32, shape (length,)
    cache: list[Any]
    size: int  # bytes
    trimmable: bool


class PrefixCache:
    """Entries in the order of their last use; the one used longest ago leaves first.

    A cache that can be trimmed serves any prefix of its tokens; the others (rotating, state-space) only
    prompts that continue all of them, which is why a snapshot is taken before the generation tail.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: list[_Entry] = []

    @property
    def size(self) -> int:
        """Bytes held now, never more than the limit."""
        return sum(entry.size for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def fetch(self, tokens: Sequence[int]) -> tuple[list[Any] | None, int]:
        """A copy of the best cache and how many of `tokens` it covers; at least one is always left over."""
        wanted = np.asarray(tokens, dtype=np.int32)
        best, covered = None, 0
        for entry in self._entries:
            usable = _usable(entry, wanted)
            if usable > covered:
                best, covered = entry, usable
        if best is None:
            return None, 0
        self._entries.remove(best)
        self._entries.append(best)
        cache = copy.deepcopy(best.cache)
        if covered < len(best.tokens):
            trim_prompt_cache(cache, len(best.tokens) - covered)
        return cache, covered

    def keep(self, tokens: Sequence[int], cache: list[Any]) -> None:
        """Take over `cache`, which holds exactly `tokens`. Too big for the limit: it is dropped."""
        size = sum(int(layer.nbytes) for layer in cache)
        if size > self._limit or not tokens:
            return
        entry = _Entry(np.asarray(tokens, dtype=np.int32), cache, size, can_trim_prompt_cache(cache))
        self._entries = [old for old in self._entries if not _replaces(entry, old)]
        if any(_replaces(old, entry) for old in self._entries):
            return
        self._entries.append(entry)
        while self.size > self._limit:
            self._entries.pop(0)

    def clear(self) -> None:
        """Give everything back."""
        self._entries.clear()


def _usable(entry: _Entry, wanted: Any) -> int:
    length = min(len(entry.tokens), len(wanted) - 1)
    if length <= 0:
        return 0
    different = np.flatnonzero(entry.tokens[:length] != wanted[:length])
    common = int(different[0]) if len(different) else length
    return common if entry.trimmable or common == len(entry.tokens) else 0


def _replaces(new: _Entry, old: _Entry) -> bool:
    """Whether everything `old` can serve, `new` serves too."""
    if len(old.tokens) > len(new.tokens) or not (new.trimmable or len(old.tokens) == len(new.tokens)):
        return False
    return bool(np.array_equal(new.tokens[: len(old.tokens)], old.tokens))
