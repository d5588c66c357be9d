"""Puts a file's bytes in a second place as cheaply as the file system can: a clone, a hard link, a copy."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from ingle.errors import Cancelled
from ingle.hub.disk import sync_file

_FICLONE = 0x40049409  # <linux/fs.h>: share the blocks until one side is written
_BLOCK = 8 << 20
EDITABLE = 16 << 20
"""Bytes below which a file is never hard-linked: people edit configs, and a link would edit the cache."""


class How(StrEnum):
    """`CLONE` shares blocks until one side changes, `LINK` is the same file, `COPY` costs its size again."""

    CLONE = "clone"
    LINK = "link"
    COPY = "copy"


def clone(source: Path, target: Path) -> bool:
    """Whether a clone could be made; where not, `target` is not there."""
    if sys.platform == "darwin":
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        return bool(library.clonefile(os.fsencode(source), os.fsencode(target), 0) == 0)
    if not sys.platform.startswith("linux"):
        return False
    import fcntl

    with source.open("rb") as origin, target.open("xb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _FICLONE, origin.fileno())
        except OSError:
            target.unlink()
            return False
    return True


def place_copy(
    source: Path,
    target: Path,
    *,
    link: bool,
    cancel: threading.Event | None = None,
    cloned: Callable[[Path, Path], bool] = clone,
) -> Iterator[How | int]:
    """Makes `target` from `source` (links are followed); yields bytes copied, and at the end how it was done.

    `link` allows a hard link for files of `EDITABLE` bytes and more. `cloned(source, target)` says whether it
    could make a clone. Raises `OSError` and `Cancelled`; `target` may then be half there.
    """
    real = source.resolve()
    if cloned(real, target):
        yield How.CLONE
        return
    if link and real.stat().st_size >= EDITABLE:
        try:
            os.link(real, target)
        except OSError:
            pass  # another file system, or one without hard links
        else:
            yield How.LINK
            return
    yield from _copy(real, target, cancel)
    yield How.COPY


def bytes_of(step: How | int, target: Path) -> int:
    """Bytes that a step of `place_copy` brought into place: all of them at once where nothing had to be copied."""
    if isinstance(step, How):
        return 0 if step is How.COPY else target.stat().st_size
    return step


def can_share(source: Path, folder: Path) -> bool:
    """Whether `source` and `folder` lie on one file system, so that a link or clone is likely to do."""
    return source.stat().st_dev == folder.stat().st_dev


def _copy(source: Path, target: Path, cancel: threading.Event | None) -> Iterator[int]:
    with source.open("rb") as origin, target.open("wb") as copy:
        while block := origin.read(_BLOCK):
            copy.write(block)
            yield len(block)
            if cancel is not None and cancel.is_set():
                raise Cancelled("Cancelled while copying.")
        copy.flush()
        sync_file(copy.fileno())
    shutil.copymode(source, target)
    target.chmod(target.stat().st_mode | 0o200)  # a blob of the shared store is read-only, a copy need not be
