"""Writes an improved text into the file it came from, atomically, and keeps the old one beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from ingle.errors import Conflict, NoPermission, StoreError

ANY_WRITE = 0o222


def require_writable(path: Path) -> None:
    """Raise `NoPermission` for a file that its owner made read-only, or whose folder takes no new file.

    A replacement could get around the first, and must not.
    """
    real = path.resolve()
    if not real.stat().st_mode & ANY_WRITE or not os.access(real, os.W_OK):
        raise NoPermission(path, "write", hint="The file is read-only: change its mode first.")
    if not os.access(real.parent, os.W_OK):
        raise NoPermission(real.parent, "write in")


def replace_with_backup(path: Path, text: str, *, was: str) -> Path:
    """Write `text` to `path`; the file as it was stays as `<name>.bak` (an older backup is replaced).

    `was` is the text that was read: a file that somebody changed meanwhile is left alone. At every moment
    `path` is whole, old or new; its mode and owner are kept, and a link stays a link to the same file.
    Raises `Conflict`, `NoPermission` or `StoreError`, and then nothing has changed.
    """
    real = path.resolve()
    backup = real.with_name(real.name + ".bak")
    try:
        require_writable(real)
        old = real.read_bytes()
        if old != was.encode():
            raise Conflict(f"{path} was changed meanwhile, so it was left alone.", hint="Run it once more.")
        if backup.is_dir():
            raise IsADirectoryError(f"{backup} is a folder")
        _publish(old, backup, like=real)
        _publish(text.encode(), real, like=real)
    except PermissionError as exc:
        raise NoPermission(path, "write") from exc
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc}.", hint="It is as it was.") from exc
    return backup


def _publish(data: bytes, target: Path, *, like: Path) -> None:
    """Put `data` at `target` in one step, with the mode, owner and extended attributes of `like`."""
    handle, name = tempfile.mkstemp(prefix=".ingle-", dir=target.parent)
    staged = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        facts = like.stat()
        with suppress(PermissionError):  # only a superuser may give a file away
            os.chown(staged, facts.st_uid, facts.st_gid)
        shutil.copystat(like, staged)
        os.utime(staged)  # copystat also took the old times
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)
