"""Holds what the threads of one transfer share: the files, the queue, how it stands; all under one lock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ingle.hub.journal import Written
from ingle.hub.partial import Partial
from ingle.hub.pieces import PIECE, STALL, Pieces

_NEWS = 5.0  # seconds


class Ledger:
    """One lock guards everything here; three conditions of it keep a thread asleep that has nothing to do.

    `missing` is notified when there are bytes to fetch, `hashable` when a piece waits for its check, `changed`
    when the owner of the transfer or the disk has something to do. `stop` ends every thread; `failure` is
    what ended the transfer; `fetched` counts bytes written.
    """

    def __init__(self, log: Callable[[str], None], stall: float = STALL) -> None:
        lock = threading.RLock()
        self.changed = threading.Condition(lock)
        self.missing = threading.Condition(lock)
        self.hashable = threading.Condition(lock)
        self.stop = threading.Event()
        self.pieces = Pieces(stall)
        self.partials: dict[int, Partial] = {}
        self.finished: deque[Partial] = deque()
        self.failure: BaseException | None = None
        self.fetched = 0
        self._said = ("", 0.0)
        self._log = log

    @property
    def message(self) -> str:
        """The last sentence said, for as long as it is news."""
        text, when = self._said
        return text if time.monotonic() - when < _NEWS else ""

    @property
    def over(self) -> bool:
        """Whether no thread is to begin anything any more."""
        return self.stop.is_set() or self.failure is not None

    @property
    def unsynced(self) -> int:
        """Pieces written and not yet recorded, over all files."""
        return sum(partial.unsynced for partial in self.partials.values())

    def begun(self) -> dict[int, tuple[Written, ...]]:
        """By file, the beginnings of pieces that are written and whose rest is missing. Called under the lock."""
        found: dict[int, tuple[Written, ...]] = {}
        for span in self.pieces.unfinished():
            written = Written(span.start // PIECE, span.start % PIECE, span.crc)
            found[span.file] = (*found.get(span.file, ()), written)
        return found

    def path(self, file: int) -> str:
        """A file's path in the repo, to be shown."""
        partial = self.partials.get(file)
        return partial.file.path if partial is not None else "a file that is whole now"

    def fail(self, error: BaseException) -> None:
        """Ends the transfer with an error; the first one counts."""
        with self.changed:
            if not self.over:
                self.failure = error
            self.wake()

    def wake(self) -> None:
        """Wakes every thread, to see what is no single thread's concern. Called under the lock."""
        for condition in (self.changed, self.missing, self.hashable):
            condition.notify_all()

    def say(self, text: str) -> None:
        """A sentence for people: in the log, and in the next progress."""
        self._said = (text, time.monotonic())
        self._log(text)
