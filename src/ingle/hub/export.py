"""Gives a model as a plain, verified folder outside the cache, for apps that look in a place of their own."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import msgspec

from ingle.catalog.model import DiskState, Snapshot
from ingle.config import Config
from ingle.errors import DiskFull, Incomplete, InvalidRequest
from ingle.hub.copies import EDITABLE, How, bytes_of, can_share, place_copy
from ingle.hub.disk import disk_errors, free_bytes, sync_path
from ingle.hub.health.audit import Audit, check_one, known_files
from ingle.hub.progress import Phase, Progress

MARGIN = 64 << 20  # bytes of disk left free beside what is copied


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Where the folder is; `size` in bytes; `how` counts files by the way they came; `known` is whether
    every file was compared with a digest."""

    folder: Path
    files: tuple[str, ...]
    size: int
    how: dict[str, int]
    known: bool


def export_model(
    config: Config,
    snapshot: Snapshot,
    folder: Path,
    cancel: threading.Event | None = None,
    *,
    link: bool = True,
    shares: Callable[[Path, Path], bool] = can_share,
) -> Generator[Progress, None, Exported]:
    """Fills `folder` with the model's files, all of them checked, and shows it only when it is whole.

    Files are cloned or hard-linked where the file system can, so that it costs no second copy; small ones,
    which people edit, are never linked, and none without `link`: an app that writes into a hard-linked file writes
    into the cache. `shares(file, folder)`: whether a second copy costs no room. A folder that already holds exactly this model is only checked.
    Raises `Incomplete`, `InvalidRequest` for a folder with other things in it, `DiskFull` before the
    first byte, `DigestMismatch` and other damage; then nothing is left in `folder`.
    """
    if snapshot.state is not DiskState.COMPLETE:
        raise Incomplete(snapshot.ref.name, snapshot.missing)
    with disk_errors(folder, "read"):
        target = _meant(folder)
    if _holds(target, snapshot):
        if not link:
            _refuse_linked(target, snapshot)
        checked = yield from _check(config, snapshot, target, cancel)
        if (differs := checked.error()) is not None:
            differs.hint = f"Delete {target}, or name a folder that is empty or not there yet."
            raise differs
        return _exported(snapshot, target, Counter(), not checked.unknown)
    with disk_errors(target, "write to", snapshot.size):
        _refuse_filled(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _need_space(snapshot, target.parent, shares if link else _never)
        staged = target.parent / f".{target.name}.ingle-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            how = yield from _fill(snapshot, staged, cancel, link=link)
            checked = yield from _check(config, snapshot, staged, cancel)
            # What was copied is bad because what it was copied from is: that is what is to be mended.
            error = msgspec.structs.replace(checked, root=snapshot.root).error()
            if error is not None:
                raise error
            for root, _, _ in os.walk(staged):
                sync_path(Path(root))
            if target.is_dir():
                target.rmdir()  # it is empty; a rename onto a folder needs that on macOS too
            staged.rename(target)
            sync_path(target.parent)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return _exported(snapshot, target, how, not checked.unknown)


def _fill(
    snapshot: Snapshot, staged: Path, cancel: threading.Event | None, *, link: bool
) -> Generator[Progress, None, Counter[str]]:
    how: Counter[str] = Counter()
    done = 0
    staged.mkdir()
    for path in snapshot.files:
        target = staged / path
        target.parent.mkdir(parents=True, exist_ok=True)
        for step in place_copy(snapshot.root / path, target, link=link, cancel=cancel):
            if isinstance(step, How):
                how[step] += 1
            done += bytes_of(step, target)
            yield Progress(phase=Phase.PUBLISHING, bytes_done=done, bytes_total=snapshot.size, message=path)
    return how


def _check(
    config: Config, snapshot: Snapshot, folder: Path, cancel: threading.Event | None
) -> Generator[Progress, None, Audit]:
    """Reads what lies in `folder` now."""
    known = known_files(config, snapshot)
    reports, done = [], 0
    for path in snapshot.files:
        report, done = yield from check_one(folder, path, known.get(path), done, snapshot.size, cancel)
        reports.append(report)
    return Audit(ref=snapshot.ref, root=folder, files=tuple(reports), read=done)


def _meant(folder: Path) -> Path:
    """The folder itself, where a person names a link to it: a link cannot be renamed onto."""
    target = folder.absolute()
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def _holds(folder: Path, snapshot: Snapshot) -> bool:
    """Whether the folder holds the model's files, each with its size, and nothing else."""
    if not folder.is_dir():
        return False
    sizes = {path: (snapshot.root / path).stat().st_size for path in snapshot.files}
    present = {
        str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
    return present == sizes


def _refuse_filled(folder: Path) -> None:
    nearest = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not nearest.is_dir():
        raise InvalidRequest(
            f"{nearest} is a file, not a folder.", hint="Name a folder that is not there yet."
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidRequest(f"{folder} is not empty.", hint="Name a folder that is empty or not there yet.")


def _refuse_linked(folder: Path, snapshot: Snapshot) -> None:
    """A copy was asked for, and what is there already is the cache's own files under second names."""
    if any((folder / path).samefile(snapshot.root / path) for path in snapshot.files):
        raise InvalidRequest(
            f"{folder} holds the model already, hard-linked with the cache.",
            hint=f"Delete {folder}, then export again.",
        )


def _never(_file: Path, _folder: Path) -> bool:
    """A copy costs its room: whether the disk can clone is known only when it has been tried."""
    return False


def _need_space(snapshot: Snapshot, parent: Path, shares: Callable[[Path, Path], bool]) -> None:
    files = [snapshot.root / path for path in snapshot.files]
    needed = MARGIN + sum(
        path.stat().st_size for path in files if path.stat().st_size < EDITABLE or not shares(path, parent)
    )
    free = free_bytes(parent)
    if free < needed:
        raise DiskFull(parent, needed, free)


def _exported(snapshot: Snapshot, folder: Path, how: Counter[str], known: bool) -> Exported:
    return Exported(
        folder=folder, files=snapshot.files, size=snapshot.size, how=dict(sorted(how.items())), known=known
    )
