"""The value both kinds of cleaning speak of: something on disk that nobody needs any more."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from ingle.errors import StoreError
from ingle.hub.locks import holder_pid, try_lock


class Kind(StrEnum):
    """What a leftover is. The first group is Ingle's own; the second belongs to other tools."""

    STAGED = "staged"  # a folder or file that was never renamed into place
    PARTIAL = "partial"  # bytes of a download that no pull wants any more
    SPARE = "spare"  # bytes of a download that another program, or a person, finished since
    RECORD = "record"  # a journal, receipt or note about what is gone
    UNUSED_BLOB = "unused-blob"  # a blob that we wrote, used by no snapshot
    MANUAL = "manual"  # what the script of --manual fetched and never put in place

    INCOMPLETE = "incomplete"  # another tool's unfinished download
    FOREIGN_BLOB = "foreign-blob"  # a blob that no snapshot uses, by whomever
    DANGLING = "dangling"  # a link with nothing behind it
    LOST_REF = "lost-ref"  # a ref to a snapshot that is not there
    NO_COMMIT = "no-commit"  # a snapshot folder that is named like no commit, as `snapshots/main`
    EMPTY = "empty"  # a folder of a repo without any snapshot
    LOCK = "lock"  # a lock file whose model is gone, or that another program left
    CACHE = "cache"  # a whole folder of another program


class Leftover(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that could go: `size` in bytes as the disk counts it, `why` one sentence for people.

    `repo_id` is None where it belongs to no repo; `ours` is whether Ingle wrote it.
    """

    path: Path
    size: int
    kind: Kind
    why: str
    ours: bool
    repo_id: str | None = None


def disk_size(path: Path) -> int:
    """Bytes that deleting `path` would give back; links count as nothing."""
    try:
        if path.is_symlink() or not path.is_dir():
            return path.lstat().st_blocks * 512
    except OSError:
        return 0
    return sum(disk_size(found) for found in entries(path))


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted; nothing where it cannot be read."""
    try:
        return [folder / name for name in sorted(os.listdir(folder))]  # noqa: PTH208  # OSError is caught
    except OSError:
        return []


def files_below(folder: Path) -> Iterator[Path]:
    """Every file and link below a folder; links to folders are links."""
    for found in entries(folder):
        if found.is_dir() and not found.is_symlink():
            yield from files_below(found)
        else:
            yield found


def is_held(lock: Path) -> bool:
    """Whether a process holds this lock file now; False for one that is not there."""
    if not lock.is_file():
        return False
    try:
        taken = try_lock(lock)
    except StoreError:
        return holder_pid(lock) is not None
    if taken is None:
        return True
    taken.release()
    return False
