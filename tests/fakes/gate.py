"""Holds back the end of a file until a test has seen what it waits for: a pull cannot be over before."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked

_HANG = 240.0
"""Seconds; a test that holds a request for so long hangs."""


class Gate:
    """Keeps every request for bytes of `path` from byte `start` on waiting until `open`, or until the block is left.

    Whoever asks for such bytes has a connection and no answer yet. `reached` is set when the first one waits.
    What looked at requests before still does, and is alone again after the block.
    """

    def __init__(self, hub: FakeHub, path: str, start: int) -> None:
        self._hub = hub
        self._path = path
        self._start = start
        self._look = hub.before
        self._opened = threading.Event()
        self.reached = threading.Event()

    def __enter__(self) -> Self:
        self._hub.before = self._wait
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open()
        self._hub.before = self._look

    @property
    def is_open(self) -> bool:
        return self._opened.is_set()

    def open(self) -> None:
        """Lets go whoever waits; from now on nobody is held."""
        self._opened.set()

    def _wait(self, asked: Asked) -> None:
        if self._look is not None:
            self._look(asked)
        if asked.method == "GET" and asked.origin == "cdn" and asked.path.endswith(f"/{self._path}"):
            first, _, _ = asked.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
            if int(first) >= self._start:
                self.reached.set()
                self._opened.wait(_HANG)
