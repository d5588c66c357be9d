"""Gives one writer at a time to a file or a repo, across processes and tools, and says who is waited for.

Our locks are `filelock` locks, the kind huggingface_hub takes on the same paths; the kernel drops a dead
holder's lock, so it is no obstacle. What changes in a blob while its lock is ours, we wrote; that is recorded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from ingle.errors import Cancelled
from ingle.hub.disk import disk_errors
from ingle.hub.written import Watch, watch

_POLL = 0.1  # seconds; a cancel is noticed at once, a freed lock within this


class _Lock(FileLock):
    """The same lock, which before its release has the blob it guards looked at."""

    watch: Watch | None = None

    def release(self, force: bool = False) -> None:
        """Gives the lock back; a record of what was written under it is made first."""
        if self.watch is not None and self.is_locked:
            self.watch.end()
            self.watch = None
        super().release(force)


def try_lock(path: Path) -> BaseFileLock | None:
    """Takes the lock now, or gives None when somebody else has it. Release it with `release()`.

    Raises `NoPermission`, `DiskFull` or `StoreError` when the lock file cannot be made.
    """
    with disk_errors(path, "lock"):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _Lock(path, mode=0o664, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return None
        except NotImplementedError:  # a file system without flock: what huggingface_hub falls back to
            soft = SoftFileLock(path, mode=0o664, thread_local=False)
            try:
                soft.acquire(blocking=False)
            except Timeout:
                return None
            return soft
        lock.watch = watch(path)
    return lock


@contextmanager
def hold(
    path: Path, cancel: threading.Event, on_wait: Callable[[int | None], None] = lambda _pid: None
) -> Iterator[bool]:
    """Holds the lock during the block; gives True when somebody else had it first.

    While it waits, `on_wait(pid of the holder, None where the system does not tell)` is called every
    `_POLL` seconds. Raises `Cancelled` when `cancel` is set first.
    """
    waited = False
    while (lock := try_lock(path)) is None:
        waited = True
        on_wait(holder_pid(path))
        if cancel.wait(_POLL):
            raise Cancelled("Cancelled while another program was writing the same file.")
    try:
        yield waited
    finally:
        lock.release()


def holder_pid(path: Path) -> int | None:
    """The process that holds the lock on `path`, from the kernel's table; None where it has none (macOS).

    A shell has its lock taken by `flock`, which the table names and which is gone by then: whoever has
    the file open holds it.
    """
    try:
        found = path.stat()
        table = Path("/proc/locks").read_text()
    except OSError:
        return None
    # 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF; the device is major:minor in hex (proc(5))
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    for line in table.splitlines():
        fields = line.split()
        if len(fields) >= 6 and fields[5] == place and fields[1] == "FLOCK" and fields[4].isdigit():
            pid = int(fields[4])
            return pid if Path(f"/proc/{pid}").exists() else _first_opener(found)
    return None


def _first_opener(wanted: os.stat_result) -> int | None:
    """The oldest process, by its number, that has this file open, as far as one may look; never this one."""
    others = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}  # noqa: PTH208  # names only
    for pid in sorted(others):
        with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    if os.path.samestat(entry.stat(), wanted):
                        return pid
    return None
