"""Tools are told with and without a template that knows them, and a choice of tools is checked."""

from __future__ import annotations

import pytest

from ingle.engines.tools import generic_prompt, must_call
from ingle.errors import InvalidRequest
from ingle.generation import Message, Role, Tool, ToolCall

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool(name="weather", description="Weather of a city", parameters=CITY)
CLOCK = Tool(name="clock")
USER = Message(role=Role.USER, content="Hi")


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
