"""Writes the grammar of calls whose arguments stand one by one between marks, as Qwen3-Coder and GLM write them. Pure.

A value is text as it is for strings, and JSON for everything else; so a schema binds only where its properties
have one type each and strings have no pattern or length. What it cannot say so is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from ingle.engines.schema import json_term
from ingle.errors import Unsupported
from ingle.generation import Tool


class FlatMarks(msgspec.Struct, frozen=True, kw_only=True):
    """The marks of one way: around the name, around a key, before and behind a value, at the end."""

    name: tuple[str, str]
    key: tuple[str, str]
    value: tuple[str, str]
    close: str


QWEN_CODER = FlatMarks(
    name=("<function=", ">"), key=("<parameter=", ">"), value=("", "</parameter>"), close="</function>"
)
GLM = FlatMarks(
    name=("", ""), key=("<arg_key>", "</arg_key>"), value=("<arg_value>", "</arg_value>"), close=""
)

_SPACE = r"/[ \n]{0,2}/"
_NOTES = frozenset({"type", "description", "title", "default", "examples", "$schema", "$comment"})
"""Keywords that bind nothing, and the type, which is looked at."""
_OBJECT = _NOTES | {"properties", "required", "additionalProperties", "$defs", "definitions"}
_STRING = _NOTES | {"enum", "const"}
_JSON_TYPES = ("integer", "number", "boolean", "array", "object")


def flat_rules(marks: FlatMarks, end: str, tools: Sequence[Tool]) -> str:
    """The rule `one`: a call of one of `tools` up to the mark `end`, which no string may hold.

    Strict tools keep their schema, others have any arguments. Raises `Unsupported` naming what cannot be kept.
    """
    held = f"/(.|\\n)*{_escaped(end)}(.|\\n)*/"
    rules = [
        "one: " + " | ".join(f"one_{number}" for number in range(len(tools))),
        # the parsers of some families take the word for no value
        rf"STRING: /(.|\n)*/ & ~{held} & ~/[ \n]*[nN][uU][lL][lL][ \n]*/",
        f"string[lazy]: STRING {_quoted(marks.value[1])}",
        r"KEY: /[^<>\s]+/",
        f"any: {_quoted(marks.key[0])} KEY {_quoted(marks.key[1])} {_SPACE} {_opened(marks)} string {_SPACE}",
    ]
    for number, tool in enumerate(tools):
        name = _quoted(marks.name[0] + tool.name + marks.name[1])
        arguments = _arguments(marks, number, tool, rules) if tool.strict else "any*"
        rules.append(
            f"one_{number}: {name} {_SPACE} {arguments} {_quoted(marks.close) if marks.close else ''}"
        )
    return "\n".join([*rules, ""])


def _arguments(marks: FlatMarks, number: int, tool: Tool, rules: list[str]) -> str:
    """The arguments of one strict tool in the order of its schema; adds a rule for each."""
    schema = tool.parameters
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    strange = sorted(set(schema) - _OBJECT)
    if strange or schema.get("type", "object") != "object" or not isinstance(properties, dict):
        raise _refused(tool, ", ".join(strange) or "a schema that is no object with properties")
    missing = [key for key in required if key not in properties]
    if missing:
        raise _refused(tool, f"the required {missing[0]}, which has no schema")
    parts = []
    for at, (key, wanted) in enumerate(properties.items()):
        rule = f"one_{number}_{at}"
        before = f"{_quoted(marks.key[0] + key + marks.key[1])} {_SPACE} {_opened(marks)}"
        rules.append(f"{rule}: {before} {_value(marks, tool, key, wanted)} {_SPACE}")
        parts.append(rule if key in required else f"{rule}?")
    return " ".join(parts)


def _value(marks: FlatMarks, tool: Tool, key: str, wanted: Any) -> str:
    """The term of one value and the mark behind it."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    after = _quoted(marks.value[1])
    if kind == "string":
        strange = sorted(set(wanted) - _STRING)
        if strange:
            raise _refused(tool, f"{strange[0]} of {key}")
        choices = [wanted["const"]] if "const" in wanted else wanted.get("enum")
        if choices is None:
            return "string"
        if not all(isinstance(one, str) and one.strip() == one != "" for one in choices):
            raise _refused(tool, f"the values of {key}")
        if any(one.lower() == "null" or "<" in one for one in choices):
            raise _refused(tool, f"the values of {key}")
        return f"{_SPACE} ({' | '.join(_quoted(one) for one in choices)}) {_SPACE} {after}"
    if kind not in _JSON_TYPES:
        raise _refused(tool, f"{key}, which has not one type")
    shared: dict[str, Any] = {
        name: tool.parameters[name] for name in ("$defs", "definitions") if name in tool.parameters
    }
    return f"{_SPACE} {json_term({**wanted, **shared}, 'tools')} {_SPACE} {after}"


def _opened(marks: FlatMarks) -> str:
    return _quoted(marks.value[0]) if marks.value[0] else ""


def _refused(tool: Tool, what: str) -> Unsupported:
    return Unsupported(
        f"The schema of {tool.name} cannot be kept as this model writes calls: {what}.",
        hint="Demand the call with tool_choice, which then is JSON, or leave strict out.",
        param="tools",
    )


def _escaped(text: str) -> str:
    return "".join(f"\\x{ord(character):02x}" for character in text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
