"""Keeps where each piece of a rewritten or nested text came from; pure."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Translation(NamedTuple):
    """The rewritten text, and two rows of offsets: here, and in the source.

    `whole` is false when the source leaves a quote, a bracket or a block open.
    """

    text: str
    here: list[int]
    there: list[int]
    whole: bool = True

    def original(self, offset: int) -> int:
        at = bisect_right(self.here, offset) - 1
        return self.there[at] + offset - self.here[at] if at >= 0 else offset


class Inner(NamedTuple):
    """Code that stands inside the source: where it begins there, the bytes it was parsed from, its rewriting."""

    start: int
    data: bytes
    translation: Translation | None

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Byte offsets of the parsed code as character offsets of the source."""
        found = [len(self.data[:offset].decode("utf-8", "replace")) for offset in (first, last)]
        if self.translation is not None:
            found = sorted(self.translation.original(offset) for offset in found)
        return self.start + found[0], self.start + found[1]
