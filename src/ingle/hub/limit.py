"""Shares one bandwidth limit between everything that fetches, as a token bucket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_BURST = 0.1  # seconds' worth of bytes that may come at once


class RateLimit:
    """At most `rate` bytes a second over all threads that `take` from it; hand one to several pulls."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = max(1, rate)
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def step(self) -> int:
        """Bytes to ask for at a time, so that several connections share smoothly."""
        return max(1024, min(256 << 10, int(self.rate * _BURST)))

    def take(self, count: int, cancel: threading.Event) -> bool:
        """Waits until `count` bytes may be read. False when `cancel` was set first."""
        with self._lock:
            now = self._clock()
            # The bucket is kept as the moment at which it will be empty of debt.
            self._free_at = max(self._free_at, now - _BURST) + count / self.rate
            wait = self._free_at - now
        return not (cancel.wait(wait) if wait > 0 else cancel.is_set())

    def give_back(self, count: int) -> None:
        """Of the bytes taken so many did not come: a TLS record, say, is shorter than what was asked for."""
        with self._lock:
            self._free_at -= count / self.rate
