"""Fetches the missing bytes of several files over a few connections, and checks them while they arrive.

The decisions are `pieces` and `pace`; the work is done by `connection` and `checker`; here their threads
are started, governed and ended. The owner adds files, calls `tick` about ten times a second and closes.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from typing import Self

import msgspec

from ingle.errors import Cancelled, IngleError
from ingle.hub.checker import Checker
from ingle.hub.connection import Connection, Line, OpenRange
from ingle.hub.ledger import Ledger
from ingle.hub.limit import RateLimit
from ingle.hub.pace import MOST_CONNECTIONS, Connections, Patience
from ingle.hub.partial import Partial
from ingle.hub.pieces import PIECE, STALL

_HASHERS = max(2, min(4, os.cpu_count() or 2))
_SHARE = 64 << 10  # bytes a second of a bandwidth limit that are worth a connection
_DISK = 30.0  # seconds that a write to a hanging disk is waited for
_JOIN = 0.6  # seconds for all threads together to notice that it is over


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """What a test or a bench may turn. `patience`: seconds without any byte before a pull gives up.

    `stall`: seconds without a byte before one connection is given up.
    Without `verify` nothing is hashed: only a bench may want that, to measure what hashing costs.
    """

    patience: float = 180.0
    stall: float = STALL
    connections: int = MOST_CONNECTIONS
    seed: int | None = None
    verify: bool = True


class Transfer:
    """Owns the threads of one pull. A context manager: leaving it ends them and keeps what was written."""

    def __init__(
        self,
        open_range: OpenRange,
        *,
        cancel: threading.Event,
        limit: RateLimit | None = None,
        log: Callable[[str], None] = lambda _line: None,
        tuning: Tuning | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        tuning = tuning or Tuning()
        self._cancel = cancel
        self._clock = clock
        self._random = random.Random(tuning.seed)
        self._ledger = Ledger(log, tuning.stall)
        self._log = log
        # Under a limit each connection waits for its share; few of them wait shorter.
        most = tuning.connections if limit is None else min(tuning.connections, limit.rate // _SHARE)
        self._connections = Connections(most=max(1, most))
        self._patience = Patience(tuning.patience, clock())
        self._line = Line(open_range, self._ledger, limit, self._patience, self._connections, clock)
        self._checker = Checker(self._ledger, clock)
        self._threads: list[threading.Thread] = []
        self._workers = 0
        self._next_file = 0

    def __enter__(self) -> Self:
        self._start(self._checker.sync_loop, "sync")
        for number in range(_HASHERS):
            self._start(self._checker.hash_loop, f"hash-{number}")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def fetched(self) -> int:
        """Bytes written since the start."""
        return self._ledger.fetched

    @property
    def message(self) -> str:
        """What happened last that a person may want to know."""
        return self._ledger.message

    @property
    def queued(self) -> int:
        """Bytes that no connection works on yet."""
        with self._ledger.changed:
            return self._ledger.pieces.queued

    @property
    def busy(self) -> bool:
        """Whether bytes are still missing; if not, only hashing is left."""
        with self._ledger.changed:
            return not self._ledger.pieces.idle

    @property
    def open_files(self) -> int:
        """Files that were added and have not come back from `tick`."""
        with self._ledger.changed:
            return len(self._ledger.partials) + len(self._ledger.finished)

    def add(self, partial: Partial) -> None:
        """Takes a file on; it comes back from `tick` when every byte is there and right."""
        ledger = self._ledger
        with ledger.changed:
            number, self._next_file = self._next_file, self._next_file + 1
            ledger.partials[number] = partial
            missing = partial.missing()
            ledger.pieces.add(number, partial.file.size, missing)
            if missing:
                ledger.missing.notify(1 if partial.file.size <= PIECE else MOST_CONNECTIONS)
            if partial.has_next():
                ledger.hashable.notify()

    def tick(self, seconds: float) -> list[Partial]:
        """Waits up to `seconds` for something to happen and gives the files that are whole now.

        Raises what ended the transfer: a `HubError` that will not change by asking again, a `StoreError`,
        `HubUnreachable` after `Tuning.patience` without a byte, `Cancelled`.
        """
        ledger = self._ledger
        self._govern()
        with ledger.changed:
            ledger.changed.wait_for(
                lambda: ledger.finished or ledger.failure or ledger.stop.is_set(), seconds
            )
            if self._cancel.is_set():
                raise Cancelled("The pull was cancelled; what was fetched is kept.")
            if ledger.failure is not None:
                raise ledger.failure
            found = list(ledger.finished)
            ledger.finished.clear()
        return found

    def close(self) -> None:
        """Ends every thread and records what is on disk; nothing is written after it returns."""
        ledger = self._ledger
        ledger.stop.set()
        with ledger.changed:
            begun = ledger.begun()
            streams = list(self._line.streams.values())
            leases = ledger.pieces.leases
            for lease in leases:
                lease.revoked = True
            ledger.wake()
        for stream in streams:
            stream.abort()
        with ledger.changed:  # a revoked lease begins no write; those under way end with the disk
            ledger.changed.wait_for(lambda: not any(lease.writing for lease in leases), _DISK)
        self._join()
        for number, partial in [*ledger.partials.items(), *((-1, partial) for partial in ledger.finished)]:
            try:
                partial.sync(begun.get(number, ()))
            except IngleError as exc:
                self._log(f"could not record what was fetched of {partial.file.path}: {exc}")
            finally:
                partial.close()
        ledger.partials.clear()
        ledger.finished.clear()

    def _join(self) -> None:
        deadline = self._clock() + _JOIN
        for thread in self._threads:
            thread.join(timeout=max(0.0, deadline - self._clock()))

    def _govern(self) -> None:
        """Gives up connections that do nothing, and starts those that are wanted."""
        now = self._clock()
        ledger = self._ledger
        with ledger.changed:
            for lease in ledger.pieces.judge(now):
                ledger.say(
                    f"{ledger.path(lease.file)}: a connection stalled or fell far behind the others; trying another"
                )
                self._line.abort(lease)
                ledger.missing.notify_all()
            wanted = self._connections.look(now, ledger.fetched)
            if ledger.pieces.idle:
                self._patience.arrived(now)  # hashing, or waiting for another program: nothing to come
                return
            # Never more connections than ranges that could be asked for.
            ranges = len(ledger.pieces.leases) + -(-ledger.pieces.queued // PIECE)
            for _ in range(min(wanted, max(1, ranges)) - self._workers):
                connection = Connection(self._line, self._workers, self._random.random())
                self._start(connection.run, f"fetch-{self._workers}")
                self._workers += 1

    def _start(self, work: Callable[[], None], name: str) -> None:
        def guarded() -> None:
            try:
                work()
            except BaseException as exc:  # noqa: BLE001 - a thread's end must reach the owner, whatever it was
                self._ledger.fail(exc)

        thread = threading.Thread(target=guarded, name=f"ingle-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()
