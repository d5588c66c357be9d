"""Tools are told, forced and parsed, with and without a template that knows them."""

from __future__ import annotations

import json

import pytest

from ingle.engines.schema import satisfies
from ingle.engines.tools import (
    BARE,
    LISTED,
    TAGGED,
    ToolFormat,
    forced_grammar,
    generic_prompt,
    must_call,
    parse_json_calls,
    tool_format,
)
from ingle.errors import InvalidRequest
from ingle.generation import Message, Role, Tool, ToolCall

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="weather", description="Weather of a city", parameters=CITY)
CLOCK = Tool(name="clock")
USER = Message(role=Role.USER, content="Hi")


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


@pytest.mark.parametrize("text", ["", "nope", "[]", "3", '{"no": "name"}', '[{"name": 3}]', "[1]"])
def test_what_is_no_call_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json_calls(text)


@pytest.mark.parametrize("format", [TAGGED, LISTED, BARE], ids=["tagged", "listed", "bare"])
def test_a_forced_call_is_one_call_of_one_of_the_tools(format: ToolFormat) -> None:
    grammar = forced_grammar(format, (WEATHER, CLOCK))

    def written(name: str, arguments: dict[str, object]) -> str:
        assert format.arguments is not None
        call = json.dumps({"name": name, format.arguments: arguments})
        call = f"[{call}]" if format.many else call
        before = "" if format.keeps_start else format.start + ("\n" if format.end else "")
        return before + call + ("\n" + format.end if format.end else "")

    assert satisfies(grammar, written("weather", {"city": "Paris"}))
    assert satisfies(grammar, written("clock", {}))
    assert not satisfies(grammar, written("weather", {}))
    assert not satisfies(grammar, written("stove", {}))


def test_references_inside_parameters_still_find_their_definitions() -> None:
    parameters = {
        "type": "object",
        "properties": {"to": {"$ref": "#/$defs/place"}},
        "required": ["to"],
        "additionalProperties": False,
        "$defs": {"place": {"enum": ["here", "there"]}},
    }
    grammar = forced_grammar(BARE, (Tool(name="go", parameters=parameters), WEATHER))
    assert satisfies(grammar, '{"name": "go", "parameters": {"to": "there"}}')
    assert not satisfies(grammar, '{"name": "go", "parameters": {"to": "away"}}')


def test_tool_choice_names_who_must_be_called() -> None:
    tools = (WEATHER, CLOCK)
    assert must_call("auto", tools) == must_call("none", tools) == ()
    assert must_call("required", tools) == tools
    assert must_call("clock", tools) == (CLOCK,)
    with pytest.raises(InvalidRequest, match="stove"):
        must_call("stove", tools)
    with pytest.raises(InvalidRequest, match="required"):
        must_call("required", ())


def test_the_generic_prompt_tells_every_tool_and_keeps_the_system_message() -> None:
    system = Message(role=Role.SYSTEM, content="Be kind.")
    first, second = generic_prompt((system, USER), (WEATHER, CLOCK))
    assert first.role is Role.SYSTEM
    assert first.content.startswith("Be kind.")
    assert '"weather"' in first.content and '"clock"' in first.content and "<tool_call>" in first.content
    assert second == USER
    assert generic_prompt((USER,), (CLOCK,))[0].role is Role.SYSTEM


def test_the_generic_prompt_shows_calls_and_results_as_text() -> None:
    call = Message(
        role=Role.ASSISTANT, content="", tool_calls=(ToolCall(id="1", name="clock", arguments="{}"),)
    )
    result = Message(role=Role.TOOL, content="noon", tool_call_id="1")
    shown = generic_prompt((USER, call, result), (CLOCK,))
    assert [message.role for message in shown] == [Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER]
    assert '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>' in shown[2].content
    assert "noon" in shown[3].content


def test_the_format_is_read_from_the_template() -> None:
    assert tool_format("...<tool_call>...") is TAGGED
    assert tool_format("[TOOL_CALLS]") is LISTED
    assert tool_format('<|python_tag|> "parameters"') is BARE
    assert tool_format("anything") is TAGGED
