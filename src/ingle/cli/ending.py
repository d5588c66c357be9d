"""Ends the daemon of a home: asks it to leave, waits for that within a bound, and kills it where that is wanted.

It holds `daemon.lock` as long as it lives and lets that go a moment before its process is gone: both are waited for.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from ingle.cli.launch import LOOK, noted_pid, opened, take
from ingle.client.address import daemon_file
from ingle.config import Config
from ingle.errors import NoPermission, StillRunning

BOUND = 30.0
"""Seconds that a daemon gets to leave: running answers take three of them, pulls ten, the workers' processes the rest."""
KILLED = 15.0
"""Seconds that the system gets to take away what was killed; one that waits for a disk that is gone takes for ever."""
REAPED = 2.0
"""Seconds that the parent of a daemon that has ended gets to take it out of the table; a system's first process takes one."""


def end_daemon(
    config: Config,
    holder: Callable[[Path], int | None] | None = None,
    send: Callable[[int, int], None] = os.kill,
    *,
    limit: float = BOUND,
    force: bool = False,
    after: float = KILLED,
) -> int | None:
    """End this home's daemon, also one that only starts, and wait until it is gone; its pid, or None when none ran.

    Who it is its note tells, once it is written, and `holder` before (None: the system is asked, which on Linux knows).
    `send(pid, signal)` asks it to leave; what is still there after `limit` seconds is killed with `force` (its workers end
    with it), and must be gone within `after` more. Raises `StillRunning` for what stays, `NoPermission` where it is
    another person's.
    """
    from ingle.hub.locks import holder_pid

    path = config.home / "daemon.lock"
    with suppress(FileNotFoundError), opened(path) as lock:
        until = time.monotonic() + limit
        pid = _who(config, lock, lambda: (holder or holder_pid)(path), until)
        if pid is None:
            return None
        leaving = _Leaving(lock, pid)
        _signal(pid, signal.SIGTERM, send)
        if leaving.over(until):
            return pid
        if not force:
            raise StillRunning(pid, hint=f"`ingle serve --stop --force` kills it; so does `kill -9 {pid}`.")
        _signal(pid, signal.SIGKILL, send)
        if not leaving.over(time.monotonic() + after):
            raise StillRunning(pid, hint="The system does not let it go: it waits for a disk, most likely.")
        if noted_pid(config) in (None, pid):
            daemon_file(config.home).unlink(missing_ok=True)  # it had no time to do so itself
        return pid
    return None


def _who(config: Config, lock: IO[str], holder: Callable[[], int | None], until: float) -> int | None:
    """The pid of who has the lock; None once nobody has it."""
    while not take(lock):
        pid = noted_pid(config) or holder()
        if pid is not None:
            return pid
        if time.monotonic() > until:
            raise StillRunning(None, hint=f"`lsof {lock.name}` names who has that file open.")
        time.sleep(LOOK)
    return None


def _signal(pid: int, signum: int, send: Callable[[int, int], None]) -> None:
    try:
        send(pid, signum)
    except PermissionError as exc:
        hint = f"It was begun by another user of this machine: `sudo kill {pid}` ends it."
        raise NoPermission(f"the daemon (pid {pid})", "end", hint=hint) from exc
    except ProcessLookupError:
        pass  # it has just left by itself


class _Leaving:
    """The end of one very process, whatever has its number later; it is not reaped, that is its parent's."""

    def __init__(self, lock: IO[str], pid: int) -> None:
        import psutil

        self._lock = lock
        self._zombie_since: float | None = None
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self._process = None

    def over(self, until: float) -> bool:
        """Whether it has let its home go and is gone, which is waited for until then. The home is free for the next at once."""
        while not self._lock.closed:
            if take(self._lock):
                self._lock.close()
            elif time.monotonic() > until:
                return False
            else:
                time.sleep(LOOK)
        while not self._gone():
            if time.monotonic() > until:
                return False
            time.sleep(LOOK)
        return True

    def _gone(self) -> bool:
        import psutil

        if self._process is None:
            return True
        try:
            if not self._process.is_running():
                return True
            if self._process.status() != psutil.STATUS_ZOMBIE:
                return False
            self._zombie_since = self._zombie_since or time.monotonic()
            return self._process.ppid() == os.getpid() or time.monotonic() - self._zombie_since > REAPED
        except psutil.Error:
            return True
