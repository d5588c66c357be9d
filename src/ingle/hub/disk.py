"""Makes bytes and names durable on the local disk, and says its errors in our words."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from ingle.errors import DiskFull, IngleError, NoPermission, StoreError

_F_FULLFSYNC = 51  # <sys/fcntl.h> on macOS: fsync alone leaves data in the drive's own cache there
_F_PREALLOCATE, _F_ALLOCATEALL, _F_PEOFPOSMODE = 42, 4, 3  # <sys/fcntl.h> on macOS
_FLUSHES = 8  # at once: a disk then serves several with one write of its own journal
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def free_bytes(path: Path) -> int:
    """Bytes an ordinary user may still write where `path` lies or will lie."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return shutil.disk_usage(path).free


@contextmanager
def disk_errors(path: Path, doing: str, needed: int = 0) -> Iterator[None]:
    """Turns an `OSError` of the block into `DiskFull`, `NoPermission` or `StoreError` about `path`."""
    try:
        yield
    except IngleError:
        raise
    except OSError as exc:
        raise typed_disk_error(exc, path, doing, needed) from exc


def typed_disk_error(exc: OSError, path: Path, doing: str, needed: int = 0) -> StoreError:
    """The `StoreError` that says what `exc` means; `doing` is a verb with its object's place last."""
    if exc.errno in _FULL:
        return DiskFull(path, needed, free_bytes(path) if path.parent.exists() else 0)
    if exc.errno in _DENIED:
        return NoPermission(exc.filename or path, doing)
    return StoreError(f"Could not {doing} {path}: {exc.strerror or exc}.", path=str(path), errno=exc.errno)


def sync_file(descriptor: int) -> None:
    """Returns when the file's bytes and size survive a power cut."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, _F_FULLFSYNC)
        except OSError:  # network and FUSE volumes do not know it
            os.fsync(descriptor)
    else:
        os.fsync(descriptor)


def sync_data(descriptor: int) -> None:
    """Like `sync_file`, without the metadata that reading the bytes back does not need."""
    if sys.platform == "darwin":
        sync_file(descriptor)
    else:
        os.fdatasync(descriptor)


def preallocate(descriptor: int, size: int) -> None:
    """Gives the file `size` bytes and the disk blocks for them, so that a full disk is met early.

    Where a file system cannot reserve, the file only gets its size. Raises `OSError` when it is full.
    """
    if os.fstat(descriptor).st_size > size:
        os.ftruncate(descriptor, size)
    try:
        if sys.platform == "darwin":
            import fcntl

            # struct fstore of <sys/fcntl.h>: flags, mode, offset, length, bytes allocated
            request = struct.pack("Iiqqq", _F_ALLOCATEALL, _F_PEOFPOSMODE, 0, size, 0)
            fcntl.fcntl(descriptor, _F_PREALLOCATE, request)
        else:
            os.posix_fallocate(descriptor, 0, size)
    except OSError as exc:
        if exc.errno in _FULL:
            raise
    os.ftruncate(descriptor, size)


def sync_path(path: Path) -> None:
    """Makes a file's bytes, or a folder's names, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        sync_file(descriptor)
    except OSError as exc:
        # Some file systems refuse fsync on a folder; their renames are ordered anyway.
        if not (path.is_dir() and exc.errno in {errno.EINVAL, errno.ENOTSUP}):
            raise
    finally:
        os.close(descriptor)


def sync_files(paths: Sequence[Path]) -> None:
    """Returns when the bytes of all these files survive a power cut. Their flushes overlap, `_FLUSHES` at once.

    Raises the first `OSError` that any of them met.
    """
    if len(paths) == 1:
        sync_path(paths[0])
        return
    with ThreadPoolExecutor(_FLUSHES, thread_name_prefix="ingle-flush") as pool:
        list(pool.map(_hand_over, paths))
    if sys.platform == "darwin" and paths:
        # There fsync only hands the bytes to the drive; one full flush empties its cache of all of them.
        sync_path(paths[-1])


def _hand_over(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes, stage: Path) -> None:
    """Replaces `path` by `content` in one step; the half-written file lies in `stage`, never beside it."""
    stage.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = stage / f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            sync_file(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_path(path.parent)


def default_mode(folder: Path) -> int:
    """The mode a new file gets here under the process's umask (which cannot be read without changing it)."""
    probe = folder / f"mode.{os.getpid()}.{os.urandom(4).hex()}"
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        return os.fstat(descriptor).st_mode & 0o777
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
