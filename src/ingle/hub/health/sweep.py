"""Finds what Ingle itself left behind, and deletes it when told: never what another tool wrote.

Its own are partials and records that no receipt wants, folders that were staged and never shown, and blobs
that it wrote itself and no snapshot uses. What an unfinished pull still wants is no orphan.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from ingle.config import Config
from ingle.errors import InvalidRequest, StoreError
from ingle.hub.disk import disk_errors
from ingle.hub.health.leftover import Kind, Leftover, disk_size, entries, is_held
from ingle.hub.inventory import linked_blobs
from ingle.hub.layout import RepoPlace, repo_id_of
from ingle.hub.locks import try_lock
from ingle.hub.receipt import Receipt
from ingle.hub.stored import stored_receipt
from ingle.hub.written import trim_written, written_blobs

_FINISHED = "The file it was to become is whole in the cache."


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A leftover that was not deleted, and why."""

    leftover: Leftover
    why: str


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted; `freed` in bytes."""

    removed: tuple[Leftover, ...]
    kept: tuple[Kept, ...]

    @property
    def freed(self) -> int:
        return sum(leftover.size for leftover in self.removed)


def find_orphans(config: Config) -> list[Leftover]:
    """Everything of ours that could go, sorted by path. Changes nothing. What a pull that runs makes ready is none."""
    found = [
        orphan
        for place in _places(config)
        for orphan in _RepoOrphans(place).all()
        if not _in_the_making(place, orphan)
    ]
    found += [
        Leftover(
            path=path,
            size=disk_size(path),
            kind=Kind.STAGED,
            why="A draft of remembered headers that was never finished.",
            ours=True,
        )
        for path in entries(config.home)
        if path.name.startswith("headers.msgpack.")
    ]
    return sorted(found, key=lambda one: one.path)


def _in_the_making(place: RepoPlace, orphan: Leftover) -> bool:
    """Whether it is something that a pull works with, and one runs in this repo now."""
    passing = orphan.kind is Kind.STAGED or orphan.path == place.progress
    return passing and is_held(place.pull_lock)


def surely_ours(orphans: Sequence[Leftover]) -> list[Leftover]:
    """What can go unasked: neither whole blobs, nor what somebody may go on with where the blob turns out damaged."""
    return [one for one in orphans if one.kind not in {Kind.UNUSED_BLOB, Kind.MANUAL, Kind.SPARE}]


def wanted_digests(place: RepoPlace) -> set[str]:
    """The digests that our pulls of this repo want, also those that an interrupted repair will go on with."""
    return _RepoOrphans(place).wanted


def sweep(config: Config, orphans: list[Leftover]) -> Swept:
    """Deletes these orphans, as far as they still are: each repo is looked at again under its lock.

    Raises `InvalidRequest` for a leftover of another tool. What cannot be deleted is in `kept`.
    """
    foreign = next((one for one in orphans if not one.ours), None)
    if foreign is not None:
        raise InvalidRequest(
            f"{foreign.path} was not written by Ingle, so it is not Ingle's to delete.",
            hint="Delete it with the tool that wrote it, or by hand.",
        )
    removed: list[Leftover] = []
    kept: list[Kept] = []
    for repo_id in sorted({one.repo_id or "" for one in orphans}):
        named = [one for one in orphans if (one.repo_id or "") == repo_id]
        if repo_id:
            _sweep_repo(RepoPlace(config.cache, repo_id), named, removed, kept)
        else:
            for orphan in named:
                _delete(orphan, removed, kept)
    return Swept(removed=tuple(removed), kept=tuple(kept))


def _sweep_repo(place: RepoPlace, named: list[Leftover], removed: list[Leftover], kept: list[Kept]) -> None:
    try:
        lock = try_lock(place.pull_lock)
    except StoreError as exc:
        kept += [Kept(leftover=one, why=exc.message) for one in named]
        return
    if lock is None:
        kept += [Kept(leftover=one, why=f"{place.repo_id} is being pulled.") for one in named]
        return
    try:
        # The starter's pull, and other tools, hold only the lock of the blob they write.
        if any(is_held(path) for path in entries(place.locks)):
            kept += [Kept(leftover=one, why="A program is writing to this repo.") for one in named]
            return
        now = {one.path for one in _RepoOrphans(place).all()}
        for orphan in named:
            if orphan.path not in now:
                kept.append(Kept(leftover=orphan, why="It is needed again."))
            elif orphan.kind is Kind.UNUSED_BLOB:
                _delete_blob(place, orphan, removed, kept)
            else:
                _delete(orphan, removed, kept)
        with suppress(OSError):
            trim_written(place)
    finally:
        lock.release()


def _delete_blob(place: RepoPlace, orphan: Leftover, removed: list[Leftover], kept: list[Kept]) -> None:
    lock = try_lock(place.blob_lock(orphan.path.name))
    if lock is None:
        kept.append(Kept(leftover=orphan, why="Another program is writing it."))
        return
    try:
        _delete(orphan, removed, kept)
    finally:
        lock.release()


def _delete(orphan: Leftover, removed: list[Leftover], kept: list[Kept]) -> None:
    try:
        with disk_errors(orphan.path, "delete"):
            if orphan.path.is_dir() and not orphan.path.is_symlink():
                shutil.rmtree(orphan.path)
            else:
                orphan.path.unlink(missing_ok=True)
    except StoreError as exc:
        kept.append(Kept(leftover=orphan, why=exc.message))
        return
    removed.append(orphan)


class _RepoOrphans:
    """What one repo's work tree and blobs hold that no receipt and no snapshot wants."""

    def __init__(self, place: RepoPlace) -> None:
        self._place = place
        self._receipts: list[Receipt] = []
        self._broken: list[Path] = []
        for path in entries(place.receipts):
            receipt = stored_receipt(place, path.stem)
            if receipt is None:
                self._broken.append(path)
            else:
                self._receipts.append(receipt)
        self._used = linked_blobs(place)
        self._written = written_blobs(place)
        alive = [receipt for receipt in self._receipts if self._is_alive(receipt)]
        self._sizes = {file.digest: file.size for receipt in alive for file in receipt.wanted}
        self.wanted = set(self._sizes)

    def all(self) -> Iterator[Leftover]:
        place = self._place
        for path in entries(place.stage):
            yield self._one(path, Kind.STAGED, "It was being made ready and never shown.")
        for path in entries(place.work / "partial"):
            digest = path.name.removesuffix(".journal")
            if digest not in self.wanted:
                yield self._one(path, Kind.PARTIAL, "No unfinished pull wants these bytes.")
            elif self._is_spare(digest, place.partial(digest)):
                yield self._one(path, Kind.SPARE, _FINISHED)
        for path in entries(place.work / "pieces"):
            if not (place.blobs / path.name.removesuffix(".journal")).exists():
                yield self._one(path, Kind.RECORD, "It describes a blob that is gone.")
        for path in entries(place.manual):
            digest = path.name.removesuffix(".part")
            if digest not in self.wanted:
                yield self._one(path, Kind.MANUAL, "The script of --manual fetched it and did not end.")
            elif self._is_spare(digest, path):
                yield self._one(path, Kind.MANUAL, _FINISHED)
        if place.written.exists() and not self._written:
            yield self._one(place.written, Kind.RECORD, "It describes blobs that are gone.")
        if place.progress.exists():
            yield self._one(place.progress, Kind.RECORD, "It tells the progress of a pull that has ended.")
        for path in self._broken:
            yield self._one(path, Kind.RECORD, "It is no receipt that can be read.")
        for receipt in self._receipts:
            if not self._is_alive(receipt):
                path = place.receipt(receipt.listing.commit)
                yield self._one(path, Kind.RECORD, "Nothing of the model it describes is here.")
        yield from self._unused_blobs()

    def _unused_blobs(self) -> Iterator[Leftover]:
        for digest in sorted(self._written - self._used - self.wanted):
            path = self._place.blobs / digest
            yield self._one(path, Kind.UNUSED_BLOB, "Ingle fetched it, and no snapshot uses it any more.")

    def _is_spare(self, digest: str, path: Path) -> bool:
        """Whether the blob came whole after `path` was last written to. A repair writes to one that is newer."""
        try:
            blob, left = (self._place.blobs / digest).stat(), path.stat()
        except OSError:
            return False
        return blob.st_size == self._sizes[digest] and blob.st_mtime_ns > left.st_mtime_ns

    def _is_alive(self, receipt: Receipt) -> bool:
        """Whether the receipt's model has a snapshot, or anything that was fetched for it and for no other."""
        place = self._place
        if place.snapshot(receipt.listing.commit).is_dir():
            return bool(receipt.asked)
        return any(
            place.partial(file.digest).exists()
            or (file.digest not in self._used and place.blob(file.digest).exists())
            for file in receipt.wanted
        )

    def _one(self, path: Path, kind: Kind, why: str) -> Leftover:
        repo_id = self._place.repo_id
        return Leftover(path=path, size=disk_size(path), kind=kind, why=why, ours=True, repo_id=repo_id)


def _places(config: Config) -> list[RepoPlace]:
    ids = (repo_id_of(path.name) for path in entries(config.work))
    return [RepoPlace(config.cache, repo_id) for repo_id in ids if repo_id and "--" not in repo_id]
