"""Decides what a person's files are: which of a listing they match, and what is known of them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Generator, Iterable
from enum import Enum
from pathlib import Path

from ingle.catalog.facts import Facts
from ingle.catalog.inspect import inspect
from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.errors import (
    Cancelled,
    DigestMismatch,
    Incomplete,
    InvalidRequest,
    MalformedModel,
    SizeMismatch,
    StoreError,
)
from ingle.hub.disk import disk_errors
from ingle.hub.health.content import refuse_unsound
from ingle.hub.progress import Phase, Progress
from ingle.hub.shelf import DiskShelf
from ingle.hub.verify import new_hash, read_pieces


class Digests:
    """Digests of files, each computed once; reading them is slow, so it is told as progress."""

    def __init__(self, total: int, cancel: threading.Event) -> None:
        self._known: dict[tuple[Path, DigestKind], str] = {}
        self._total = total
        self._done = 0
        self._cancel = cancel

    def of(self, path: Path, kind: DigestKind) -> Generator[Progress, None, str]:
        """The digest of a file. Raises `StoreError` kinds and `Cancelled`."""
        if (path, kind) not in self._known:
            found = new_hash(kind, path.stat().st_size)
            for data in read_pieces(path):
                found.update(data)
                self._done = min(self._total, self._done + len(data))
                yield Progress(
                    phase=Phase.VERIFYING,
                    bytes_done=self._done,
                    bytes_total=self._total,
                    message=path.name,
                )
                if self._cancel.is_set():
                    raise Cancelled("Cancelled while checking files.")
            self._known[path, kind] = found.hexdigest()
        return self._known[path, kind]


class Kinship(Enum):
    """How much of what was brought a listing names: `ALL` is the largest file, and nothing that differs."""

    NONE = "none"
    LARGEST = "largest"
    ALL = "all"


def kin(files: dict[str, Path], listing: Listing, digests: Digests) -> Generator[Progress, None, Kinship]:
    """Whether these files may be of this listing, under whatever names. Raises what `Digests.of` does."""
    largest = max(files.values(), key=lambda path: path.stat().st_size)
    size = largest.stat().st_size
    for file in listing.files:
        if file.size == size and file.digest == (yield from digests.of(largest, file.kind)):
            break
    else:
        return Kinship.NONE
    for file in listing.files:
        path = files.get(file.path)
        if path is None:
            continue
        if file.size != path.stat().st_size or file.digest != (yield from digests.of(path, file.kind)):
            return Kinship.LARGEST
    return Kinship.ALL


def match(
    files: dict[str, Path], listing: Listing, digests: Digests
) -> Generator[Progress, None, dict[ListedFile, Path]]:
    """The files of the listing that were brought, under their own name or another one.

    A file under a listed name has to be the listed one: raises `SizeMismatch` or `DigestMismatch`.
    Files that the listing does not know are left out.
    """
    by_path = {file.path: file for file in listing.files}
    by_size: dict[int, list[ListedFile]] = {}
    for file in listing.files:
        by_size.setdefault(file.size, []).append(file)
    chosen: dict[ListedFile, Path] = {}
    for name, path in files.items():
        size = path.stat().st_size
        listed = by_path.get(name)
        if listed is not None:
            if listed.size != size:
                raise _other_than(listing, SizeMismatch(path, listed.size, size))
            actual = yield from digests.of(path, listed.kind)
            if actual != listed.digest:
                raise _other_than(listing, DigestMismatch(path, listed.digest, actual))
            chosen[listed] = path
            continue
        for other in by_size.get(size, []):
            if other not in chosen and other.digest == (yield from digests.of(path, other.kind)):
                chosen[other] = path
                break
    return chosen


def own_listing(repo_id: str, files: dict[str, Path], digests: Digests) -> Generator[Progress, None, Listing]:
    """A listing made from the files themselves, for want of the hub's.

    Its commit is computed from names and digests, so the same files always make the same one.
    """
    listed = []
    for name, path in sorted(files.items()):
        digest = yield from digests.of(path, DigestKind.SHA256)
        listed.append(ListedFile(name, path.stat().st_size, digest, DigestKind.SHA256))
    commit = _own_commit(listed)
    return Listing(repo_id=repo_id, revision=commit, commit=commit, files=tuple(listed))


def is_own(listing: Listing) -> bool:
    """Whether it is one of `own_listing`, and none that a hub gave."""
    return listing.commit == _own_commit(listing.files)


def _own_commit(files: Iterable[ListedFile]) -> str:
    text = "\n".join(f"{file.digest} {file.size} {file.path}" for file in files)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def refuse_partial(source: Path, files: dict[str, Path], shelf: DiskShelf) -> None:
    """Returns when the files make at least one model and every one of them is whole.

    Raises `InvalidRequest`, `Incomplete`, `MalformedModel`.
    """
    models = inspect(_Chosen(files, shelf))
    if not models:
        raise InvalidRequest(
            f"{source} holds no model that Ingle knows.",
            hint="Bring a GGUF file, or a folder with config.json, tokenizer and safetensors.",
        )
    lacking = [line for model in models for line in model.missing]
    if not lacking:
        return
    damaged = next((line for line in lacking if " (" in line), None)
    if damaged is not None:
        path, _, why = damaged.partition(" (")
        raise _refused(MalformedModel(files.get(path, source / path), why.removesuffix(")")))
    error = Incomplete(str(source), tuple(lacking))
    error.hint = "Nothing was imported. Bring what is missing, too."
    raise error


def refuse_broken(chosen: dict[ListedFile, Path]) -> None:
    """Returns when the config and tokenizer among the files parse. Raises `MalformedModel`, `StoreError`."""
    for file, path in chosen.items():
        try:
            with disk_errors(path, "read"):
                refuse_unsound(path, file.path)
        except MalformedModel as exc:
            raise _refused(exc) from None


def _other_than(listing: Listing, error: StoreError) -> StoreError:
    """The error about a file that differs from the listed one: it may as well be a whole one of another version."""
    refused = _refused(error)
    refused.hint += f" Should it be of another version than {listing.commit[:12]}, name that: --as {listing.repo_id}@COMMIT"
    return refused


def _refused(error: StoreError) -> StoreError:
    """The same error about a file that a person brought: no repair reaches it there."""
    error.hint = "Nothing was imported. Get that file again from where it came."
    return error


class _Chosen:
    """Of a shelf, only these files."""

    def __init__(self, files: Iterable[str], shelf: DiskShelf) -> None:
        self._names = set(files)
        self._shelf = shelf

    def sizes(self) -> dict[str, int]:
        return {path: size for path, size in self._shelf.sizes().items() if path in self._names}

    def dangling(self) -> frozenset[str]:
        return self._shelf.dangling() & self._names

    def read(self, path: str, limit: int) -> bytes:
        return self._shelf.read(path, limit)

    def facts(self, path: str) -> Facts:
        return self._shelf.facts(path)
