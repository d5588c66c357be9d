"""Lets as many completions into llama.cpp as it has slots, or one alone after a failure; runs none itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK = 0.1  # seconds between two looks whether a request that waits was cancelled


class Room:
    """Threads come in with `share`. Who failed for want of memory goes on `alone`, when the others have left
    and while nobody comes in; afterwards it has its share again."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._inside = 0
        self._want_alone = 0
        self._taken = False
        self._changed = threading.Condition()

    @contextmanager
    def share(self, cancelled: threading.Event) -> Iterator[None]:
        """One of the slots; waits for one, because a call that llama.cpp queues cannot be cancelled. Who was
        cancelled while it waited gets none: it has nothing to run any more."""
        with self._changed:
            while (self._closed or self._inside >= self._slots) and not cancelled.is_set():
                self._changed.wait(_LOOK)
            got = not self._closed and self._inside < self._slots
            self._inside += got
        try:
            yield
        finally:
            with self._changed:
                self._inside -= got
                self._changed.notify_all()

    @contextmanager
    def alone(self, cancelled: threading.Event) -> Iterator[bool]:
        """For one who has a share: False when it was cancelled while it waited, and is not alone."""
        with self._changed:
            self._inside -= 1
            self._want_alone += 1
            self._changed.notify_all()
            while (self._inside or self._taken) and not cancelled.is_set():
                self._changed.wait(_LOOK)
            self._want_alone -= 1
            got = not self._inside and not self._taken
            self._taken = self._taken or got
        try:
            yield got
        finally:
            with self._changed:
                if got:
                    self._taken = False
                self._inside += 1
                self._changed.notify_all()

    @property
    def _closed(self) -> bool:
        return self._taken or self._want_alone > 0
