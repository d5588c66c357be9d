"""One choice's chunks: reasoning, stops, calls, loops, counts and logprobs, from pieces cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engines.assemble import AnswerShape, Assembler
from ingle.engines.reasoning import THINK
from ingle.engines.toolformats import BARE, LISTED, TAGGED, ToolFormat
from ingle.generation import Chunk, FinishReason, TokenLogprob, ToolCall, whole_calls

pytestmark = pytest.mark.slow

CALL = '{"name": "f", "arguments": {"a": 1}}'


def assembled(
    shape: AnswerShape, pieces: list[str], reason: FinishReason = FinishReason.STOP
) -> tuple[Assembler, list[Chunk]]:
    assembler = Assembler(shape)
    chunks = []
    for piece in pieces:
        chunk = assembler.push(piece)
        if chunk is not None:
            chunks.append(chunk)
        if assembler.finished:
            break
    return assembler, [*chunks, assembler.finish(reason)]


def text(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def calls(chunks: list[Chunk]) -> list[ToolCall]:
    return list(whole_calls(part for chunk in chunks for part in chunk.tool_calls))


def cut(whole: str, sizes: list[int]) -> list[str]:
    pieces, rest = [], whole
    for size in [*sizes, len(whole)]:
        piece, rest = rest[:size], rest[size:]
        pieces.append(piece)
    return [piece for piece in pieces if piece]


def test_plain_text_comes_through_at_once_and_is_counted() -> None:
    assembler, chunks = assembled(AnswerShape(index=2), ["one ", "", "two"])
    assert text(chunks) == "one two"
    assert assembler.tokens == 3
    assert sum(chunk.tokens for chunk in chunks) == 3
    assert {chunk.index for chunk in chunks} == {2}
    assert chunks[-1].finish_reason is FinishReason.STOP


@settings(max_examples=40)
@given(st.lists(st.integers(1, 5), max_size=20))
def test_everything_together_is_the_same_for_any_cutting(sizes: list[int]) -> None:
    shape = AnswerShape(reasoning=THINK, tools=TAGGED, stop=("STOP",), call_seed="r")
    whole = f"<think>\nhm</think>\n\nSee: <tool_call>\n{CALL}\n</tool_call>\n<tool_call>{CALL}</tool_call>ok STOP no"
    _, chunks = assembled(shape, cut(whole, sizes))
    assert "".join(chunk.reasoning for chunk in chunks) == "hm"
    assert text(chunks) == "See: ok "
    assert [call.id for call in calls(chunks)] == ["call_r_0_0", "call_r_0_1"]
    assert {(call.name, call.arguments) for call in calls(chunks)} == {("f", '{"a": 1}')}
    assert chunks[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize(
    ("format", "whole", "shown", "made"),
    [
        (TAGGED, f"<tool_call>{CALL}", "", 1),
        (TAGGED, "<tool_call>not json</tool_call>.", "<tool_call>not json</tool_call>.", 0),
        (TAGGED, "<tool_call>cut of", "<tool_call>cut of", 0),
        (TAGGED, "a <tool b", "a <tool b", 0),
        (LISTED, f"[TOOL_CALLS][{CALL}, {CALL}]", "", 2),
        (BARE, '  {"name": "f", "parameters": {}}', "  ", 1),
        (BARE, '{"answer": 1}', '{"answer": 1}', 0),
        (BARE, f"Look: {CALL}", f"Look: {CALL}", 0),
    ],
)
@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 4), max_size=8))
def test_calls_are_taken_out_and_what_is_none_stays_text(
    format: ToolFormat, whole: str, shown: str, made: int, sizes: list[int]
) -> None:
    _, chunks = assembled(AnswerShape(tools=format), cut(whole, sizes))
    assert (text(chunks), len(calls(chunks))) == (shown, made)
    expected = FinishReason.TOOL_CALLS if made else FinishReason.STOP
    assert chunks[-1].finish_reason is expected


def test_a_stop_string_ends_the_choice_and_its_logprobs_are_not_told() -> None:
    assembler = Assembler(AnswerShape(stop=("4 5",)))
    chunks = []
    for piece in ["3", " ", "4", " ", "5"]:
        chunk = assembler.push(piece, TokenLogprob(token=piece, logprob=-1.0))
        chunks += [chunk] if chunk else []
    assert assembler.finished is FinishReason.STOP
    chunks.append(assembler.finish(FinishReason.LENGTH))
    assert text(chunks) == "3 "
    assert [entry.token for chunk in chunks for entry in chunk.logprobs] == ["3", " "]
    assert chunks[-1].finish_reason is FinishReason.STOP
    assert sum(chunk.tokens for chunk in chunks) == 5


def test_a_stop_string_in_the_reasoning_does_not_stop() -> None:
    _, chunks = assembled(AnswerShape(reasoning=THINK, inside=True, stop=("x",)), ["a x b</think>", "y x z"])
    assert "".join(chunk.reasoning for chunk in chunks) == "a x b"
    assert text(chunks) == "y "


def test_a_loop_is_ended_only_when_asked() -> None:
    again = ["ha "] * 100
    _, endless = assembled(AnswerShape(), again, FinishReason.LENGTH)
    assembler, ended = assembled(AnswerShape(stop_on_loop=True), again, FinishReason.LENGTH)
    assert endless[-1].finish_reason is FinishReason.LENGTH
    assert ended[-1].finish_reason is FinishReason.LOOP
    assert assembler.tokens < 100


def test_a_loop_of_characters_in_several_tokens_ends_alike_told_whole_or_token_by_token() -> None:
    whole, parts = (Assembler(AnswerShape(stop_on_loop=True)) for _ in range(2))
    for _ in range(50):
        if not whole.finished:
            whole.push("é", count=3)
        for piece in ("", "", "é") if not parts.finished else ():
            parts.push(piece)
    assert whole.tokens == parts.tokens < 50
    assert whole.finished is parts.finished is FinishReason.LOOP


def test_text_that_comes_after_its_tokens_were_counted_counts_nothing() -> None:
    assembler = Assembler(AnswerShape())
    assembler.push("", count=2)
    chunk = assembler.push("rest", count=0)
    assert chunk is not None and (chunk.tokens, assembler.tokens) == (2, 2)


def test_a_spent_budget_is_told_and_the_answer_follows_the_closing() -> None:
    assembler = Assembler(AnswerShape(reasoning=THINK, inside=True, budget=2))
    spent = []
    for word in ("one ", "two"):
        assembler.push(word)
        spent.append(assembler.budget_spent)
    assert spent == [False, True]
    assembler.close_reasoning()
    chunk = assembler.push("four")
    assert chunk is not None and chunk.text == "four"
    assert (assembler.tokens, assembler.reasoning_tokens) == (3, 2)


def test_tokens_of_one_character_are_counted_together() -> None:
    assembler = Assembler(AnswerShape())
    chunk = assembler.push("é", count=3)
    assert chunk is not None and chunk.tokens == 3
