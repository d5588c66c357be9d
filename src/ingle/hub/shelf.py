"""Shows one folder of the disk as a shelf of files: names, sizes, headers; follows links to files only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG

from ingle.catalog.facts import Facts
from ingle.hub.headers import Headers

MAX_DEPTH = 16  # folders inside folders; hub repos stay far below, a loop of mounts does not
IGNORED = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


class DiskShelf:
    """The files below `root` at the moment of making. A root that cannot be read is an empty shelf."""

    def __init__(self, root: Path | str, headers: Headers, *, depth: int = MAX_DEPTH) -> None:
        self.root = str(root)
        self._headers = headers
        self._stats: dict[str, os.stat_result] = {}
        self._dangling: set[str] = set()
        for path in _walk(self.root, "", depth):
            try:
                found = os.stat(f"{self.root}/{path}")  # noqa: PTH116  # strings: a listing asks thousands
            except OSError:
                self._dangling.add(path)
                continue
            if S_ISREG(found.st_mode):
                self._stats[path] = found

    def sizes(self) -> dict[str, int]:
        return {path: found.st_size for path, found in self._stats.items()}

    def dangling(self) -> frozenset[str]:
        return frozenset(self._dangling)

    @property
    def modified(self) -> float:
        """When the newest file changed, in seconds since the epoch; 0.0 for an empty shelf."""
        return max((found.st_mtime for found in self._stats.values()), default=0.0)

    def read(self, path: str, limit: int) -> bytes:
        with open(f"{self.root}/{path}", "rb") as file:  # noqa: PTH123  # a str, see above
            return file.read(limit)

    def facts(self, path: str) -> Facts:
        return self._headers.facts(f"{self.root}/{path}", self._stats[path])


def may_change(folder: Path) -> bool:
    """Whether names in this folder may be added and removed by the user in force (not the real one)."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=effective)


def _walk(root: str, below: str, depth: int) -> Iterator[str]:
    """Paths of everything that is no folder, relative to `root`. Linked folders are not entered."""
    try:
        with os.scandir(f"{root}/{below}") as entries:
            found = list(entries)
    except OSError:
        return
    for entry in found:
        if entry.name in IGNORED:
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth > 1 and entry.name != ".cache":
                yield from _walk(root, f"{below}{entry.name}/", depth - 1)
        else:
            yield f"{below}{entry.name}"
