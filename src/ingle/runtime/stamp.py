"""Tells the files that an engine opened from others that took their names since: a repair, a pull, a hand."""

from __future__ import annotations

import os

from ingle.catalog.inspect import NEEDED
from ingle.catalog.model import Format, Snapshot

Stamp = tuple[tuple[str, int, int, int], ...]
"""Of each file its path, size in bytes (-1: it is not there), time of change in nanoseconds and inode."""


def stamp_of(snapshot: Snapshot) -> Stamp:
    """The files of a model as the disk has them now, behind every link; asks for each, so it may block.

    Of a folder only what loaders open: somebody may keep notes beside it.
    """
    every = snapshot.format is Format.GGUF
    return tuple(
        _seen(f"{snapshot.root}/{path}", path)
        for path in snapshot.files
        if every or path.lower().endswith(NEEDED)
    )


def _seen(where: str, path: str) -> tuple[str, int, int, int]:
    try:
        found = os.stat(where)  # noqa: PTH116  # each request asks for each file
    except OSError:
        return path, -1, 0, 0
    return path, found.st_size, found.st_mtime_ns, found.st_ino
