"""Hashes what a transfer has written, behind its write frontier, and makes it durable in batches."""

from __future__ import annotations

import time
from collections.abc import Callable

from ingle.errors import HubLied
from ingle.hub.ledger import Ledger
from ingle.hub.partial import Check, Partial

_SYNC_SECONDS = 1.0
_SYNC_PIECES = 2  # written and not yet recorded: with the batch under way 32 MiB, which a kill can cost
_BEGUN_SECONDS = 2.0  # what a kill costs of a slow line, whose pieces take minutes to be done
_MAX_WRONG = 2  # times a whole file may come out wrong


class Checker:
    """`hash_loop` may run in several threads, `sync_loop` in one; both end when the ledger's `stop` is set."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._busy: set[int] = set()
        self._wrong: dict[int, int] = {}

    def hash_loop(self) -> None:
        """Hashes the next piece of any file whose frontier has one, for as long as there is a transfer."""
        while (number := self._next()) is not None:
            partial = self._ledger.partials[number]
            found = partial.check()
            with self._ledger.changed:
                self._busy.discard(number)
                self._take(number, partial, found)

    def _next(self) -> int | None:
        ledger = self._ledger
        with ledger.changed:
            while not ledger.stop.is_set():
                for number, partial in ledger.partials.items():
                    if number not in self._busy and partial.has_next():
                        self._busy.add(number)
                        return number
                ledger.hashable.wait(0.5)
        return None

    def _take(self, number: int, partial: Partial, found: Check) -> None:
        ledger = self._ledger
        if found is Check.SPOILED:
            ledger.say(
                f"{partial.file.path}: a piece on disk changed since it was written; fetching it again"
            )
            ledger.pieces.spoil(number, partial.frontier)
            ledger.missing.notify_all()
        elif found is Check.WHOLE:
            del ledger.partials[number]
            ledger.finished.append(partial)
            ledger.changed.notify_all()
        elif found is Check.WRONG:
            self._came_wrong(number, partial)

    def _came_wrong(self, number: int, partial: Partial) -> None:
        ledger = self._ledger
        times = self._wrong[number] = self._wrong.get(number, 0) + 1
        partial.restart()
        path = partial.file.path
        if times >= _MAX_WRONG:
            error = HubLied(
                f"The hub sent {path} {times} times with the listed length and a wrong content.",
                hint="A mirror or proxy may be altering files: try another HF_ENDPOINT or network.",
                kind="digest",
                path=path,
                expected=partial.file.digest,
            )
            ledger.fail(error)
            return
        ledger.say(f"{path}: what came has not the listed digest; fetching it again")
        ledger.pieces.add(number, partial.file.size, partial.missing())
        ledger.missing.notify_all()

    def sync_loop(self) -> None:
        """Records what was written, once a second or when enough waits, and now and then what is begun."""
        last = looked = self._clock()
        ledger = self._ledger
        while not ledger.stop.is_set():
            with ledger.changed:
                ledger.changed.wait(_SYNC_SECONDS)
                now = self._clock()
                due = now - last >= _SYNC_SECONDS
                begun = ledger.begun() if now - looked >= _BEGUN_SECONDS else None
                waiting = [
                    (partial, begun.get(number, ()) if begun else ())
                    for number, partial in ledger.partials.items()
                    if (partial.unsynced and (due or partial.unsynced >= _SYNC_PIECES))
                    or (begun and number in begun)
                ]
            for partial, beginnings in waiting:
                if not ledger.stop.is_set():
                    partial.sync(beginnings)
            if waiting:
                with ledger.changed:  # connections may be waiting for the disk
                    ledger.changed.notify_all()
            if due:
                last = self._clock()
            if begun is not None:
                looked = self._clock()
