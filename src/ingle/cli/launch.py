"""Starts a daemon in the background, and finds the one that runs.

A daemon holds `daemon.lock` in its home as long as it lives; one that starts or leaves answers nobody.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ingle.client.address import daemon_file, read_address
from ingle.config import Config, child_environment
from ingle.errors import DaemonUnreachable, IngleError
from ingle.hub.disk import disk_errors, typed_disk_error

if TYPE_CHECKING:
    from ingle.client.sync import Client

LOG = "daemon.log"
PATIENCE = 15.0
"""Seconds a daemon that starts or leaves is waited for; a start takes one, a leave at most three."""
LOOK = 0.05
"""Seconds between two looks at it: neither gives a sign that another process could wait for."""


def start_daemon(config: Config) -> Client:
    """A client of this home's daemon, which is started when none answers.

    The daemon has a session of its own, so that Ctrl-C here is not its end, and it leaves by itself
    when idle. Its first line on standard output (or the end of that pipe) is the event waited for. Raises
    what the daemon reported when it could not start.
    """
    with _alone(config.home):
        found = _settled(config)
        if found is not None:
            return found
        _spawn(config)
    found = find_daemon(config)
    if found is None:
        raise DaemonUnreachable(
            "The daemon started and is gone again.", hint=f"Its last words are in {config.logs / LOG}."
        )
    return found


def find_daemon(config: Config) -> Client | None:
    """A client of this home's daemon when one answers.

    What answers as something else on a port that a dead daemon once had is not ours.
    """
    from ingle.client.api import status
    from ingle.client.sync import Client

    try:
        client = Client(address=read_address(config))
        found = client.ask(status())
    except IngleError:
        return None
    return client if found.pid == client.address.pid else None


def left_in_order(config: Config, pid: int) -> bool:
    """Whether the daemon with this pid is gone and has tidied up; one that is about to go is waited for."""
    until = time.monotonic() + PATIENCE
    with suppress(FileNotFoundError), opened(config.home / "daemon.lock") as lock:
        while not take(lock):
            if time.monotonic() > until:
                return False
            time.sleep(LOOK)
    try:
        return read_address(config).pid != pid
    except DaemonUnreachable:
        return not daemon_file(config.home).exists()


def _settled(config: Config) -> Client | None:
    """The daemon that answers; None once nobody has this home, or whoever has it stays silent."""
    until = time.monotonic() + PATIENCE
    while True:
        found = find_daemon(config)
        if found is not None:
            return found
        try:
            with opened(config.home / "daemon.lock") as lock:
                if take(lock):
                    return None
        except FileNotFoundError:
            return None
        if time.monotonic() > until:
            return None
        time.sleep(LOOK)


@contextmanager
def opened(lock: Path) -> Iterator[IO[str]]:
    """The lock file, which must be there. Closing it lets the lock go."""
    try:
        file = lock.open("r+")
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise typed_disk_error(exc, lock.parent, "write in") from exc
    with file:
        yield file


def take(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def noted_pid(config: Config) -> int | None:
    """The pid in the daemon's note, unless a later process has that number by now."""
    import psutil

    try:
        pid = read_address(config).pid
        written = daemon_file(config.home).stat().st_mtime
        return pid if psutil.Process(pid).create_time() <= written + 1 else None
    except (DaemonUnreachable, OSError, psutil.Error):
        return None


def _spawn(config: Config) -> None:
    with _log(config) as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingle.cli.entry", "serve", "--background", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=config.home,
            env=child_environment({"INGLE_HOME": str(config.home), "HF_HUB_CACHE": str(config.cache)}),
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as said:
        first = said.readline()
        if b'"port"' in first:
            process.returncode = 0  # it lives on and is not ours to wait for
            return
        rest = said.read()
    code = process.wait()
    raise _why(first + rest, code, config)


def _why(said: bytes, code: int, config: Config) -> IngleError:
    try:
        return IngleError.from_dict(json.loads(said)["error"])
    except (ValueError, KeyError, TypeError):
        return DaemonUnreachable(
            f"The daemon could not start (exit code {code}).",
            hint=f"Its last words are in {config.logs / LOG}; `ingle serve` shows them here.",
        )


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One starter at a time: the second waits here, and then finds the daemon of the first."""
    with disk_errors(home, "write in"):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (home / "start.lock").open("w")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _log(config: Config) -> IO[bytes]:
    with disk_errors(config.logs, "write in"):
        config.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (config.logs / LOG).open("ab")
