"""Reads every byte of a snapshot and compares it with the digest that names its blob; changes nothing.

In the shared cache a file is a link to a blob whose name is its digest (SHA-256, or git's SHA-1 for small
files), so damage shows without the hub. Files elsewhere carry no digest and are only looked for.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

from ingle.catalog.listing import DigestKind
from ingle.catalog.model import ModelRef, Snapshot
from ingle.errors import DigestMismatch, FileMissing
from ingle.hub.progress import Phase, Progress
from ingle.hub.verify import file_digest

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_SHA1 = re.compile(r"[0-9a-f]{40}")


def check_blobs(ref: ModelRef, snapshot: Snapshot, cancel: threading.Event) -> Iterator[Progress]:
    """Yields after each file. Raises `FileMissing`, `DigestMismatch` of the first bad file, `Cancelled`."""
    done = 0
    yield Progress(phase=Phase.VERIFYING, bytes_total=snapshot.size)
    for name in snapshot.files:
        path = snapshot.root / name
        if not path.exists():
            raise FileMissing(path)
        expected = blob_digest(path)
        if expected is not None:
            actual = file_digest(path, expected[0], cancel=cancel)
            if actual != expected[1]:
                raise DigestMismatch(path, expected[1], actual)
        done += path.stat().st_size
        total = max(snapshot.size, done)
        yield Progress(phase=Phase.VERIFYING, bytes_done=done, bytes_total=total, message=name)
    yield Progress(phase=Phase.DONE, bytes_done=done, bytes_total=max(snapshot.size, done), snapshot=snapshot)


def blob_digest(path: Path) -> tuple[DigestKind, str] | None:
    """The digest that the name of the blob behind a link promises; None when it is no such link."""
    if not path.is_symlink():
        return None
    name = path.readlink().name
    if _SHA256.fullmatch(name):
        return DigestKind.SHA256, name
    if _GIT_SHA1.fullmatch(name):
        return DigestKind.GIT_SHA1, name
    return None
