"""A completion that is made again goes on where it broke, however its text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engines.llamacpp.fields import Step
from ingle.engines.llamacpp.replay import Replay
from ingle.errors import GenerationFailed

TEXT = "The quick brown fox"


def cut(text: str, sizes: list[int]) -> list[str]:
    pieces = []
    for size in sizes:
        pieces.append(text[:size])
        text = text[size:]
    return [*pieces, text]


@given(
    told=st.integers(0, len(TEXT)),
    first=st.lists(st.integers(0, 4), max_size=9),
    second=st.lists(st.integers(0, 4), max_size=9),
)
def test_what_is_passed_on_is_the_text_once(told: int, first: list[int], second: list[int]) -> None:
    replay = Replay()
    heard = [replay.pass_on(Step(text=piece)) for piece in cut(TEXT[:told], first)]
    replay.begin_again()
    heard += [replay.pass_on(Step(text=piece)) for piece in cut(TEXT, second)]
    heard.append(replay.pass_on(Step(finish="stop")))
    assert "".join(step.text for step in heard if step is not None) == TEXT
    assert heard[-1] is not None and heard[-1].finish == "stop"


@pytest.mark.parametrize("again", [["They"], ["The slow"], ["T"], ["", "Th"]], ids=repr)
def test_another_text_than_the_first_is_an_error(again: list[str]) -> None:
    replay = Replay()
    replay.pass_on(Step(text="The quick"))
    replay.begin_again()
    with pytest.raises(GenerationFailed, match="something else"):
        for piece in again:
            replay.pass_on(Step(text=piece))
        replay.pass_on(Step(finish="stop"))


def test_a_failure_before_the_first_word_is_simply_asked_again() -> None:
    replay = Replay()
    replay.begin_again()
    step = Step(text="The", predicted=1)
    assert replay.pass_on(step) == step
