"""Two hundred thousand letters of one odd kind are cut in bounded time, and joined again."""

from __future__ import annotations

import time

import pytest

from ingle.text.document import cut, split_prose

RUNS = {
    "words": "word " * 40_000,
    "letters": "a" * 200_000,
    "han": "今日は天気" * 40_000,
    "links": "[a](b) " * 28_000,
    "comments": "x <!-- " * 28_000,
    "dots": "a." * 100_000,
    "dashes": "--a" * 60_000,
    "addresses": "a@a." * 50_000,
    "paths": "a/" * 100_000,
    "braces": "{a " * 60_000,
    "marks": "e\u0301" * 100_000,
    "lines": "teh line\n" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_a_long_run_of_one_kind_is_cut_in_bounded_time(kind: str) -> None:
    text = RUNS[kind]
    started = time.process_time()
    pieces = [
        part for piece in cut(text) for part in (split_prose(piece.text, 1700) if piece.prose else [piece])
    ]
    assert "".join(piece.text for piece in pieces) == text
    assert time.process_time() - started < 30  # quadratic, it was minutes
