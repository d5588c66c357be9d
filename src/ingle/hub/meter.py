"""Turns byte counts into the progress people see: monotonic, smoothed, at most ten times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec

from ingle.hub.progress import Phase, Progress

_MEMORY = 4.0  # seconds over which the rate is smoothed
_GAP = 0.1  # seconds between two events


class Meter:
    """The counts of one pull; `at` makes the next `Progress`."""

    def __init__(self, total: int, done: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self._clock = clock
        self._done = done
        self._samples: list[tuple[float, int]] = [(clock(), done)]

    def at(self, phase: Phase, done: int, message: str = "") -> Progress:
        """`done` bytes of the plan are here; a smaller number than before is shown as the earlier one."""
        now = self._clock()
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > _MEMORY:
            self._samples.pop(0)
        began, had = self._samples[0]
        rate = max(0.0, (done - had) / (now - began)) if now > began else 0.0
        self._done = max(self._done, min(done, self.total))
        left = (self.total - self._done) / rate if rate > 0 and phase is Phase.FETCHING else None
        return Progress(
            phase=phase,
            bytes_done=self._done,
            bytes_total=self.total,
            rate=rate,
            seconds_left=left,
            message=message,
        )


def paced(events: Iterator[Progress], clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """The events at most ten a second, the last one always; bytes and totals never go down."""
    last = -_GAP
    done = total = 0
    for event in events:
        done, total = max(done, event.bytes_done), max(total, event.bytes_total)
        now = clock()
        if event.phase is Phase.DONE or now - last >= _GAP:
            last = now
            yield msgspec.structs.replace(event, bytes_done=done, bytes_total=total)
