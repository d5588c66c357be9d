"""Calls in the families' own ways of writing are understood; demanded ones stay JSON."""

from __future__ import annotations

import json

from ingle.engines.mlx.toolformats import ToolFormats
from ingle.generation import Tool
from tests.engines.mlx.asking import chat

WEATHER = Tool(name="weather", parameters={"type": "object", "properties": {"days": {"type": "integer"}}})
QWEN_CODER = (
    "{{ tools }}<tool_call>\n<function=name>\n<parameter=key>value</parameter></function></tool_call>"
)


def test_a_family_is_told_by_its_template_and_parsed_with_its_types() -> None:
    found = ToolFormats(QWEN_CODER, dict).of(chat(tools=(WEATHER,)))
    assert found is not None and (found.start, found.end) == ("<tool_call>", "</tool_call>")
    ((name, arguments),) = found.parse("<function=weather>\n<parameter=days>\n3\n</parameter>\n</function>")
    assert (name, json.loads(arguments)) == ("weather", {"days": 3})


def test_a_demanded_call_and_plain_json_are_left_to_the_shared_formats() -> None:
    assert ToolFormats(QWEN_CODER, dict).of(chat(tools=(WEATHER,), tool_choice="required")) is None
    assert ToolFormats("<tool_call>{{ tool_call.name }}", dict).of(chat(tools=(WEATHER,))) is None
    assert ToolFormats(None, dict).of(chat(tools=(WEATHER,))) is None


def test_text_that_is_no_call_is_a_value_error() -> None:
    found = ToolFormats("[TOOL_CALLS]", dict).of(chat(tools=(WEATHER,)))
    assert found is not None
    try:
        found.parse("nothing of the kind")
    except ValueError:
        return
    raise AssertionError("it was taken for a call")
