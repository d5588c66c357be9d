"""Sees when a sequence of tokens repeats itself without end, by their text, which every engine tells. Pure."""

from __future__ import annotations

from collections import deque

LONGEST_PERIOD = 64
"""Tokens. A repeated paragraph of a small model is rarely longer; each token costs one pass over it."""

REPEATS = 4
SHORTEST_RUN = 24
"""A cycle must come back `REPEATS` times over at least `SHORTEST_RUN` tokens: "ha ha ha ha" passes."""


class LoopDetector:
    """For each period up to `LONGEST_PERIOD`: how long have the tokens equalled those one period ago?"""

    def __init__(self) -> None:
        self._recent: deque[str] = deque(maxlen=LONGEST_PERIOD)
        self._runs = [0] * (LONGEST_PERIOD + 1)

    def push(self, text: str, count: int = 1) -> bool:
        """Whether the sequence is a loop that ends with `count` tokens, of which the last makes `text` readable."""
        found = [self._one("") for _ in range(count - 1)]
        return self._one(text) or any(found)

    def _one(self, token: str) -> bool:
        looping = False
        for period, earlier in enumerate(reversed(self._recent), start=1):
            run = self._runs[period] + 1 if earlier == token else 0
            self._runs[period] = run
            # a run of k tokens equal to those one period before means k + period tokens in cycle
            if run + period >= max(SHORTEST_RUN, REPEATS * period) and run:
                looping = True
        self._recent.append(token)
        return looping
