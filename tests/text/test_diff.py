from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.text.diff import Change, Span, word_diff


@given(st.text("ab ,.\n", max_size=40), st.text("ab ,.\n", max_size=40))
def test_the_spans_hold_both_texts_whole(before: str, after: str) -> None:
    spans = word_diff(before, after)
    assert "".join(span.text for span in spans if span.change is not Change.ADDED) == before
    assert "".join(span.text for span in spans if span.change is not Change.REMOVED) == after


def test_a_word_is_the_smallest_difference() -> None:
    assert word_diff("Teh cat.", "The cat.") == [
        Span(Change.REMOVED, "Teh"),
        Span(Change.ADDED, "The"),
        Span(Change.SAME, " cat."),
    ]


@pytest.mark.slow
def test_a_book_is_compared_too() -> None:
    before = "".join(f"Teh sentence {n} is one of many, and it go on and on. " for n in range(1_500))
    after = before.replace("Teh", "The").replace("it go", "it goes")
    spans = word_diff(before, after)
    assert [span.text for span in spans if span.change is Change.REMOVED][:2] == ["Teh", "go"]
    assert sum(span.change is Change.ADDED for span in spans) == 3_000


def test_two_long_texts_with_nothing_in_common_are_shown_whole() -> None:
    before, after = "a " * 6_000, "b, " * 6_000
    assert word_diff(before, after) == [Span(Change.REMOVED, before), Span(Change.ADDED, after)]
