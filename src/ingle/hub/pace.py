"""Says how long to wait after a failure and how many connections to keep; pure, the caller brings the time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

FIRST_CONNECTIONS = 4
MOST_CONNECTIONS = 16

_BASE = 0.25  # seconds, the wait after a second failure without a byte between
_LONGEST = 30.0  # seconds
_WINDOW = 0.5  # seconds between two looks at the total rate
_RISE = 1.1  # what the total rate must gain for the last connections added to have been worth it


@dataclass
class Backoff:
    """Exponential, with full jitter below half: the failures of one connection since its last byte."""

    random: random.Random
    failures: int = 0

    def arrived(self) -> None:
        """Bytes came: the next failure starts anew."""
        self.failures = 0

    def failed(self, asked: float | None = None) -> float:
        """Seconds to wait now. `asked` is what the hub wants (Retry-After), which is never undercut."""
        self.failures += 1
        if self.failures == 1 and asked is None:
            return 0.0
        wait = min(_LONGEST, _BASE * 2.0 ** min(self.failures - 2, 16))
        wait *= 0.5 + self.random.random() / 2
        return max(wait, asked or 0.0)


@dataclass
class Patience:
    """Gives up when no byte came for `limit` seconds in the whole pull.

    Waits that a hub asked for are not counted, up to `mercy` seconds since the last byte: one that
    answers nothing else is given up too.
    """

    limit: float
    since: float
    mercy: float = 900.0
    _left: float = field(init=False)

    def __post_init__(self) -> None:
        self._left = self.mercy

    def arrived(self, now: float) -> None:
        self.since = max(self.since, now)
        self._left = self.mercy

    def excused(self, until: float) -> None:
        """A hub asked to wait until then."""
        granted = min(self._left, max(0.0, until - self.since))
        self.since += granted
        self._left -= granted

    def told(self, now: float) -> str:
        """How long there was no answer, and how long that is borne."""
        silent = now - self.since
        head = f"No answer for {silent:.0f} s; given" if silent >= 1 else "Given"
        return f"{head} up after {self.limit:.0f} s without an answer."

    def spent(self, now: float) -> bool:
        return now - self.since >= self.limit


@dataclass
class Connections:
    """How many connections to keep: from 4 upwards while the total rate rises, at most 16.

    `look` is told the bytes fetched so far and gives the number wanted from now on.
    """

    most: int = MOST_CONNECTIONS
    wanted: int = FIRST_CONNECTIONS
    _time: float | None = None
    _bytes: int = 0
    _best: float = 0.0

    def __post_init__(self) -> None:
        self.wanted = min(self.wanted, self.most)

    def look(self, now: float, fetched: int) -> int:
        if self._time is None:
            self._time, self._bytes = now, fetched
        if now - self._time < _WINDOW:
            return self.wanted
        rate = (fetched - self._bytes) / (now - self._time)
        self._time, self._bytes = now, fetched
        if rate > self._best * _RISE:
            self._best = rate
            self.wanted = min(self.most, self.wanted + 2)
        return self.wanted

    def refused(self) -> int:
        """The hub says it is asked too often: half as many, and no more are added."""
        self.wanted = self.most = max(1, self.wanted // 2)
        return self.wanted
