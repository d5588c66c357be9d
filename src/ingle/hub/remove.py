"""Deletes one model from the shared cache, in the order that never shows half of it to any tool.

First the names that point to the snapshot, then its links (the folder is moved out of sight in one step),
last the blobs that no other snapshot uses. A blob that is itself a link into the store shared by several
repos is unlinked and what it points to is left alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ingle.catalog.model import ModelRef, Origin, Snapshot
from ingle.config import Config
from ingle.errors import InUse, InvalidRequest, NoPermission, Unsupported
from ingle.hub.disk import disk_errors
from ingle.hub.kept import release
from ingle.hub.layout import RepoPlace, is_commit
from ingle.hub.locks import holder_pid, try_lock
from ingle.hub.receipt import Receipt, write_receipt
from ingle.hub.scan import asks_for
from ingle.hub.shelf import may_change
from ingle.hub.stored import stored_receipt
from ingle.hub.written import trim_written

_OWNERS = {
    Origin.LM_STUDIO: "LM Studio's folder",
    Origin.MLX_FOLDER: "~/.mlx/models",
    Origin.FOLDER: "a folder of yours",
    Origin.FILE: "a file of yours",
}


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What was deleted. Sizes in bytes.

    `files` are paths inside the snapshot; `freed` is what the disk got back; `shared` is the size of
    blobs that stay because other snapshots or repos use them; `remaining` names what is left of the repo.
    """

    name: str
    files: tuple[str, ...]
    freed: int
    shared: int = 0
    remaining: tuple[str, ...] = ()


def remove_snapshot(
    config: Config, found: Snapshot, siblings: Sequence[Snapshot], *, asked: ModelRef
) -> Removal:
    """Deletes `found`; `siblings` are all models of its repo. See `Store.remove` for what it raises."""
    if found.origin is not Origin.HUB_CACHE or found.ref.repo_id is None:
        raise Unsupported(
            f"{found.ref.name} lies in {_OWNERS.get(found.origin, 'a place')} and Ingle only reads there.",
            hint=f"Delete {found.root if found.origin is not Origin.FILE else found.path} yourself.",
            path=str(found.path),
        )
    same_place = [one for one in siblings if one.root == found.root]
    if len(same_place) > 1 and asked.file is None and asked.quant is None:
        names = ", ".join(one.ref.name for one in same_place)
        raise InvalidRequest(f"{asked.name} means several models here: {names}.", hint="Name one of them.")
    place = RepoPlace(config.cache, found.ref.repo_id)
    linked = next((one for one in (place.folder, place.snapshots, place.blobs) if one.is_symlink()), None)
    if linked is not None:
        raise Unsupported(
            f"{linked} is a link to {linked.resolve()}, and Ingle deletes nothing through links.",
            hint=f"Delete the files there yourself, or only the link: rm -- {linked}",
            path=str(linked),
        )
    if (name := _only_a_name(place, found, asked)) is not None:
        with _alone(place), disk_errors(place.folder, "delete from"):
            name.unlink(missing_ok=True)
            _prune(place.refs)
        return Removal(name=asked.name, files=(), freed=0, shared=found.size, remaining=(found.ref.name,))
    removing = _Removing(place, found, [one for one in same_place if one.path != found.path])
    with _alone(place):
        removing.check()
        removing.run()
    remaining = tuple(one.ref.name for one in siblings if one is not found and one.path != found.path)
    return Removal(
        name=found.ref.name,
        files=found.files,
        freed=removing.freed,
        shared=removing.shared,
        remaining=remaining,
    )


def _only_a_name(place: RepoPlace, found: Snapshot, asked: ModelRef) -> Path | None:
    """The ref of the branch or tag that was asked for, where another one means the same version: that one was not named."""
    refs = {ref.relative_to(place.refs).as_posix(): ref for ref in _files(place.refs)}
    here = {
        name for name, ref in refs.items() if _read(ref) == found.root.name and not name.startswith("ingle/")
    }
    whole = asked.file is None and asked.quant is None
    named = asked.revision if whole and asked.revision in here else None
    return refs[named] if named is not None and len(here) > 1 else None


class _Removing:
    """One removal; counts what it frees. `beside` are the other models of the same snapshot folder."""

    def __init__(self, place: RepoPlace, found: Snapshot, beside: Sequence[Snapshot]) -> None:
        self._place = place
        self._found = found
        self._beside = beside
        self.freed = 0
        self.shared = 0
        self._receipt = stored_receipt(place, found.commit)
        self._left = _without(self._receipt, found) if self._receipt else None

    def check(self) -> None:
        """Raises `NoPermission` while nothing has been touched yet."""
        for folder in (self._place.refs, self._place.snapshots, self._found.root, self._place.blobs):
            if folder.is_dir() and not may_change(folder):
                raise NoPermission(folder, "delete from")

    def run(self) -> None:
        place, found = self._place, self._found
        with disk_errors(place.folder, "delete from"):
            # The wish goes before what it wished for: without it nobody takes the rest for an unfinished pull.
            if self._left is not None and self._left != self._receipt:
                write_receipt(place, self._left)
            if not found.root.is_relative_to(place.snapshots):
                self._unlink_all(place.blobs.glob("*.incomplete"))
            elif self._beside:
                self._remove_files()
            else:
                self._remove_whole()
            self._forget()
            release(place)
            trim_written(place)
            _remove_empty(place)

    def _remove_whole(self) -> None:
        """Names first, the listing, the folder in one step, then its blobs."""
        place, root = self._place, self._found.root
        for ref in _files(place.refs):
            if _read(ref) == root.name:
                ref.unlink()
        if is_commit(root.name):
            place.tree(root.name).unlink(missing_ok=True)
        if os.path.lexists(root):
            place.stage.mkdir(parents=True, exist_ok=True)
            away = place.stage / f"removed.{os.getpid()}.{os.urandom(4).hex()}"
            root.rename(away)
            blobs = {
                blob for link in _files(away) if (blob := self._blob_of(link, root / link.relative_to(away)))
            }
            self._count_plain(away)
            shutil.rmtree(away)
        else:
            blobs = set()
        self._unlink_unused(blobs)
        shutil.rmtree(place.folder / ".no_exist" / root.name, ignore_errors=True)

    def _remove_files(self) -> None:
        """Only this model's files: others live in the same snapshot folder."""
        place, root = self._place, self._found.root
        keep = {path for one in self._beside for path in one.files}
        keep.update(path for asked in (self._left.asked if self._left else ()) for path in asked.files)
        if is_commit(root.name):
            # It promises files that will be gone, and an offline reader believes it.
            place.tree(root.name).unlink(missing_ok=True)
        blobs = set()
        for path in sorted(set(self._found.files) - keep):
            link = root / path
            blob = self._blob_of(link, link)
            if blob is not None:
                blobs.add(blob)
            elif link.exists():
                self.freed += link.stat().st_size
            link.unlink(missing_ok=True)
        self._unlink_unused(blobs)

    def _blob_of(self, link: Path, original: Path) -> Path | None:
        """The blob of this repo that a snapshot's link names; None for a file or a link elsewhere."""
        if not link.is_symlink():
            return None
        target = Path(os.path.normpath(original.parent / link.readlink()))
        return target if target.parent == self._place.blobs else None

    def _count_plain(self, folder: Path) -> None:
        self.freed += sum(path.stat().st_size for path in _files(folder) if not path.is_symlink())

    def _unlink_unused(self, blobs: set[Path]) -> None:
        used = {
            blob for link in _files(self._place.snapshots) if (blob := self._blob_of(link, link)) is not None
        }
        for blob in sorted(blobs):
            size = _size(blob)
            if blob in used:
                self.shared += size
                continue
            if blob.is_symlink():
                self.shared += size
            else:
                self.freed += size
            blob.unlink(missing_ok=True)

    def _unlink_all(self, paths: Iterator[Path]) -> None:
        for path in paths:
            self.freed += _size(path)
            path.unlink(missing_ok=True)

    def _forget(self) -> None:
        """Our own partials and piece digests of exactly this model, and the receipt when it was the last."""
        place, before, left = self._place, self._receipt, self._left
        if before is None or left is None:
            return
        for digest in _digests(before) - _digests(left):
            for path in (place.partial(digest), place.journal(digest), place.pieces(digest)):
                if path.is_file():
                    self.freed += path.stat().st_blocks * 512
                    path.unlink()
            # A blob that we published for a pull that never came to its end is in no snapshot.
            self._unlink_unused({place.blob(digest)} if place.blob(digest).exists() else set())
        if not left.asked:
            place.receipt(left.listing.commit).unlink(missing_ok=True)


def _without(receipt: Receipt, found: Snapshot) -> Receipt:
    """The receipt without the wish for this very model; wishes for its neighbours stay."""
    file = None if found.path == found.root else found.path.relative_to(found.root).as_posix()
    kept = tuple(asked for asked in receipt.asked if not asks_for(asked, file))
    return msgspec.structs.replace(receipt, asked=kept)


def _digests(receipt: Receipt) -> set[str]:
    return {file.digest for file in receipt.wanted}


@contextmanager
def _alone(place: RepoPlace) -> Iterator[None]:
    """Holds our pull lock of the repo, and refuses while another tool writes one of its blobs."""
    lock = try_lock(place.pull_lock)
    if lock is None:
        raise InUse(
            f"{place.repo_id} is being pulled by another Ingle process.",
            hint="Cancel the pull, or wait for its end.",
            pid=holder_pid(place.pull_lock),
        )
    try:
        for path in sorted(place.locks.glob("*.lock")):
            held = try_lock(path)
            if held is None:
                raise InUse(
                    f"Another program is writing to {place.folder}.",
                    hint="Wait for it to finish.",
                    pid=holder_pid(path),
                )
            held.release()
        yield
    finally:
        lock.release()


def _remove_empty(place: RepoPlace) -> None:
    """Takes away what the removal left empty; the repo folder only when nothing at all is left in it.

    A repo folder without `snapshots/` is damage to other tools, so that one goes last, with its parent.
    """
    for name in ("trees", "refs", ".no_exist", "blobs"):
        _prune(place.folder / name)
    _prune(place.snapshots, keep_top=True)
    try:
        if {entry.name for entry in place.folder.iterdir()} == {"snapshots"}:
            place.stage.mkdir(parents=True, exist_ok=True)
            away = place.stage / f"removed.{os.getpid()}.{os.urandom(4).hex()}"
            if not any(place.snapshots.iterdir()):
                place.folder.rename(away)
                shutil.rmtree(away)
    except OSError:
        pass
    if not any(_files(place.receipts)) and not any(_files(place.work / "partial")):
        # The lock file stays: another process may be waiting on it.
        for name in ("receipts", "partial", "pieces", "stage"):
            _prune(place.work / name)


def _prune(folder: Path, *, keep_top: bool = False) -> None:
    """Removes empty folders below, and `folder` itself unless `keep_top`."""
    for root, _, _ in os.walk(folder, topdown=False):
        if keep_top and Path(root) == folder:
            continue
        try:
            Path(root).rmdir()
        except OSError:
            continue


def _files(folder: Path) -> Iterator[Path]:
    """Everything below that is no folder: files, links, also links to nothing or to folders."""
    for root, folders, names in os.walk(folder):
        for name in names:
            yield Path(root, name)
        for name in folders:
            if Path(root, name).is_symlink():
                yield Path(root, name)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
