"""Keeps where each piece of a rewritten text came from; pure."""

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
