"""A model's way of writing calls is told by its template, and every way is read the same on both engines."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engines.assemble import AnswerShape, Assembler
from ingle.engines.toolformats import (
    BARE,
    FAMILIES,
    HEADED,
    LISTED,
    TAGGED,
    ToolFormat,
    Writing,
    tool_format,
    visible_marks,
)
from ingle.engines.toolparsers import family_parser, parse_json_calls
from ingle.errors import Unsupported
from ingle.generation import Chunk, FinishReason, Tool, ToolCall, whole_calls

pytestmark = pytest.mark.slow

DAYS = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WEATHER = Tool(name="weather", parameters=DAYS)
EXPECTED = {"city": "Bad Ems", "days": 3}
XTML = ("<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>")

WAYS: dict[str, tuple[str, str]] = {
    "hermes": (
        "<tool_call>{{ tool_call.name }}",
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Bad Ems", "days": 3}}\n</tool_call>',
    ),
    "mistral": (
        "[TOOL_CALLS]",
        '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Bad Ems", "days": 3}}]',
    ),
    "mistral with heads": (
        "[TOOL_CALLS]{{ name }}[ARGS]",
        '[TOOL_CALLS]weather[ARGS]{"city": "Bad Ems", "days": 3}',
    ),
    "llama": (
        '<|python_tag|> "parameters"',
        '{"name": "weather", "parameters": {"city": "Bad Ems", "days": 3}}',
    ),
    "qwen coder": (
        "<tool_call>\n<function=name>",
        "<tool_call>\n<function=weather>\n<parameter=city>\nBad Ems\n</parameter>\n"
        "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>",
    ),
    "glm": (
        "<tool_call>{{ name }}<arg_key>",
        "<tool_call>weather\n<arg_key>city</arg_key>\n<arg_value>Bad Ems</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
    ),
    "pythonic": (
        "<|tool_call_start|>",
        '<|tool_call_start|>[weather(city="Bad Ems", days=3)]<|tool_call_end|>',
    ),
    "kimi": (
        "<|tool_calls_section_begin|>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>"
        '{"city": "Bad Ems", "days": 3}<|tool_call_end|><|tool_calls_section_end|>',
    ),
    "minimax": (
        "<minimax:tool_call>",
        '<minimax:tool_call>\n<invoke name="weather">\n<parameter name="city">Bad Ems</parameter>\n'
        '<parameter name="days">3</parameter>\n</invoke>\n</minimax:tool_call>',
    ),
    "gemma": (
        "<|tool_call><tool_call|>",
        '<|tool_call>call:weather{city:<|"|>Bad Ems<|"|>,days:3}<tool_call|>',
    ),
    "function gemma": (
        "<start_function_call>",
        "<start_function_call>call:weather{city:<escape>Bad Ems<escape>,days:3}<end_function_call>",
    ),
    "minicpm": (
        '<function name="f"><param name="p">',
        '<function name="weather"><param name="city">Bad Ems</param><param name="days">3</param></function>',
    ),
    "longcat": (
        "<longcat_tool_call>",
        "<longcat_tool_call>weather\n<longcat_arg_key>city</longcat_arg_key>\n"
        "<longcat_arg_value>Bad Ems</longcat_arg_value>\n<longcat_arg_key>days</longcat_arg_key>\n"
        "<longcat_arg_value>3</longcat_arg_value>\n</longcat_tool_call>",
    ),
    "muse": (
        "<atem:function_calls>",
        '<atem:function_calls>\n<atem:invoke name="weather">\n<atem:parameter name="city">Bad Ems'
        '</atem:parameter>\n<atem:parameter name="days">3</atem:parameter>\n</atem:invoke>\n'
        "</atem:function_calls>",
    ),
}


def assembled(format: ToolFormat, whole: str, sizes: list[int]) -> list[Chunk]:
    """The chunks that either engine would make of this text, cut in pieces."""
    assembler, rest, chunks = Assembler(AnswerShape(tools=format, call_seed="r")), whole, []
    for size in [*sizes, len(whole)]:
        piece, rest = rest[:size], rest[size:]
        chunk = assembler.push(piece)
        chunks += [chunk] if chunk else []
    return [*chunks, assembler.finish(FinishReason.STOP)]


def calls_of(chunks: list[Chunk]) -> list[ToolCall]:
    return list(whole_calls(part for chunk in chunks for part in chunk.tool_calls))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 9), max_size=20))
def test_every_way_of_writing_a_call_is_read_however_it_is_cut(way: str, sizes: list[int]) -> None:
    template, call = WAYS[way]
    told = tool_format(template, (WEATHER,))
    before = "" if told.at_start else "Let me see."
    chunks = assembled(told, before + call, sizes)
    (found,) = calls_of(chunks)
    assert (found.id, found.name, json.loads(found.arguments)) == ("call_r_0_0", "weather", EXPECTED)
    assert "".join(chunk.text for chunk in chunks) == before
    assert chunks[-1].finish_reason is FinishReason.TOOL_CALLS


@pytest.mark.parametrize("way", [way for way in WAYS if way != "llama"])
def test_several_calls_in_a_row_are_numbered(way: str) -> None:
    template, call = WAYS[way]
    found = calls_of(assembled(tool_format(template, (WEATHER,)), f"{call}\n{call}", [7] * 40))
    assert [one.id for one in found] == ["call_r_0_0", "call_r_0_1"]
    assert {one.arguments for one in found} == {found[0].arguments}


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=20)
@given(cut=st.integers(1, 400), sizes=st.lists(st.integers(1, 9), max_size=20))
def test_what_breaks_off_is_never_lost(way: str, cut: int, sizes: list[int]) -> None:
    template, call = WAYS[way]
    broken = call[: cut % len(call)]
    chunks = assembled(tool_format(template, (WEATHER,)), broken, sizes)
    made, text = calls_of(chunks), "".join(chunk.text for chunk in chunks)
    if not made:
        assert text == broken
        return
    assert text == ""
    rest = broken[call.index('{"city"') :]
    assert rest.startswith(made[0].arguments)
    # nothing is left but what closes the call
    assert re.fullmatch(r"[\]}\s]*[<a-z_/]*", rest.removeprefix(made[0].arguments))


@pytest.mark.parametrize("way", ["qwen coder", "glm", "pythonic"])
def test_what_a_family_cannot_read_stays_text_with_its_marks(way: str) -> None:
    told = tool_format(WAYS[way][0], (WEATHER,))
    whole = f"{told.start}]]{told.end}."
    chunks = assembled(told, whole, [3] * 20)
    assert ("".join(chunk.text for chunk in chunks), calls_of(chunks)) == (whole, [])


def test_the_format_is_read_from_the_template() -> None:
    assert tool_format("...<tool_call>...") is TAGGED
    assert tool_format("[TOOL_CALLS]") is LISTED
    assert tool_format("[TOOL_CALLS] [ARGS]") is HEADED
    assert tool_format('<|python_tag|> "parameters"') is BARE
    unknown = tool_format("anything")
    assert (unknown.start, unknown.known) == ("<tool_call>", False)


def test_a_vocabulary_tells_what_a_template_does_not() -> None:
    assert tool_format("x", (), dict.fromkeys(XTML, 1).get).start == "<|open|>tools<|sep|>"
    pythonic = tool_format("x", (), {"<|tool_call_start|>": 1, "<|tool_call_end|>": 2}.get)
    assert (pythonic.start, pythonic.writing) == ("<|tool_call_start|>", Writing.OWN)


def test_the_families_are_told_as_mlx_lm_tells_them() -> None:
    from ingle.engines.mlx.lean import import_mlx_lm

    import_mlx_lm()
    from mlx_lm.tokenizer_utils import _infer_tool_parser

    class Facts:
        get_vocab = dict

        def __init__(self, template: str) -> None:
            self.chat_template = template

    for family in FAMILIES:
        for marks in family.names:
            told = "{{ tools }}" + " ".join(marks)
            assert _infer_tool_parser(Facts(told)) == family.name
            own = tool_format(told)
            assert (own.start, own.writing) == (family.start, Writing.OWN)


def test_the_parsers_are_read_without_importing_an_engine() -> None:
    code = (
        "import sys; from ingle.engines.toolformats import tool_format;"
        "tool_format('<minimax:tool_call>'); tool_format('<arg_key>');"
        "print([name for name in sys.modules if name.split('.')[0] in ('mlx', 'mlx_lm', 'transformers')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_family_that_mlx_lm_does_not_have_is_refused() -> None:
    with pytest.raises(Unsupported, match="no_such_family"):
        family_parser("no_such_family", ())


def test_every_mark_is_among_the_visible_ones() -> None:
    marks = visible_marks()
    for template, _ in WAYS.values():
        told = tool_format(template)
        assert told is BARE or set(told.visible) <= marks


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ('{"name": "f", "arguments": {"a": 1}}', [("f", '{"a": 1}')]),
        ('{"name": "f", "parameters": {}}', [("f", "{}")]),
        ('{"name": "f"}', [("f", "{}")]),
        ('[{"name": "f"}, {"name": "g", "arguments": "{}"}]', [("f", "{}"), ("g", "{}")]),
        ('{"type": "function", "function": {"name": "f", "arguments": {}}}', [("f", "{}")]),
    ],
)
def test_calls_are_read_from_json(text: str, calls: list[tuple[str, str]]) -> None:
    assert parse_json_calls(text) == calls
    read = calls_of(assembled(TAGGED, f"<tool_call>{text}</tool_call>", [2] * 50))
    assert [(one.name, one.arguments) for one in read] == calls


@pytest.mark.parametrize("text", ["", "nope", "[]", "3", '{"no": "name"}', '[{"name": 3}]', "[1]"])
def test_what_is_no_call_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json_calls(text)
