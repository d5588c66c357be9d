"""Decides which bytes are fetched next and by whom; owns no thread, no socket, no clock.

Files are cut on a fixed grid of pieces. Missing runs of bytes wait in one queue; a connection that asks
gets a `Lease` on the first of them. Events go in (`add`, `ask`, `wrote`, `skipped`, `release`, `spoil`,
`judge`, `in_order`), decisions come out. At every moment each missing byte is in the queue or in exactly one lease.
"""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

PIECE = 8 << 20
"""Bytes; the grid of journals and repairs, and the smallest range asked for while there is more."""

STALL = 15.0
"""Seconds without a byte after which a connection is given up."""

LARGEST = 8
"""Pieces in one range at most: a longer one would only be split again by a takeover."""

_REMEMBERED = 16  # finished pieces whose rate a slow connection is compared with
_HOPELESS = 1024  # bytes a second; no link that people pull models over is slower
_WINDOW = 1.0  # seconds over which the rate of a lease is measured
_JUDGED_AFTER = 5.0  # seconds; a slow start is not a slow connection
_FAR_BELOW = 0.1  # of the median of the others: such a lease is worth a new connection
_WORTH_TAKING = 0.25  # of the median: at the end of a pull an idle connection takes its place


@dataclass(frozen=True)
class Span:
    """Bytes [start, stop) of a file. `crc` is the CRC-32 of its first piece before `start`."""

    file: int
    start: int
    stop: int
    crc: int = 0


@dataclass(frozen=True)
class PieceDone:
    """A piece all of whose bytes were written, with their CRC-32."""

    file: int
    index: int
    crc: int


@dataclass
class Lease:
    """What one connection may write: [pos, stop) of a file; `revoked` means not one byte more.

    While `writing` is set a write is under way and the lease is not taken away. `came` counts bytes that
    arrived for it, those included that were there already and had to come before the missing ones.
    """

    file: int
    start: int
    stop: int
    pos: int
    crc: int
    began: float
    heard: float
    revoked: bool = False
    writing: bool = False
    came: int = 0
    _mark: float = 0.0
    _mark_came: int = 0
    _rate: float | None = None

    @property
    def remaining(self) -> int:
        return 0 if self.revoked else self.stop - self.pos

    @property
    def room(self) -> int:
        """Bytes until the end of the lease or of the piece at `pos`, whichever is nearer."""
        return max(0, min(self.stop, (self.pos // PIECE + 1) * PIECE) - self.pos)

    def heard_from(self, now: float) -> None:
        """A byte came, or the wait was ours (a bandwidth limit)."""
        self.heard = now
        if now - self._mark >= _WINDOW:
            self._rate = (self.came - self._mark_came) / (now - self._mark)
            self._mark, self._mark_came = now, self.came

    def rate(self, now: float) -> float:
        """Bytes a second lately, counting a silence as it lasts."""
        since = now - self._mark
        if since >= 2 * _WINDOW or self._rate is None:
            return (self.came - self._mark_came) / since if since > 0 else 0.0
        return self._rate


class Pieces:
    """The queue and the leases of one pull. `stall`: seconds of silence that cost a connection its lease."""

    def __init__(self, stall: float = STALL) -> None:
        self._stall = stall
        self._in_order: set[int] = set()
        self._queue: deque[Span] = deque()
        self._leases: list[Lease] = []
        self._ends: dict[int, int] = {}
        self._queued = 0
        # The last finished pieces: the peers of a lease that is left alone at the end of a pull.
        self._past: deque[tuple[Lease, float]] = deque(maxlen=_REMEMBERED)

    @property
    def queued(self) -> int:
        """Bytes in no lease."""
        return self._queued

    @property
    def leases(self) -> tuple[Lease, ...]:
        return tuple(self._leases)

    @property
    def idle(self) -> bool:
        """Whether no byte is missing any more."""
        return not self._queue and not self._leases

    def add(self, file: int, size: int, spans: tuple[tuple[int, int, int], ...] | None = None) -> None:
        """A file whose bytes `spans` ((start, stop, crc before start); None: all) are missing."""
        self._ends[file] = size
        for start, stop, crc in ((0, size, 0),) if spans is None else spans:
            if start < stop:
                self._queue.append(Span(file, start, stop, crc))
                self._queued += stop - start

    def ask(self, now: float, connections: int) -> Lease | None:
        """A connection is free: its next lease, or None when nothing is worth its while now.

        When the queue is empty the lease that would end last is split, or taken over when it is slow.
        """
        span = self._first_free()
        if span is not None:
            cut = self._cut(span, connections)
            self._queue.remove(span)
            self._queued -= span.stop - span.start
            if cut < span.stop:
                self._put_first(Span(span.file, cut, span.stop))
            return self._lease(Span(span.file, span.start, cut, span.crc), now)
        return self._take_over(now)

    def wrote(self, lease: Lease, count: int, crc: int, now: float) -> PieceDone | None:
        """`count` bytes at `lease.pos` are in the file; `crc` is the piece's CRC-32 up to there."""
        lease.pos += count
        lease.came += count
        lease.crc = crc
        lease.heard_from(now)
        if lease.pos % PIECE and lease.pos != self._ends[lease.file]:
            return None
        lease.crc = 0
        if now > lease.began:
            self._past.append((lease, (lease.pos - lease.start) / (now - lease.began)))
        return PieceDone(lease.file, (lease.pos - 1) // PIECE, crc)

    def skipped(self, lease: Lease, count: int, now: float) -> None:
        """`count` bytes came that lie before `lease.pos`: the server knows no ranges."""
        lease.came += count
        lease.heard_from(now)

    def in_order(self, file: int) -> None:
        """From now on this file has one lease at a time, each from the first missing byte as far as it goes.

        Whoever holds one reads the file from its beginning, so splitting it would only make bytes come twice.
        """
        self._in_order.add(file)
        self._join(file)

    def is_in_order(self, file: int) -> bool:
        """Whether `in_order` was called for it."""
        return file in self._in_order

    def release(self, lease: Lease) -> None:
        """The connection is done with its lease or failed in it; what is left goes to the front."""
        if lease.revoked:
            return
        left = Span(lease.file, lease.pos, lease.stop, lease.crc)
        self._drop(lease)
        self._put_first(left)

    def unfinished(self) -> tuple[Span, ...]:
        """The pieces begun and not done, as what is left of them: a journal can keep their beginning."""
        left = [Span(lease.file, lease.pos, lease.stop, lease.crc) for lease in self._leases]
        # The lease of a file's last piece ends off the grid, and is held a moment longer than it has bytes.
        return tuple(span for span in (*self._queue, *left) if span.start % PIECE and span.start < span.stop)

    def spoil(self, file: int, index: int) -> None:
        """A piece that was thought written is not: it is fetched again, first of all."""
        self._put_first(Span(file, index * PIECE, min((index + 1) * PIECE, self._ends[file])))

    def judge(self, now: float) -> tuple[Lease, ...]:
        """The leases whose connection is to be given up now: silent for too long, or far below its peers."""
        bad = [
            lease
            for lease in self._leases
            if lease.remaining
            and not lease.writing
            and (now - lease.heard >= self._stall or self._far_below(lease, now))
        ]
        for lease in bad:
            self.release(lease)
            lease.revoked = True
        return tuple(bad)

    def _cut(self, span: Span, connections: int) -> int:
        """Where a range that starts a span ends: at most a share of what is left, on the grid."""
        if span.file in self._in_order:
            return span.stop
        share = self._queued // (4 * max(1, connections))
        pieces = max(1, min(LARGEST, share // PIECE))
        return min(span.stop, (span.start // PIECE + pieces) * PIECE)

    def _put_first(self, span: Span) -> None:
        if span.start < span.stop:
            self._queue.appendleft(span)
            self._queued += span.stop - span.start
            if span.file in self._in_order:
                self._join(span.file)

    def _first_free(self) -> Span | None:
        """The first run of bytes that anybody may take; of a file that comes in order only one is out at a time."""
        taken = {lease.file for lease in self._leases} & self._in_order
        return next((span for span in self._queue if span.file not in taken), None)

    def _join(self, file: int) -> None:
        """Puts the runs of a file first, in order, those together that touch each other between two pieces."""
        runs: list[Span] = []
        for span in sorted((one for one in self._queue if one.file == file), key=lambda one: one.start):
            if runs and runs[-1].stop == span.start and span.start % PIECE == 0:
                runs[-1] = Span(file, runs[-1].start, span.stop, runs[-1].crc)
            else:
                runs.append(span)
        self._queue = deque([*runs, *(one for one in self._queue if one.file != file)])

    def _lease(self, span: Span, now: float) -> Lease:
        lease = Lease(span.file, span.start, span.stop, span.start, span.crc, now, now, _mark=now)
        self._leases.append(lease)
        return lease

    def _drop(self, lease: Lease) -> None:
        lease.revoked = True
        self._leases = [one for one in self._leases if one is not lease]

    def _take_over(self, now: float) -> Lease | None:
        open_leases = [lease for lease in self._leases if lease.remaining > 0]
        if not open_leases:
            return None
        last = max(open_leases, key=lambda lease: self._seconds_left(lease, now))
        middle = (last.pos + last.remaining // 2) // PIECE * PIECE
        if middle > last.pos and last.stop - middle >= PIECE and last.file not in self._in_order:
            stop, last.stop = last.stop, middle
            return self._lease(Span(last.file, middle, stop), now)
        if last.writing or now - last.began < _JUDGED_AFTER:
            return None
        if self._left_behind(last, now):
            span = Span(last.file, last.pos, last.stop, last.crc)
            self._drop(last)
            return self._lease(span, now)
        return None

    def _seconds_left(self, lease: Lease, now: float) -> float:
        """How long it would take on; what comes in order counts for nothing as long as it comes at all."""
        rate = lease.rate(now)
        patient = lease.file in self._in_order and rate >= _HOPELESS
        return 0.0 if patient else lease.remaining / (rate + 1.0)

    def _far_below(self, lease: Lease, now: float) -> bool:
        if lease.file in self._in_order:
            return False
        return now - lease.began >= _JUDGED_AFTER and self._below(lease, now, _FAR_BELOW)

    def _below(self, lease: Lease, now: float, part: float) -> bool:
        peers = [one.rate(now) for one in self._leases if one is not lease and now - one.began >= _WINDOW]
        return len(peers) >= 2 and lease.rate(now) < part * statistics.median(peers)

    def _left_behind(self, lease: Lease, now: float) -> bool:
        """Whether a new connection would do better, also when the others are done or there never were any."""
        if lease.file in self._in_order:
            return lease.rate(now) < _HOPELESS
        if self._below(lease, now, _WORTH_TAKING) or now - lease.heard >= _JUDGED_AFTER:
            return True
        past = [rate for other, rate in self._past if other is not lease]
        usual = statistics.median(past) if past else 0.0
        return lease.rate(now) < max(_HOPELESS, usual * _WORTH_TAKING)
