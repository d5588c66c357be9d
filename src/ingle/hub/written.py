"""Knows which blobs Ingle itself wrote: those that changed while it held their lock, which every writer takes.

A line for each, with what tells the file from a later one of the same name: a blob that another tool fetched
after ours was deleted is that tool's. What a crash left unrecorded counts as another's, too.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from ingle.hub.disk import write_whole
from ingle.hub.layout import RepoPlace, place_of_lock

_END = "."  # closes a line: one that lacks it was cut short


class Identity(NamedTuple):
    """What tells a file from a later one under the same name: inode, bytes, nanoseconds since the epoch."""

    inode: int
    size: int
    changed: int


def identity(path: Path) -> Identity | None:
    """None where no plain file is: a link leads into a store that several repos share."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return Identity(found.st_ino, found.st_size, found.st_mtime_ns) if S_ISREG(found.st_mode) else None


class Watch:
    """One blob, from the moment its lock is ours. `end` is to be called while the lock is still held."""

    def __init__(self, place: RepoPlace, digest: str) -> None:
        self._place = place
        self._digest = digest
        self._before = identity(place.blob(digest))

    def end(self) -> None:
        """Records the blob when it is another file than before; a record that fails makes it nobody's."""
        now = identity(self._place.blob(self._digest))
        if now is None or now == self._before:
            return
        with suppress(OSError):
            self._place.written.parent.mkdir(parents=True, exist_ok=True)
            with self._place.written.open("a", encoding="ascii") as file:
                file.write(_line(self._digest, now))


def watch(lock: Path) -> Watch | None:
    """The watch over the blob that this lock file belongs to; None for a lock of anything else."""
    found = place_of_lock(lock)
    return Watch(*found) if found is not None else None


def written_blobs(place: RepoPlace) -> set[str]:
    """The digests of the blobs that are still the files Ingle wrote."""
    return {digest for digest, then in _read(place).items() if identity(place.blobs / digest) == then}


def trim_written(place: RepoPlace) -> None:
    """Forgets what is gone. The caller holds the repo's pull lock. Raises `OSError`."""
    known = _read(place)
    kept = {digest: known[digest] for digest in sorted(written_blobs(place))}
    if kept:
        lines = "".join(_line(digest, then) for digest, then in kept.items())
        write_whole(place.written, lines.encode(), place.stage)
    else:
        place.written.unlink(missing_ok=True)


def _line(digest: str, then: Identity) -> str:
    return f"{digest} {then.inode} {then.size} {then.changed} {_END}\n"


def _read(place: RepoPlace) -> dict[str, Identity]:
    """The newest line of each blob; a line that was cut short says nothing."""
    try:
        lines = place.written.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        digest, *numbers, end = line.split(" ") if " " in line else ("", "")
        if end == _END and len(numbers) == 3 and all(number.isdecimal() for number in numbers):
            found[digest] = Identity(*map(int, numbers))
    return found
