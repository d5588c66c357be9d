"""Grammars of calls: demanded ones are exactly one, voluntary ones of strict tools keep their schema anywhere in a text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingle.engines.schema import constraint_term, satisfies
from ingle.engines.toolformats import BARE, HEADED, LISTED, TAGGED, ToolFormat, tool_format
from ingle.engines.toolgrammar import forced_grammar, free_grammar
from ingle.errors import InvalidRequest, Unsupported
from ingle.generation import Constraint, Tool

pytestmark = pytest.mark.slow

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Tool(name="weather", description="Weather of a city", parameters=CITY, strict=True)
CLOCK = Tool(name="clock")
JSON_FORMATS = [
    pytest.param(TAGGED, id="tagged"),
    pytest.param(LISTED, id="listed"),
    pytest.param(HEADED, id="headed"),
    pytest.param(BARE, id="bare"),
]


def written(format: ToolFormat, name: str, arguments: dict[str, object]) -> str:
    """A call as a model writes it."""
    if format.head:
        return f"{format.start}{name}{format.head}{json.dumps(arguments)}"
    call = json.dumps({"name": name, format.arguments: arguments})
    call = f"[{call}]" if format.many else call
    before = "" if format.keeps_start else format.start + ("\n" if format.end else "")
    return before + call + ("\n" + format.end if format.end else "")


@pytest.mark.parametrize("format", JSON_FORMATS)
def test_a_forced_call_is_one_call_of_one_of_the_tools(format: ToolFormat) -> None:
    grammar = forced_grammar(format, (WEATHER, CLOCK))
    assert satisfies(grammar, written(format, "weather", {"city": "Paris"}))
    assert satisfies(grammar, written(format, "clock", {}))
    assert not satisfies(grammar, written(format, "weather", {}))
    assert not satisfies(grammar, written(format, "stove", {}))
    assert not satisfies(grammar, "I would rather not.")
    assert not satisfies(grammar, written(format, "clock", {}) * 2)


def test_references_inside_parameters_still_find_their_definitions() -> None:
    parameters = {
        "type": "object",
        "properties": {"to": {"$ref": "#/$defs/place"}},
        "required": ["to"],
        "additionalProperties": False,
        "$defs": {"place": {"enum": ["here", "there"]}},
    }
    go = Tool(name="go", parameters=parameters, strict=True)
    for way in (BARE, HEADED):
        for grammar in (forced_grammar(way, (go, WEATHER)), free_grammar(way, (go, WEATHER))):
            assert satisfies(grammar, written(way, "go", {"to": "there"}))
            assert not satisfies(grammar, written(way, "go", {"to": "away"}))


@pytest.mark.parametrize("format", JSON_FORMATS)
def test_a_free_answer_is_any_text_and_a_strict_call_in_it_keeps_its_schema(format: ToolFormat) -> None:
    grammar = free_grammar(format, (WEATHER, CLOCK))
    good, bad = written(format, "weather", {"city": "Paris"}), written(format, "weather", {"town": 3})
    for text in ("", "No call at all.\n\n{really} <tool [TOOL", "  two words"):
        assert satisfies(grammar, text)
    assert satisfies(grammar, good)
    assert not satisfies(grammar, bad)
    assert not satisfies(grammar, good[:-1])
    assert not satisfies(grammar, written(format, "stove", {}))
    assert satisfies(grammar, written(format, "clock", {"what": ["ever", 1]}))  # not strict: any arguments
    if not format.at_start:
        assert satisfies(grammar, f"Let me see.\n{good}")
        assert not satisfies(grammar, f"Let me see.\n{bad}")
    if format.end or format.head:
        assert satisfies(grammar, good + good)
        assert not satisfies(grammar, good + bad)
    if format.end:
        assert satisfies(grammar, f"One.\n{good}\n{good} And more <text>.")


def test_several_calls_in_a_list_each_keep_their_schema() -> None:
    grammar = free_grammar(LISTED, (WEATHER,))
    one, two = '{"name": "weather", "arguments": {"city": "Rome"}}', '{"name": "weather", "arguments": {}}'
    assert satisfies(grammar, f"[TOOL_CALLS][{one}, {one}]")
    assert not satisfies(grammar, f"[TOOL_CALLS][{one}, {two}]")


@pytest.mark.parametrize("format", JSON_FORMATS)
def test_a_free_answer_does_not_open_the_reasoning_that_is_off(format: ToolFormat) -> None:
    grammar = free_grammar(format, (WEATHER,), never="<think>")
    good = written(format, "weather", {"city": "Paris"})
    assert satisfies(grammar, "plain <think>") and satisfies(grammar, good)
    for text in ("<think>hm</think>", "\n <think>", f"<think>hm</think>{good}"):
        assert not satisfies(grammar, text)


def test_beside_a_constraint_the_answer_is_that_or_calls() -> None:
    term = constraint_term(Constraint(kind="choice", value=["yes", "no"]))
    for way in (TAGGED, LISTED, HEADED):
        grammar = free_grammar(way, (WEATHER,), answer=term)
        good = written(way, "weather", {"city": "Paris"})
        assert satisfies(grammar, "yes") and satisfies(grammar, good)
        for text in ("maybe", written(way, "weather", {}), "yes" + good):
            assert not satisfies(grammar, text)


@pytest.mark.parametrize(
    ("format", "answer"),
    [
        (tool_format("<|tool_call_start|>"), None),
        (tool_format("nothing known"), None),
        (tool_format("<|tool_call_start|>"), '"yes"'),
        (BARE, '"yes"'),
    ],
    ids=["own way", "unknown", "own way and an answer", "bare and an answer"],
)
def test_where_a_schema_cannot_bind_the_calls_it_is_refused_by_name(
    format: ToolFormat, answer: str | None
) -> None:
    with pytest.raises(Unsupported) as raised:
        free_grammar(format, (WEATHER,), answer=answer)
    assert raised.value.details["param"] == "tools"


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"type": "object", "properties": {"a": {"not": {}}}}, Unsupported),
        ({"type": "nope"}, InvalidRequest),
    ],
)
@pytest.mark.parametrize("make", [forced_grammar, free_grammar])
def test_a_strict_schema_that_cannot_be_kept_is_refused(
    make: Any, parameters: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        make(TAGGED, (Tool(name="f", parameters=parameters, strict=True),))
    assert getattr(raised.value, "details", {})["param"] == "tools"


def test_marks_that_are_tokens_may_be_written_as_such() -> None:
    tokens = {"[TOOL_CALLS]": 5, "[ARGS]": 6}
    grammar = free_grammar(HEADED, (WEATHER,), tokens.get)
    assert "<[5]>" in grammar and "<[6]>" in grammar
    assert "<[5]>" in forced_grammar(LISTED, (WEATHER,), tokens.get)
