"""Starts a daemon in the background, finds the one that runs, and ends it; waits for events, never for time."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ingle.client.address import read_address
from ingle.config import Config, child_environment
from ingle.errors import DaemonUnreachable, IngleError, NoPermission
from ingle.hub.disk import disk_errors

if TYPE_CHECKING:
    from ingle.client.sync import Client

LOG = "daemon.log"


def start_daemon(config: Config) -> Client:
    """A client of this home's daemon, which is started when none answers.

    The daemon has a session of its own, so that Ctrl-C here is not its end, and it leaves by itself
    when idle. Its first line on standard output (or the end of that pipe) is the event waited for. Raises
    what the daemon reported when it could not start.
    """
    with _alone(config.home):
        found = find_daemon(config)
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
        client = Client(config)
        found = client.ask(status())
    except IngleError:
        return None
    return client if found.pid == client.address.pid else None


def end_daemon(config: Config) -> int | None:
    """End this home's daemon and wait until it is gone; its pid, or None when none ran.

    The lock that a daemon holds as long as it lives is what is waited for.
    """
    try:
        lock = (config.home / "daemon.lock").open("a")
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise NoPermission(config.home, "write in") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = read_address(config).pid
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)
            return pid
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
