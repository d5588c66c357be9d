"""Finds stop strings in text that comes in pieces; what might be the start of one is held back. Pure."""

from __future__ import annotations

from collections.abc import Sequence


class StopFinder:
    """Feed it pieces; it gives back the text that is safe to show.

    A stop string is never part of what comes out, also when it lies across pieces. `matched` is the
    stop string that was found; after that nothing more comes out. Empty strings are ignored.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.matched: str | None = None

    def push(self, text: str) -> str:
        """The text that can be shown now, `text` or earlier held text included."""
        if self.matched is not None:
            return ""
        if not self._stops:
            return text
        self._held += text
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            # the earliest end, as a reader who compares after every character would see it
            at, self.matched = min(found, key=lambda hit: (hit[0] + len(hit[1]), hit[0]))
            safe, self._held = self._held[:at], ""
            return safe
        keep = held_suffix(self._held, self._stops)
        safe = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return safe

    def flush(self) -> str:
        """What was held back, once it is known that nothing more comes."""
        held, self._held = self._held, ""
        return "" if self.matched is not None else held


def held_suffix(text: str, marks: Sequence[str]) -> int:
    """How many characters at the end of `text` could be the start of one of `marks`."""
    longest = 0
    for mark in marks:
        for size in range(min(len(mark) - 1, len(text)), longest, -1):
            if text.endswith(mark[:size]):
                longest = size
                break
    return longest
