"""Reads which snapshots one repo of the shared cache holds and which names point to them; changes nothing.

Other tools leave refs to missing snapshots, folders that are no commits and links to nothing: all of
that is read for what it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.receipt import Receipt
from ingle.hub.stored import stored_receipt, tree_files

_SHADOWED = "snapshots/"  # how a folder is named whose own name is a branch that points elsewhere
_SHORT = 7  # hex digits from which on the beginning of a commit names it, as in git


@dataclass(frozen=True)
class Revision:
    """One snapshot folder. `name` is the folder's (a commit, or what an old tool wrote); `refs` are the
    branches, tags and protecting names that point to it; `modified` in seconds since the epoch. `shadowed`
    is a folder named like a branch that points elsewhere."""

    name: str
    path: Path
    refs: tuple[str, ...]
    modified: float
    shadowed: bool = False

    @property
    def commit(self) -> str | None:
        return self.name if is_commit(self.name) else None

    @property
    def shown(self) -> str:
        """The shortest honest name: a branch or tag that points here, else the folder's own."""
        if self.shadowed:
            return f"{_SHADOWED}{self.name}"
        public = [ref for ref in self.refs if not ref.startswith("ingle/")]
        return min(public, key=lambda ref: (len(ref), ref)) if public else self.name


@dataclass(frozen=True)
class Inventory:
    """All snapshots of a repo, the newest first, and every ref with the commit it holds."""

    place: RepoPlace
    revisions: tuple[Revision, ...]
    refs: dict[str, str]

    @property
    def default(self) -> Revision | None:
        """What the bare repo name means: the snapshot of `main`, else the newest."""
        return self.find("main") or next(iter(self.revisions), None)

    def find(self, revision: str | None) -> Revision | None:
        """The snapshot of a branch, tag, commit or the beginning of one; None means the default."""
        if revision is None:
            return self.default
        for wanted in (self.refs.get(revision), revision, revision.removeprefix(_SHADOWED)):
            for one in self.revisions:
                if one.name == wanted:
                    return one
        near = [one for one in self.revisions if len(revision) >= _SHORT and one.name.startswith(revision)]
        return near[0] if len(near) == 1 else None


def take_inventory(place: RepoPlace) -> Inventory:
    """What lies in the repo's folder now. A repo that is not there, or not readable, is empty."""
    refs = dict(_refs(str(place.refs), ""))
    pointing: dict[str, list[str]] = {}
    for ref, commit in refs.items():
        pointing.setdefault(commit, []).append(ref)
    found = []
    try:
        with os.scandir(place.snapshots) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):  # a link would show one snapshot twice
                    modified = entry.stat().st_mtime
                    names = tuple(sorted(pointing.get(entry.name, ())))
                    found.append(Revision(entry.name, Path(entry.path), names, modified))
    except OSError:
        pass
    here = {one.name for one in found}
    found = [
        replace(one, shadowed=True) if refs.get(one.name, one.name) in here - {one.name} else one
        for one in found
    ]
    found.sort(key=lambda one: (one.modified, one.name), reverse=True)
    return Inventory(place, tuple(found), refs)


def linked_blobs(place: RepoPlace) -> frozenset[str]:
    """The names of the blobs that any snapshot's links point to."""
    found = set()
    for folder, folders, names in os.walk(place.snapshots):
        for name in (*folders, *names):
            with suppress(OSError):
                found.add(Path(folder, name).readlink().name)
    return frozenset(found)


def promised_sizes(place: RepoPlace, commit: str | None) -> tuple[dict[str, int], Receipt | None]:
    """What a stored listing says of the files of a commit: sizes by path, and our receipt if there is one.

    Ours is taken first, then huggingface_hub's `trees/` file; without either nothing is promised.
    """
    if commit is None:
        return {}, None
    receipt = stored_receipt(place, commit)
    if receipt is not None:
        return {file.path: file.size for file in receipt.listing.files}, receipt
    return {path: file.size for path, file in tree_files(place, commit).items()}, None


def _refs(root: str, below: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(f"{root}/{below}") as entries:
            found = list(entries)
    except OSError:
        return
    for entry in found:
        name = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _refs(root, f"{name}/")
            continue
        try:
            if not entry.is_file():
                continue
            with open(entry.path, "rb") as file:  # noqa: PTH123  # scandir gives a str
                commit = file.read(128).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if commit:
            yield name, commit
