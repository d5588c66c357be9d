"""Reads leases over one connection after another and writes what comes; says what each failure means."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Protocol

from ingle.catalog.listing import ListedFile
from ingle.errors import Cancelled, HubLied, HubUnreachable, IngleError, RateLimited
from ingle.hub.ledger import Ledger
from ingle.hub.limit import RateLimit
from ingle.hub.pace import Backoff, Connections, Patience
from ingle.hub.partial import Partial
from ingle.hub.pieces import Lease

_BUFFER = 1 << 20  # bytes read before they are written: fewer, larger writes
_GATHER = 512 << 10  # a buffer this full is written
_GATHER_SECONDS = 0.25  # and one this old, however empty: a slow link is progress too
_MOST_UNSYNCED = 7  # pieces, 56 MiB: see `_await_disk`
_REST = 0.5  # seconds until a connection without work looks whether another one's should be taken over
_MAX_LIES = 4  # answers in a row that do not fit the plan, for one file, beside one for each open range
_IGNORED = 3  # ranges of a file in a row that got all of it: such a server knows none
_FRUITLESS = 5  # streams in a row that broke off before the first byte that is missing
_LONGEST_WAIT = 900.0  # seconds; a hub that wants more is told as an error


class Stream(Protocol):
    """The body of one range, as `body.Body` gives it."""

    def readinto(self, view: memoryview) -> int: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


OpenRange = Callable[[ListedFile, int, int], Stream]
"""Opens bytes [start, stop) of a file; raises `HubError` kinds, has checked status and headers."""


class Line:
    """What all connections of a transfer have in common: where to ask, how fast, how patiently."""

    def __init__(
        self,
        open_range: OpenRange,
        ledger: Ledger,
        limit: RateLimit | None,
        patience: Patience,
        connections: Connections,
        clock: Callable[[], float],
    ) -> None:
        self.open = open_range
        self.ledger = ledger
        self.limit = limit
        self.patience = patience
        self.connections = connections
        self.clock = clock
        self.streams: dict[int, Stream] = {}
        self.lies: dict[int, int] = {}
        self.ignored: dict[int, int] = {}
        self.fruitless: dict[int, int] = {}
        self.quiet_until = float("-inf")

    def pause(self, until: float) -> None:
        """Nobody opens a range before `until`, on the transfer's clock: the hub wants it. Called under the lock."""
        self.quiet_until = max(self.quiet_until, until)
        self.patience.excused(until)

    def abort(self, lease: Lease) -> None:
        """Breaks the connection that reads a lease, so that its thread wakes up."""
        stream = self.streams.get(id(lease))
        if stream is not None:
            stream.abort()


class Connection:
    """One thread's work; `number` counts from 0, those at or above the number wanted rest."""

    def __init__(self, line: Line, number: int, seed: float) -> None:
        self._line = line
        self._ledger = line.ledger
        self._number = number
        self._backoff = Backoff(random.Random(seed))
        self._buffer = memoryview(bytearray(_BUFFER))

    def run(self) -> None:
        """Works until the transfer is over. Raises only what is no `IngleError`."""
        while (lease := self._next()) is not None:
            wait = 0.0
            try:
                self._fetch(lease)
            except IngleError as exc:
                wait = self._after(exc, lease)
            finally:
                with self._ledger.changed:
                    self._give_back(lease)
            if wait:
                self._ledger.stop.wait(wait)

    def _give_back(self, lease: Lease) -> None:
        """What is left of a lease is anybody's again. Called under the lock."""
        left = lease.remaining
        self._ledger.pieces.release(lease)
        if left:
            self._ledger.missing.notify_all()

    def _next(self) -> Lease | None:
        line, ledger = self._line, self._ledger
        with ledger.changed:
            while not ledger.over:
                if self._number >= line.connections.wanted:
                    ledger.changed.wait(_REST)
                    continue
                quiet = line.quiet_until - line.clock()
                if quiet > 0:
                    ledger.changed.wait(min(quiet, _REST))
                    continue
                lease = ledger.pieces.ask(line.clock(), line.connections.wanted)
                if lease is not None:
                    return lease
                ledger.missing.wait(_REST)
        return None

    def _fetch(self, lease: Lease) -> None:
        partial = self._ledger.partials[lease.file]
        with self._ledger.changed:
            in_order = self._ledger.pieces.is_in_order(lease.file)
        start, stop = (0, partial.file.size) if in_order else (lease.pos, lease.stop)
        stream = self._line.open(partial.file, start, stop)
        with self._ledger.changed:
            self._line.streams[id(lease)] = stream
            if start:
                self._line.ignored.pop(lease.file, None)
        try:
            self._skip(stream, lease, lease.pos - start)
            while lease.remaining > 0 and not self._ledger.over:
                self._await_disk(lease)
                self._fill(stream, lease, partial)
        finally:
            with self._ledger.changed:
                del self._line.streams[id(lease)]
                if in_order:
                    self._count_fruitless(lease)
            stream.close()

    def _skip(self, stream: Stream, lease: Lease, count: int) -> None:
        """Reads past the bytes before the lease that came because the server knows no ranges."""
        while count and lease.remaining > 0 and not self._ledger.over:
            came = self._read(stream, lease, self._buffer[: min(count, len(self._buffer))])
            count -= came
            with self._ledger.changed:
                self._ledger.pieces.skipped(lease, came, self._line.clock())

    def _count_fruitless(self, lease: Lease) -> None:
        """Ends a transfer in which bytes come and never new ones. Called under the lock."""
        times = self._line.fruitless.pop(lease.file, 0) + 1
        if lease.pos > lease.start or not lease.came:
            return
        self._line.fruitless[lease.file] = times
        if times >= _FRUITLESS:
            path = self._ledger.path(lease.file)
            self._ledger.fail(
                HubUnreachable(
                    f"The server of {path} sends it only whole, and broke off {times} times before byte {lease.pos}.",
                    hint="What was fetched is kept. Another network or HF_ENDPOINT may know ranges.",
                )
            )

    def _await_disk(self, lease: Lease) -> None:
        """Lets the disk catch up: what is written and not recorded yet is what a kill costs."""
        ledger = self._ledger
        with ledger.changed:
            while ledger.unsynced >= _MOST_UNSYNCED and not ledger.over and not lease.revoked:
                ledger.changed.wait(0.1)
                lease.heard = self._line.clock()

    def _fill(self, stream: Stream, lease: Lease, partial: Partial) -> None:
        """Reads into the buffer until it is worth writing, and writes it, also when the reading fails."""
        room = min(lease.room, len(self._buffer))
        began = self._line.clock()
        filled = 0
        try:
            while filled < room and filled < _GATHER:
                filled += self._read(stream, lease, self._buffer[filled:room])
                if self._line.clock() - began >= _GATHER_SECONDS:
                    break
        finally:
            if filled:
                self._backoff.arrived()
                self._write(lease, partial, self._buffer[:filled])

    def _read(self, stream: Stream, lease: Lease, view: memoryview) -> int:
        line = self._line
        if line.limit is not None:
            view = view[: line.limit.step]
            if not line.limit.take(len(view), self._ledger.stop):
                raise Cancelled
            lease.heard = line.clock()
        count = 0
        try:
            count = stream.readinto(view)
        finally:
            if line.limit is not None and count < len(view):
                line.limit.give_back(len(view) - count)
        if count == 0:
            raise HubUnreachable("The connection ended before the range did.", cut=True)
        now = line.clock()
        lease.heard = now
        line.patience.arrived(now)
        return count

    def _write(self, lease: Lease, partial: Partial, data: memoryview) -> None:
        ledger = self._ledger
        crc = zlib.crc32(data, lease.crc)
        with ledger.changed:
            if lease.revoked:
                return
            lease.writing = True
        try:
            partial.write(lease.pos, data)
        except BaseException:
            with ledger.changed:
                lease.writing = False
                ledger.changed.notify_all()
            raise
        with ledger.changed:
            lease.writing = False
            if ledger.stop.is_set():  # what was recorded is already settled (see Transfer.close)
                ledger.changed.notify_all()
                return
            ledger.fetched += len(data)
            done = ledger.pieces.wrote(lease, len(data), crc, self._line.clock())
            if done is not None:
                partial.done(done.index, done.crc)
                self._line.lies.pop(lease.file, None)
                ledger.hashable.notify()
                if partial.unsynced:
                    ledger.changed.notify_all()

    def _after(self, error: IngleError, lease: Lease) -> float:
        """What a failure means: seconds to wait before this connection goes on, or the end of the pull."""
        if self._ledger.over or lease.revoked or isinstance(error, Cancelled):
            return 0.0
        now = self._line.clock()
        if isinstance(error, RateLimited):
            return self._told_to_wait(error, now)
        if error.details.get("kind") == "ignored_range" and self._now_in_order(error, lease):
            return 0.0
        if isinstance(error, HubLied):
            lies = self._line.lies[lease.file] = self._line.lies.get(lease.file, 0) + 1
            if lies > _MAX_LIES + len(self._ledger.pieces.leases) or self._line.patience.spent(now):
                self._ledger.fail(error)
                return 0.0
        elif not isinstance(error, HubUnreachable):
            self._ledger.fail(error)
            return 0.0
        if self._line.patience.spent(now):
            self._ledger.fail(self._given_up(error))
            return 0.0
        asked = error.details.get("seconds")
        wait = self._backoff.failed(min(float(asked), _LONGEST_WAIT) if asked else None)
        if asked:
            with self._ledger.changed:
                self._line.pause(now + wait)
        self._ledger.say(
            f"{self._ledger.path(lease.file)}: {error.message} Trying again"
            + (f" in {wait:.1f} s." if wait else ".")
        )
        return wait

    def _now_in_order(self, error: IngleError, lease: Lease) -> bool:
        """Whether the file is to be read from its beginning from now on: the server sends all of it, whatever is asked."""
        ledger, ignored = self._ledger, self._line.ignored
        with ledger.changed:
            if ledger.pieces.is_in_order(lease.file):
                return True
            ignored[lease.file] = ignored.get(lease.file, 0) + 1
            if ignored[lease.file] < _IGNORED:
                return False
            ledger.pieces.in_order(lease.file)
        ledger.say(
            f"{ledger.path(lease.file)}: {error.message} Fetching it in one stream from its beginning instead."
        )
        return True

    def _told_to_wait(self, error: RateLimited, now: float) -> float:
        asked = error.details.get("seconds")
        wait = self._backoff.failed(float(asked) if isinstance(asked, int | float) else 1.0)
        if wait > _LONGEST_WAIT:
            self._ledger.fail(error)
            return 0.0
        if self._line.patience.spent(now):
            self._ledger.fail(self._given_up(error))
            return 0.0
        with self._ledger.changed:
            self._line.connections.refused()
            self._line.pause(now + wait)
        self._ledger.say(f"The hub asks for a pause: {error.message} Going on in {wait:.0f} s.")
        return wait

    def _given_up(self, error: IngleError) -> HubUnreachable:
        return HubUnreachable(
            f"No byte came for {self._line.patience.limit:.0f} s: {error.message}",
            hint="Check the network, then pull again: it goes on where it stopped.",
        )
