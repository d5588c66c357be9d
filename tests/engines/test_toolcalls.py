"""Calls come out in parts that join to what the model wrote, however the text is cut; nothing of it is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingle.engines.assemble import AnswerShape, Assembler
from ingle.engines.toolcalls import CallFinder
from ingle.engines.toolformats import BARE, HEADED, LISTED, TAGGED, ToolFormat
from ingle.generation import CallPart, FinishReason, ToolCall, whole_calls

pytestmark = pytest.mark.slow

FORMATS = {"tagged": TAGGED, "listed": LISTED, "headed": HEADED, "bare": BARE}
MARKS = ("</tool_call>", "<tool_call>", "[TOOL_CALLS]", "[ARGS]", '"', "\\", "{", "]}", "é", "\n")
TEXTS = st.lists(st.sampled_from(MARKS) | st.text(max_size=3), max_size=4).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
SOUP = (
    *MARKS,
    '{"name": "f", "arguments": ',
    '{"a": 1}',
    "}",
    '"name"',
    ": ",
    ", ",
    "[",
    "f",
    "words ",
    "null",
    "\n</tool_call>",
)


def found(
    format: ToolFormat, whole: str, sizes: list[int], *, only_one: bool = False
) -> tuple[str, list[CallPart]]:
    """Text and parts of a whole text that came in pieces of these sizes."""
    finder, rest = CallFinder(format, "c", only_one=only_one), whole
    texts: list[str] = []
    parts: list[CallPart] = []
    for size in [*sizes, len(whole)]:
        piece, rest = rest[:size], rest[size:]
        text, new = finder.push(piece)
        texts.append(text)
        parts += new
    text, new = finder.flush()
    return "".join([*texts, text]), [*parts, *new]


def written(format: ToolFormat, name: str, arguments: str) -> str:
    if format.head:
        return f"{format.start}{name}{format.head}{arguments}"
    call = f'{{"name": {json.dumps(name)}, "{format.arguments}": {arguments}}}'
    call = f"[{call}]" if format.many else call
    return call if format.keeps_start else f"{format.start}\n{call}\n{format.end}".strip()


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
@settings(max_examples=60, deadline=None)
@given(
    arguments=st.dictionaries(TEXTS, VALUES, max_size=3),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
    sizes=st.lists(st.integers(1, 6), max_size=40),
)
def test_the_parts_join_to_the_arguments_as_the_model_wrote_them(
    format: ToolFormat, arguments: dict[str, Any], ascii_only: bool, indent: int | None, sizes: list[int]
) -> None:
    raw = json.dumps(arguments, ensure_ascii=ascii_only, indent=indent)
    text, parts = found(format, written(format, "f", raw), sizes)
    assert text == ""
    assert whole_calls(parts) == (ToolCall(id="c_0", name="f", arguments=raw),)
    assert parts[0].name == "f" and not any(part.name or part.id for part in parts[1:])


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS)
@settings(max_examples=150, deadline=None)
@given(pieces=st.lists(st.sampled_from(SOUP), max_size=14), sizes=st.lists(st.integers(1, 9), max_size=30))
@example(
    pieces=["<tool_call>", '{"name": "f", "arguments": ', '{"a": 1}', "}", "}", "</tool_call>"], sizes=[]
)
def test_any_text_gives_the_same_however_it_is_cut(
    format: ToolFormat, pieces: list[str], sizes: list[int]
) -> None:
    whole = "".join(pieces)
    text, parts = found(format, whole, sizes)
    again, others = found(format, whole, [])
    assert (text, whole_calls(parts)) == (again, whole_calls(others))
    if not parts:
        assert text == whole
    for call in whole_calls(parts):
        assert call.arguments in ("", "{}") or call.arguments in whole or json.loads(call.arguments)


@pytest.mark.parametrize(
    ("body", "shown", "calls"),
    [
        ('{"name": "f", "arguments": {"a": 1}', "", ["f", '{"a": 1}']),
        ('{"name": "f", "arguments": {\'a\': 1}}', "", ["f", "{'a': 1}"]),
        ('{"name": "f", "arguments": {"a": 1, }}', "", ["f", '{"a": 1, }']),
        ('{"name": "f", "arguments": {"a": 1', "", ["f", '{"a": 1']),
        ('{"name": "f", "arguments": {"a": 1}}} oops', "} oops", ["f", '{"a": 1}']),
        ('{"arguments": {"a": 1}, "name": "f"}', "", ["f", '{"a": 1}']),
        ('{"name": "f", "arguments": "{\\"a\\": 1}"}', "", ["f", '{"a": 1}']),
        ('{"name": "f", "arguments": "in words"}', "", ["f", "in words"]),
        ('{"name": "f", "arguments": null}', "", ["f", "{}"]),
        ('{"name": "f", "arguments": {"a": "</tool_call>"}}', "", ["f", '{"a": "</tool_call>"}']),
        ('{"name": "f", "arguments": {}}\n{"name": "g", "arguments": {}}', "", ["f", "{}", "g", "{}"]),
        ('{"nome": "f"}', '<tool_call>{"nome": "f"}</tool_call>', []),
        ("f(a=1)", "<tool_call>f(a=1)</tool_call>", []),
        ("", "<tool_call></tool_call>", []),
    ],
)
def test_what_models_write_wrongly_is_handed_over_and_never_dropped(
    body: str, shown: str, calls: list[str]
) -> None:
    for sizes in ([], [1] * 200, [3] * 70):
        text, parts = found(TAGGED, f"<tool_call>{body}</tool_call>", sizes)
        told = [part for call in whole_calls(parts) for part in (call.name, call.arguments)]
        assert (text, told) == (shown, calls)


def test_the_name_and_the_first_arguments_are_told_before_the_call_is_whole() -> None:
    finder = CallFinder(TAGGED, "c")
    assert finder.push('<tool_call>{"name": "f", ')[1] == ()
    assert finder.push('"arguments": {"a')[1] == (CallPart(index=0, id="c_0", name="f", arguments='{"a'),)
    assert finder.push('": 1')[1] == (CallPart(index=0, arguments='": 1'),)
    assert finder.push("}")[1] == (CallPart(index=0, arguments="}"),)
    assert finder.push("}</tool_call>") == ("", ())


def test_only_the_first_call_is_taken_when_one_is_enough() -> None:
    one = written(TAGGED, "f", "{}")
    for sizes in ([], [2] * 60):
        text, parts = found(TAGGED, f"So: {one}{one} and more", sizes, only_one=True)
        assert (text, [call.id for call in whole_calls(parts)]) == ("So: ", ["c_0"])
    assembler = Assembler(AnswerShape(tools=TAGGED, one_call=True))
    for piece in (one[:20], one[20:]):
        assert assembler.finished is None
        assembler.push(piece)
    assert assembler.finished is FinishReason.TOOL_CALLS
    assert assembler.finish(FinishReason.LENGTH).finish_reason is FinishReason.TOOL_CALLS
