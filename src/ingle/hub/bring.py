"""Takes a model that a person brought, a folder or one GGUF file, into the store, checked like a pull.

Where the hub's listing of the repo is known (from an earlier pull, or handed in) every file is held against
its digest; where it is not, the files are read, their own digests become their names, and that is said.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import msgspec

from ingle.catalog.formats import first_part
from ingle.catalog.inspect import NEEDED
from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import ModelRef, Snapshot
from ingle.config import Config
from ingle.errors import DiskFull, FileMissing, Incomplete, InvalidRequest, StoreError
from ingle.hub.brought import (
    Digests,
    Kinship,
    is_own,
    kin,
    match,
    own_listing,
    refuse_broken,
    refuse_partial,
)
from ingle.hub.cache import Store
from ingle.hub.copies import bytes_of, place_copy
from ingle.hub.disk import disk_errors, free_bytes
from ingle.hub.headers import Headers
from ingle.hub.health.finding import several
from ingle.hub.layout import RepoPlace, repo_id_of
from ingle.hub.locks import hold
from ingle.hub.progress import Phase, Progress
from ingle.hub.publish import publish_blob, publish_snapshot, refuse_other_disk
from ingle.hub.receipt import Asked, Receipt, write_receipt
from ingle.hub.shelf import DiskShelf
from ingle.hub.stored import may_be_listed, stored_receipt, stored_receipts
from ingle.hub.verify import check_file

_NOT_FILES = (".git/",)  # what `git clone` keeps beside the files, a second copy of the large ones too
MARGIN = 64 << 20  # bytes of disk left free beside what is copied


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What was imported. `known` is whether the hub's digests were there to compare with; `ignored` are
    files that the hub's listing does not name."""

    snapshot: Snapshot
    known: bool
    ignored: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What was checked, for a person."""
        name, count = self.snapshot.ref.name, several(len(self.snapshot.files), "file")
        if self.known:
            return f"{name}: {count} imported, each with the digest that the hub lists."
        return (
            f"{name}: {count} imported. No digest of the hub is known for them, so only their headers "
            "and texts could be checked."
        )


def bring_model(
    config: Config,
    source: Path,
    *,
    repo_id: str | None = None,
    revision: str | None = None,
    listing: Listing | None = None,
    cancel: threading.Event | None = None,
    free: Callable[[Path], int] = free_bytes,
) -> Generator[Progress, None, Brought]:
    """Imports `source` as `repo_id`; without one, as the repo whose known listing names these very files.

    `revision` is the branch, tag or commit that a person named. `listing` is the hub's, where the caller asked it; `free` tells the room where a path lies. Nothing is shown unless all of it is right, and the
    source is only read. Raises `FileMissing`, `InvalidRequest` (no model in it, or no name for it),
    `Incomplete`, `SizeMismatch`, `DigestMismatch`, `MalformedModel`, `DiskFull` before the first byte.
    """
    files, shelf = _gather(config, source)
    refuse_partial(source, files, shelf)
    cancel = cancel or threading.Event()
    digests = Digests(sum(path.stat().st_size for path in files.values()), cancel)
    if listing is None or (yield from kin(files, listing, digests)) is not Kinship.ALL:
        repo = listing.repo_id if listing is not None else repo_id
        stored = yield from _stored_listing(config, files, repo, revision, digests)
        if listing is None or (
            stored is not None and (yield from kin(files, stored, digests)) is Kinship.ALL
        ):
            listing = stored
    known = listing is not None
    if listing is not None:
        chosen = yield from match(files, listing, digests)
        taken = {name: path for name, path in files.items() if path in chosen.values()}
        refuse_partial(source, taken, shelf)
    elif repo_id is not None:
        listing = yield from own_listing(repo_id, files, digests)
        chosen = {file: files[file.path] for file in listing.files}
    else:
        raise InvalidRequest(
            f"{source} fits no listing that is known here, so it needs a name.",
            hint="Say which model it is: --as org/name.",
        )
    refuse_broken(chosen)
    yield from _Bringing(config, listing, chosen, cancel, free).run()
    snapshot = _shown(config, listing, chosen)
    total = sum(file.size for file in chosen)
    yield Progress(phase=Phase.DONE, bytes_done=total, bytes_total=total, snapshot=snapshot)
    ignored = tuple(name for name, path in files.items() if path not in chosen.values())
    return Brought(snapshot=snapshot, known=known, ignored=ignored)


def _gather(config: Config, source: Path) -> tuple[dict[str, Path], DiskShelf]:
    """The files at `source` by their path in a repo: all of a folder, all parts of a GGUF."""
    headers = Headers(config.home / "headers.msgpack")
    if source.is_dir():
        shelf = DiskShelf(source, headers)
        names = [name for name in sorted(shelf.sizes()) if not name.startswith(_NOT_FILES)]
        _refuse_names(source, names, shelf)
        return {name: source / name for name in names}, shelf
    if not source.is_file():
        raise FileMissing(source)
    shelf = DiskShelf(source.parent, headers, depth=1)
    names = [name for name in sorted(shelf.sizes()) if first_part(name) == first_part(source.name)]
    return {name: source.parent / name for name in names}, shelf


def _refuse_names(source: Path, names: list[str], shelf: DiskShelf) -> None:
    odd = next((name for name in names if not may_be_listed(name)), None)
    if odd is not None:
        raise InvalidRequest(
            f"{source} holds a file {odd!a}, which no model's can be called.",
            hint="Give it a plain name, or take it out; then import again.",
        )
    lost = tuple(sorted(name for name in shelf.dangling() if name.endswith(NEEDED)))
    if lost:
        error = Incomplete(str(source), lost)
        error.hint = "Their links lead nowhere: copy the files themselves (`cp -RL`), then import again."
        raise error


def _stored_listing(
    config: Config, files: dict[str, Path], repo_id: str | None, revision: str | None, digests: Digests
) -> Generator[Progress, None, Listing | None]:
    """A listing that an earlier pull stored: the one these files are of, else for a named repo its newest."""
    ids = [repo_id] if repo_id else [repo_id_of(path.name) for path in sorted(config.work.glob("models--*"))]
    others: list[Listing] = []
    for one in ids:
        for receipt in stored_receipts(RepoPlace(config.cache, one)) if one else []:
            listing = receipt.listing
            if is_own(listing):
                continue  # it knows no more than the files do
            if revision not in (None, listing.commit, listing.revision):
                continue
            kinship = yield from kin(files, listing, digests)
            if kinship is Kinship.ALL:
                return listing
            if repo_id or kinship is Kinship.LARGEST:
                others.append(listing)
    return next(iter(others), None)


class _Bringing:
    """The writing part of one import: locks, receipt, blobs, snapshot, in the order of a pull."""

    def __init__(
        self,
        config: Config,
        listing: Listing,
        chosen: dict[ListedFile, Path],
        cancel: threading.Event,
        free: Callable[[Path], int],
    ) -> None:
        self._place = RepoPlace(config.cache, listing.repo_id)
        self._listing = listing
        self._chosen = chosen
        self._cancel = cancel
        self._free = free
        self._total = sum(file.size for file in chosen)
        self._done = 0

    def run(self) -> Generator[Progress, None, None]:
        """Publishes everything that was chosen. What is in the store already is checked, not copied."""
        place = self._place
        with disk_errors(place.work, "write to", self._total):
            place.stage.mkdir(parents=True, exist_ok=True)
            refuse_other_disk(place)
            with hold(place.pull_lock, self._cancel):
                self._need_space()
                staged = place.stage / f"import.{os.getpid()}.{os.urandom(4).hex()}"
                staged.mkdir()
                try:
                    for file, path in self._chosen.items():
                        yield from self._blob(file, path, staged)
                finally:
                    shutil.rmtree(staged, ignore_errors=True)
                known = stored_receipt(place, self._listing.commit) or Receipt(listing=self._listing)
                write_receipt(place, known.plus(self._asked()))
                publish_snapshot(place, self._listing, tuple(self._chosen), self._revision())

    def _need_space(self) -> None:
        place = self._place
        needed = MARGIN + sum(file.size for file in self._chosen if not place.blob(file.digest).exists())
        free = self._free(place.stage)
        if free < needed:
            raise DiskFull(place.cache, needed, free)

    def _blob(self, file: ListedFile, source: Path, staged: Path) -> Generator[Progress, None, None]:
        place = self._place
        with hold(place.blob_lock(file.digest), self._cancel):
            try:
                check_file(place.blob(file.digest), file, cancel=self._cancel)
            except (FileMissing, StoreError):
                target = staged / file.digest
                for step in place_copy(source, target, link=False, cancel=self._cancel):
                    yield self._progress(bytes_of(step, target), file)
                # What was copied is checked, not what was read before: the source may have changed.
                check_file(target, file, cancel=self._cancel)
                publish_blob(place, file, target)

    def _progress(self, count: int, file: ListedFile) -> Progress:
        self._done = min(self._total, self._done + count)
        return Progress(
            phase=Phase.PUBLISHING, bytes_done=self._done, bytes_total=self._total, message=file.path
        )

    def _asked(self) -> Asked:
        repo_id = self._listing.repo_id
        ref = ModelRef(name=repo_id, repo_id=repo_id, file=_head(self._chosen))
        return Asked(ref, tuple(file.path for file in self._chosen))

    def _revision(self) -> str:
        """The branch that shall point here; not one that has moved on since the listing was stored."""
        listing = self._listing
        try:
            now = (self._place.refs / listing.revision).read_text().strip()
        except OSError:
            now = listing.commit
        return listing.revision if now == listing.commit else listing.commit


def _head(chosen: dict[ListedFile, Path]) -> str | None:
    """The first GGUF file, where the model is one."""
    paths = sorted(file.path for file in chosen)
    if any(path.endswith(".safetensors") for path in paths):
        return None
    return next((path for path in paths if path.lower().endswith(".gguf")), None)


def _shown(config: Config, listing: Listing, chosen: dict[ListedFile, Path]) -> Snapshot:
    ref = ModelRef(name=listing.repo_id, repo_id=listing.repo_id, revision=listing.commit, file=_head(chosen))
    found = Store(config).find(ref)
    if found is None or found.missing:
        raise Incomplete(listing.repo_id, found.missing if found else tuple(file.path for file in chosen))
    return found
