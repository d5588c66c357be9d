"""What a fake hub holds: repos, their branches, commits and files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.fakes.content import Content, as_content, git_sha1, sha256

Given = Mapping[str, "bytes | Path | Content"]
LFS_SUFFIXES = (".safetensors", ".gguf", ".bin")
LFS_SIZE = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of one commit. `sha256` is set for the files that a real hub keeps outside git."""

    path: str
    content: Content
    oid: str
    sha256: str | None

    @property
    def digest(self) -> str:
        return self.sha256 or self.oid

    def wire(self) -> dict[str, Any]:
        """As a page of the tree tells it."""
        told: dict[str, Any] = {"type": "file", "oid": self.oid, "size": self.content.size, "path": self.path}
        if self.sha256 is not None:
            told["lfs"] = {"oid": self.sha256, "size": self.content.size, "pointerSize": 134}
        return told


@dataclass
class Commit:
    """`extra` are tree entries told as they are, true or not; `changes` replaces what a true entry tells."""

    sha: str
    files: Given
    extra: tuple[dict[str, Any], ...] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _known: dict[str, Entry] = field(default_factory=dict)

    def entry(self, path: str) -> Entry | None:
        """The file at a path, its digests computed the first time it is asked for."""
        if path in self._known:
            return self._known[path]
        try:
            content = as_content(self.files[path])
        except KeyError:
            return None
        large = path.endswith(LFS_SUFFIXES) or content.size > LFS_SIZE
        digest = sha256(content) if large else None
        pointer = f"oid sha256:{digest}\nsize {content.size}\n".encode()
        oid = hashlib.sha1(pointer).hexdigest() if large else git_sha1(content)
        found = Entry(path, content, oid, digest)
        if large:
            self._known[path] = found
        return found

    @cached_property
    def _order(self) -> tuple[list[str], list[str]]:
        """The folders and the files of the tree, each sorted."""
        names = sorted(self.files)
        holding = {name.rpartition("/")[0] for name in names} - {""}
        folders = holding | {str(parent) for name in holding for parent in Path(name).parents} - {"."}
        return sorted(folders), names

    def entries(self) -> Iterator[Entry]:
        return (entry for path in self.files if (entry := self.entry(path)) is not None)

    def tree(self, start: int, count: int) -> list[dict[str, Any]]:
        """`count` rows of the recursive listing from row `start` on, folders first."""
        folders, names = self._order
        rows: list[dict[str, Any]] = []
        for number in range(start, start + count):
            if number < len(folders):
                oid = hashlib.sha1(folders[number].encode()).hexdigest()
                rows.append({"type": "directory", "oid": oid, "size": 0, "path": folders[number]})
            elif number - len(folders) < len(names):
                entry = self.entry(names[number - len(folders)])
                assert entry is not None
                rows.append({**entry.wire(), **self.changes.get(entry.path, {})})
            else:
                rows += self.extra[: max(0, start + count - number)]
                break
        return rows


@dataclass
class Repo:
    """`gated` needs a token in `granted`; `private` hides it from everybody else."""

    id: str
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False
    licence: str | None = "apache-2.0"
    tags: tuple[str, ...] = ()
    downloads: int = 0
    granted: set[str] = field(default_factory=set)
    gguf_parameters: int | None = None

    def commit(self, revision: str) -> Commit | None:
        return self.commits.get(self.refs.get(revision, revision))

    def info(self, commit: Commit, *, blobs: bool = False) -> dict[str, Any]:
        """As the hub's API tells it."""
        siblings: list[dict[str, Any]] = []
        for path in commit.files if len(commit.files) <= 5000 else ():
            row: dict[str, Any] = {"rfilename": path}
            entry = commit.entry(path) if blobs else None
            if entry is not None:
                row |= {"size": entry.content.size, "blobId": entry.oid}
                if entry.sha256:
                    row["lfs"] = {"sha256": entry.sha256, "size": entry.content.size, "pointerSize": 134}
            siblings.append(row)
        licence = [f"license:{self.licence}"] if self.licence else []
        return {
            "_id": hashlib.sha1(self.id.encode()).hexdigest()[:24],
            "id": self.id,
            "modelId": self.id,
            "author": self.id.partition("/")[0],
            "sha": commit.sha,
            "lastModified": "2026-01-02T03:04:05.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "private": self.private,
            "gated": "manual" if self.gated else False,
            "disabled": False,
            "downloads": self.downloads,
            "likes": 0,
            "tags": [*self.tags, *licence],
            "cardData": {"license": self.licence} if self.licence else {},
            "siblings": siblings,
            **({"gguf": {"total": self.gguf_parameters}} if self.gguf_parameters else {}),
            "usedStorage": sum(as_content(commit.files[path]).size for path in commit.files)
            if len(commit.files) <= 5000
            else 0,
        }


def commit_id(repo_id: str, number: int) -> str:
    """A commit id that is the same in every run."""
    return hashlib.sha1(f"{repo_id}@{number}".encode()).hexdigest()
