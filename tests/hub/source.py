"""Files in memory that a transfer can fetch from, and that fail on cue."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ingle.catalog.listing import ListedFile
from ingle.errors import HubUnreachable


class _Body:
    """A range of bytes in memory; `fault` is asked before each read how many bytes may still come."""

    def __init__(self, data: memoryview, fault: Callable[[int], None], silent: bool = False) -> None:
        self._data = data
        self._fault = fault
        self._silent = silent
        self._at = 0
        self._broken = threading.Event()

    def readinto(self, view: memoryview) -> int:
        self._fault(self._at)
        if self._silent:
            self._broken.wait(60)
        if self._broken.is_set():
            raise HubUnreachable("broken")
        count = min(len(view), len(self._data) - self._at, 100_000)
        view[:count] = self._data[self._at : self._at + count]
        self._at += count
        return count

    def close(self) -> None:
        self._broken.set()

    def abort(self) -> None:
        self._broken.set()


class Source:
    """Files in memory. `refuse` is called at each opening, `fault` before each read; both may raise."""

    def __init__(self, **contents: bytes) -> None:
        self._contents = contents
        self.refuse: Callable[[ListedFile, int], None] = lambda _file, _start: None
        self.fault: Callable[[int], None] = lambda _at: None
        self.asked: list[tuple[str, int, int]] = []
        self.silent = 0  # so many of the next ranges bring nothing until they are broken off
        self._counting = threading.Lock()

    def open(self, file: ListedFile, start: int, stop: int) -> _Body:
        self.asked.append((file.path, start, stop))
        self.refuse(file, start)
        with self._counting:
            silent, self.silent = self.silent > 0, self.silent - 1
        return _Body(memoryview(self._contents[file.path])[start:stop], self.fault, silent)
