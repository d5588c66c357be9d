"""Writes an improved text into the file it came from, atomically, and keeps the old one beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ingle.errors import NoPermission, StoreError


def replace_with_backup(path: Path, text: str) -> Path:
    """Write `text` to `path`; the file as it was stays as `<name>.bak` (an older backup is replaced).

    At every moment `path` is whole, old or new; its mode is kept, and a link stays a link to the same
    file. Raises `NoPermission` or `StoreError`, and then nothing has changed.
    """
    real = path.resolve()
    backup = real.with_name(real.name + ".bak")
    staged = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        with staged.open("x", encoding="utf-8", newline="") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        shutil.copymode(real, staged)
        if backup.is_dir():
            raise IsADirectoryError(f"{backup} is a folder")
        shutil.copy2(real, backup)
        staged.replace(real)
    except PermissionError as exc:
        raise NoPermission(path, "write") from exc
    except OSError as exc:
        raise StoreError(f"{path} cannot be written: {exc}.", hint="It is as it was.") from exc
    finally:
        staged.unlink(missing_ok=True)
    return backup
