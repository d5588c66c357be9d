"""The daemon's place in `INGLE_HOME`: one daemon a home, and a file that tells clients where it listens.

`daemon.lock` is held (flock) as long as the daemon lives, so a dead one is no obstacle. `daemon.json` (0600)
is written whole or not at all, and removed at the end if it is still ours.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from ingle.config import InForce
from ingle.errors import AlreadyRunning, NoPermission, StoreError


class DaemonFile(msgspec.Struct, frozen=True, kw_only=True):
    """What `daemon.json` says. `started` is seconds since 1970; `token` None when none is asked for;
    `in_force` is what it works with."""

    pid: int
    host: str
    port: int
    token: str | None = None
    version: str = ""
    started: float = 0.0
    in_force: InForce | None = None


def daemon_path(home: Path) -> Path:
    return home / "daemon.json"


def read_daemon(home: Path) -> DaemonFile | None:
    """What the file says, true or not any more; None when there is none that can be read."""
    try:
        return msgspec.json.decode(daemon_path(home).read_bytes(), type=DaemonFile)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class HomeLock:
    """Held from `acquire` until `release` or the end of the process."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._fd: int | None = None

    def acquire(self) -> None:
        """Raises `AlreadyRunning`, which names the daemon of this home, or `NoPermission`."""
        try:
            self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except PermissionError as exc:
            raise NoPermission(self._home, "write in") from exc
        except OSError as exc:
            raise _unusable(self._home, exc) from exc
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise self._taken() from None
        self._fd = fd

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _taken(self) -> AlreadyRunning:
        other = read_daemon(self._home)
        who = f" (pid {other.pid}, {other.host}:{other.port})" if other is not None else ""
        return AlreadyRunning(
            f"Another daemon owns {self._home}{who}.",
            hint="Use that one, end it first, or set INGLE_HOME to another folder.",
            pid=other.pid if other is not None else None,
            port=other.port if other is not None else None,
        )


def write_daemon(home: Path, daemon: DaemonFile) -> None:
    """Atomically, readable by its owner only. Raises `StoreError` when the disk refuses it."""
    beside = home / f"daemon.json.{daemon.pid}"
    try:
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(daemon))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(daemon_path(home))
    except OSError as exc:
        raise _unusable(home, exc) from exc


def _unusable(home: Path, exc: OSError) -> StoreError:
    return StoreError(
        f"{home} cannot be used: {exc.strerror or exc}.",
        hint="Set INGLE_HOME to a folder that can be written.",
        path=str(home),
    )


def remove_daemon(home: Path, pid: int) -> None:
    """Only when it is the one this process wrote."""
    found = read_daemon(home)
    if found is not None and found.pid == pid:
        with contextlib.suppress(OSError):
            daemon_path(home).unlink()
