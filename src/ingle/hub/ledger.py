"""Holds what the threads of one transfer share: the files, the queue, how it stands; all under one lock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ingle.hub.partial import Partial
from ingle.hub.pieces import Pieces

_NEWS = 5.0  # seconds


class Ledger:
    """`changed` guards everything here and is notified when anything of it changes.

    `stop` ends every thread; `failure` is what ended the transfer; `fetched` counts bytes written.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self.changed = threading.Condition()
        self.stop = threading.Event()
        self.pieces = Pieces()
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

    def path(self, file: int) -> str:
        """A file's path in the repo, to be shown."""
        partial = self.partials.get(file)
        return partial.file.path if partial is not None else "a file that is whole now"

    def fail(self, error: BaseException) -> None:
        """Ends the transfer with an error; the first one counts."""
        with self.changed:
            if not self.over:
                self.failure = error
            self.changed.notify_all()

    def say(self, text: str) -> None:
        """A sentence for people: in the log, and in the next progress."""
        self._said = (text, time.monotonic())
        self._log(text)
