"""Lets one process at a time pull a repo, and the others watch it instead of failing or fetching twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import suppress

import msgspec
from filelock import BaseFileLock

from ingle.errors import Cancelled
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import holder_pid, try_lock
from ingle.hub.progress import Phase, Progress

_POLL = 0.1  # seconds
_TOLD = 0.4  # seconds between two writes of the progress file
_STALE = 10.0  # seconds after which what it says is not shown as the other's progress any more


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull writes of itself for those who follow it; `key` says of which model."""

    pid: int
    key: str
    time: float
    phase: Phase
    bytes_done: int
    bytes_total: int
    rate: float
    seconds_left: float | None
    message: str


class Teller:
    """Writes the progress file of the pull that holds the repo; a failure to write is no failure to pull."""

    def __init__(self, place: RepoPlace, key: str) -> None:
        self._path = place.progress
        self._key = key
        self._last = 0.0

    def tell(self, progress: Progress) -> None:
        """At most every `_TOLD` seconds."""
        now = time.monotonic()
        if now - self._last < _TOLD:
            return
        self._last = now
        told = Told(
            pid=os.getpid(),
            key=self._key,
            time=time.time(),
            phase=progress.phase,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            rate=progress.rate,
            seconds_left=progress.seconds_left,
            message=progress.message,
        )
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            draft.write_bytes(msgspec.json.encode(told))
            draft.replace(self._path)

    def close(self) -> None:
        """Nobody is to follow a pull that is over."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def read_told(place: RepoPlace) -> Told | None:
    """What the running pull of this repo says; None when there is none, or it has gone silent."""
    try:
        told = msgspec.json.decode(place.progress.read_bytes(), type=Told)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return told if abs(time.time() - told.time) < _STALE else None


def wait_for_turn(
    place: RepoPlace, key: str, cancel: threading.Event
) -> Generator[Progress, None, BaseFileLock]:
    """Gives the repo's lock as soon as it is free; until then yields the progress of who has it.

    A pull of the same model is shown as if it were ours; of another one only a sentence. A holder that
    died has lost the lock. Raises `Cancelled`, `NoPermission`.
    """
    while (lock := try_lock(place.pull_lock)) is None:
        pid = holder_pid(place.pull_lock)
        told = read_told(place)
        if told is not None and told.key == key:
            who = f"another Ingle process ({pid})" if pid else "another Ingle process"
            message = f"Following {who}, which pulls the same model. {told.message}".strip()
            yield Progress(
                phase=told.phase if told.phase is not Phase.DONE else Phase.PUBLISHING,
                bytes_done=told.bytes_done,
                bytes_total=told.bytes_total,
                rate=told.rate,
                seconds_left=told.seconds_left,
                message=message,
            )
        else:
            # A pull of another file, an import, a clean-up, or the script of `--manual`.
            who = f"another program (process {pid})" if pid else "another program"
            who = "another pull or repair of Ingle's" if pid == os.getpid() else who
            yield Progress(phase=Phase.WAITING, message=f"Waiting for {who}, which works on {place.repo_id}.")
        if cancel.wait(_POLL):
            raise Cancelled("Cancelled while another process was pulling.")
    return lock
