"""Reasoning is split from the answer, however the pieces are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engines.reasoning import (
    THINK,
    ReasoningFormat,
    ReasoningSplitter,
    prompt_opens_reasoning,
    reasoning_format,
)

pytestmark = pytest.mark.slow


def split(text: str, cuts: list[int], *, inside: bool = False) -> tuple[str, str]:
    splitter, rest = ReasoningSplitter(inside=inside), text
    thoughts, answers = "", ""
    for cut in [*cuts, len(text)]:
        piece, rest = rest[:cut], rest[cut:]
        thought, answer = splitter.push(piece)
        thoughts, answers = thoughts + thought, answers + answer
    thought, answer = splitter.flush()
    return thoughts + thought, answers + answer


CASES = [
    ("plain answer", False, ("", "plain answer")),
    ("<think>\nhm\n</think>\n\nfour", False, ("hm", "four")),
    ("  \n<think>hm</think>four", False, ("hm", "four")),
    ("hm</think>\n\nfour", True, ("hm", "four")),
    ("\nhm\n\nwell\n</think>four", True, ("hm\n\nwell", "four")),
    ("never closed", True, ("never closed", "")),
    ("<think></think>\n\nfour", False, ("", "four")),
    ("five <think>not a thought</think>", False, ("", "five <think>not a thought</think>")),
    ("<thin air", False, ("", "<thin air")),
    ("a < b </think> c", True, ("a < b ", "c")),
    ("", False, ("", "")),
]


@pytest.mark.parametrize(("text", "inside", "expected"), CASES)
@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 4), max_size=12))
def test_any_cutting_gives_the_same_split(
    text: str, inside: bool, expected: tuple[str, str], cuts: list[int]
) -> None:
    assert split(text, cuts, inside=inside) == expected


def test_the_marks_come_from_the_template() -> None:
    assert reasoning_format("... [THINK]x[/THINK] ...") == ReasoningFormat("[THINK]", "[/THINK]")
    assert reasoning_format("nothing") == THINK
    assert reasoning_format(None) == THINK


def test_a_prompt_may_end_inside_the_reasoning() -> None:
    assert prompt_opens_reasoning("<|assistant|><think>\n")
    assert not prompt_opens_reasoning("<think>\n\n</think>\n\n")
