"""A loop is seen soon; ordinary repetition is none."""

from __future__ import annotations

import random

import pytest

from ingle.engines.loops import LONGEST_PERIOD, REPEATS, SHORTEST_RUN, LoopDetector


def first_loop(tokens: list[int]) -> int | None:
    detector = LoopDetector()
    return next((at for at, token in enumerate(tokens, start=1) if detector.push(str(token))), None)


@pytest.mark.parametrize("period", [1, 2, 3, 7, 24, LONGEST_PERIOD])
def test_a_cycle_is_seen_after_its_repeats_and_not_before(period: int) -> None:
    start = list(range(1000, 1040))
    cycle = list(range(period))
    expected = len(start) + max(SHORTEST_RUN, REPEATS * period)
    assert first_loop(start + cycle * 200) == expected


def test_a_few_repeats_are_no_loop() -> None:
    assert first_loop([1] * (SHORTEST_RUN - 1) + [2]) is None
    assert first_loop(list(range(30)) * (REPEATS - 1)) is None


def test_ordinary_text_is_no_loop() -> None:
    chance = random.Random(5)
    assert first_loop([chance.randrange(50) for _ in range(5000)]) is None
