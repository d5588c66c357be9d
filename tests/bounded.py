"""A bound on work that counts this test's own work alone, however busy the machine is with other things."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done inside takes less than `seconds` of a processor; waiting for one does not count."""
    begun = time.thread_time()
    yield
    took = time.thread_time() - begun
    assert took < seconds, f"it took {took:.2f} s"
