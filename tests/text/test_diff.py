from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingle.text.diff import Change, Span, word_diff


@given(st.text("ab ,\n", max_size=40), st.text("ab ,\n", max_size=40))
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
