"""Calls whose arguments stand one by one keep a strict schema, and what the grammar allows is read back as it was meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engines.schema import satisfies
from ingle.engines.toolformats import ToolFormat, tool_format
from ingle.engines.toolgrammar import free_grammar
from ingle.errors import Unsupported
from ingle.generation import Tool

pytestmark = pytest.mark.slow

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "Where."},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "hours": {"type": "array", "items": {"$ref": "#/$defs/hour"}},
        "exact": {"type": "boolean"},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
    "$defs": {"hour": {"type": "integer", "minimum": 0, "maximum": 23}},
}
WEATHER = Tool(name="weather", parameters=PARAMETERS, strict=True)
CLOCK = Tool(name="clock", parameters={"type": "object", "properties": {"zone": {"type": "string"}}})
TOOLS = (WEATHER, CLOCK)
TEMPLATES = {"qwen coder": "<tool_call>\n<function=name>", "glm": "{{ name }}<arg_key>"}
WAYS = {name: tool_format(template, TOOLS) for name, template in TEMPLATES.items()}
GRAMMARS = {name: free_grammar(way, TOOLS) for name, way in WAYS.items()}
ASKED: dict[str, Any] = {"city": "Bad Ems", "days": 3}


def inside(way: str, name: str, arguments: dict[str, Any], space: str = "\n") -> str:
    """What stands between the marks of a call."""
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in arguments.items()}
    if way == "glm":
        values = [
            f"<arg_key>{key}</arg_key>{space}<arg_value>{text}</arg_value>" for key, text in texts.items()
        ]
        return space.join([name, *values])
    values = [f"<parameter={key}>{space}{text}{space}</parameter>" for key, text in texts.items()]
    return space.join([f"<function={name}>", *values, "</function>"])


def call(way: str, name: str, arguments: dict[str, Any], space: str = "\n") -> str:
    return f"<tool_call>{space}{inside(way, name, arguments, space)}{space}</tool_call>"


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=40, deadline=None)
@given(
    city=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
        lambda text: text.strip() == text and "<" not in text and text.lower() != "null"
    ),
    days=st.integers(1, 9),
    more=st.fixed_dictionaries(
        {},
        optional={
            "unit": st.sampled_from(["C", "F"]),
            "hours": st.lists(st.integers(0, 23), max_size=3),
            "exact": st.booleans(),
        },
    ),
    space=st.sampled_from(["", "\n"]),
)
def test_what_keeps_the_schema_is_allowed_and_read_back(
    way: str, city: str, days: int, more: dict[str, Any], space: str
) -> None:
    known = {"city": city, "days": days, **more}
    arguments = {key: known[key] for key in PARAMETERS["properties"] if key in known}
    written = call(way, "weather", arguments, space)
    assert satisfies(GRAMMARS[way], f"Let me see.{written}\n{written}")
    ((name, found),) = WAYS[way].parse(inside(way, "weather", arguments, space))
    assert (name, json.loads(found)) == ("weather", arguments)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"city": "Bern"},
        {"days": 3},
        {"city": "Bern", "days": 12},
        {"city": "Bern", "days": "many"},
        {"city": "Bern", "days": 3, "unit": "K"},
        {"city": "Bern", "days": 3, "hours": [25]},
        {"city": "Bern", "days": 3, "more": 1},
        {"city": "null", "days": 3},
        {"city": "a</tool_call>b", "days": 3},
        {"days": 3, "city": "Bern"},
        {},
    ],
    ids=json.dumps,
)
def test_what_breaks_the_schema_is_impossible(way: str, arguments: dict[str, Any]) -> None:
    assert not satisfies(GRAMMARS[way], call(way, "weather", arguments))


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_that_is_not_strict_has_any_arguments_and_text_stays_free(way: str) -> None:
    for arguments in ({}, {"zone": "UTC"}, {"what": "ever", "n": 3}):
        assert satisfies(GRAMMARS[way], call(way, "clock", arguments))
    assert not satisfies(GRAMMARS[way], call(way, "stove", ASKED))
    assert satisfies(GRAMMARS[way], "No call.\n<tool <function=weather>")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a+$"}}},
        {"type": "object", "properties": {"a": {"type": "string", "enum": ["null"]}}},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
        {"type": "object", "properties": {"a": {"type": "array", "uniqueItems": True}}},
        {"type": "object", "properties": {}, "required": ["a"]},
        {"type": "object", "properties": {}, "minProperties": 1},
        {"anyOf": [{"type": "object"}]},
    ],
    ids=json.dumps,
)
def test_a_schema_that_cannot_be_said_so_is_refused_by_name(
    way: ToolFormat, parameters: dict[str, Any]
) -> None:
    with pytest.raises(Unsupported) as raised:
        free_grammar(way, (Tool(name="f", parameters=parameters, strict=True),))
    assert raised.value.details["param"] == "tools"
