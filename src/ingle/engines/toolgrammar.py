"""Writes the grammars of calls: one that demands a call, one that leaves the model free and binds what it calls. Pure.

The free one is text in which the mark of a call may come at any point; from the mark on, only a call that
keeps its schema is possible. llguidance reads the text up to the mark with a lazy lexeme.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ingle.engines.flatcalls import flat_rules
from ingle.engines.schema import checked, json_term
from ingle.engines.toolformats import BARE, TokenOf, ToolFormat, Writing
from ingle.errors import Unsupported
from ingle.generation import Tool

_TEXT = r"(.|\n)*"
_SPACE = r"/[ \n]{0,2}/"
"""Between a mark and its call; models differ, and small ones would write blanks for ever."""
_NO_BRACE = r"[ \t\r\n]*([^ \t\r\n{](.|\n)*)?"


def forceable(format: ToolFormat) -> ToolFormat:
    """The format itself, or a bare JSON object where no grammar here writes the model's own."""
    return BARE if format.writing is Writing.OWN else format


def forced_grammar(format: ToolFormat, wanted: Sequence[Tool], token_of: TokenOf | None = None) -> str:
    """A checked grammar that is exactly one call of one of `wanted`, written in `format`.

    `token_of` lets marks that are control tokens be written as such. Raises `Unsupported` for a schema that
    the grammar engine cannot keep.
    """
    shape = forceable(format)
    rules = _one(shape, wanted, token_of, every=True)
    if shape.keeps_start:
        return checked(f"start: one\n{rules}", "tools")
    before, after = (r'"\n"', rf'"\n" {_mark(shape.end, token_of)}') if shape.end else ("", "")
    body = '"[" one "]"' if shape.many else "one"
    return checked(f"start: {_mark(shape.start, token_of)} {before} {body} {after}\n{rules}", "tools")


def free_grammar(
    format: ToolFormat,
    tools: Sequence[Tool],
    token_of: TokenOf | None = None,
    *,
    never: str = "",
    answer: str | None = None,
) -> str:
    """A checked grammar of an answer that may call: arguments of strict tools keep their schema.

    The answer around the calls is any text that does not begin with `never` (the mark of reasoning that is
    turned off), or with an `answer` term: either that and no call, or calls alone. Raises `Unsupported`
    naming the tools where this model's way of writing calls cannot be held to a schema.
    """
    _refuse(format, answer)
    rules = [
        f"TEXT: /{_TEXT}/",
        f"FREE: /{_NO_BRACE if format.keeps_start else _TEXT}/{_but_not(never)}",
        _one(format, tools, token_of, every=False),
    ]
    if format.keeps_start:
        return checked("\n".join(["start: FREE | one", *rules]), "tools")
    after = f"{_SPACE} {_mark(format.end, token_of)}" if format.end else ""
    rules.append(f"call: {_SPACE} {_some(format)} {after}")
    start = _mark(format.start, token_of)
    if answer is not None:
        many = f"(/\\n?/ {start} call)*" if format.end or format.head else ""
        either = [f"start: answer | {start} call {many}", f"answer: {answer}", *rules[2:]]
        return checked("\n".join(either), "tools")
    text, quoted = ("TEXT", _quoted(format.start))
    number = token_of(format.start) if token_of else None
    for name, before in (("first", "FREE"), ("next", "TEXT")):
        other = f" | {before} <[{number}]>" if number is not None else ""
        rules += [f"{name}_text[lazy]: {before} {quoted}", f"{name}: {name}_text{other}"]
    ended = f"(next call)* {text}" if format.end else "(next call)*" if format.head else ""
    return checked("\n".join([f"start: FREE | first call {ended}", *rules]), "tools")


def _refuse(format: ToolFormat, answer: str | None) -> None:
    if (format.writing is Writing.OWN and format.flat is None) or not format.known:
        what = "a strict tool" if answer is None else "a constraint beside tools"
        why = "in a way that no schema can bind" if format.known else "in a way that is not known here"
        raise Unsupported(
            f"This model writes its calls {why}, so {what} cannot be kept while it is free to call.",
            hint="Demand the call with tool_choice, or leave strict out."
            if answer is None
            else "Use tool_choice none, or demand the call.",
            param="tools",
        )
    if format.keeps_start and answer is not None:
        raise Unsupported(
            "This model writes its calls as bare JSON, which cannot be told from a constrained answer.",
            hint="Use tool_choice none, or demand the call.",
            param="tools",
        )


def _some(format: ToolFormat) -> str:
    return '"[" one ("," / ?/ one)* "]"' if format.many else "one"


def _one(format: ToolFormat, tools: Sequence[Tool], token_of: TokenOf | None, *, every: bool) -> str:
    """The rule `one`: a call of one of `tools`; with `every`, the schema of each binds, strict or not."""
    if format.flat is not None:
        return flat_rules(format.flat, format.end, tools)
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    schemas = [(tool.parameters or nothing) if every or tool.strict else {"type": "object"} for tool in tools]
    if format.writing is Writing.HEADED:
        names = " | ".join(f"one_{number}" for number in range(len(tools)))
        head = _mark(format.head, token_of)
        rules = [
            f"one_{number}: {_quoted(tool.name)} {head} {json_term(schema, 'tools')}"
            for number, (tool, schema) in enumerate(zip(tools, schemas, strict=True))
        ]
        return "\n".join([f"one: {names}", *rules, ""])
    key = format.arguments
    calls: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, key: {"$ref": f"#/$defs/{number}"}},
            "required": ["name", key],
            "additionalProperties": False,
        }
        for number, tool in enumerate(tools)
    ]
    parameters = {str(number): _moved(schema, f"#/$defs/{number}") for number, schema in enumerate(schemas)}
    one: dict[str, Any] = {"anyOf": calls} if len(calls) > 1 else calls[0]
    return f"one: {json_term({**one, '$defs': parameters}, 'tools')}\n"


def _moved(schema: Any, root: str) -> Any:
    """The same schema with its references to its own root pointing to where it now stands."""
    if isinstance(schema, list):
        return [_moved(part, root) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: root + value[1:]
        if key == "$ref" and isinstance(value, str) and value.startswith("#")
        else _moved(value, root)
        for key, value in schema.items()
    }


def _mark(text: str, token_of: TokenOf | None) -> str:
    """A mark as text or, where the vocabulary has it, as that one token."""
    number = token_of(text) if token_of is not None else None
    return _quoted(text) if number is None else f"({_quoted(text)} | <[{number}]>)"


def _but_not(beginning: str) -> str:
    if not beginning:
        return ""
    # as numbers: a backslash before punctuation has meanings of its own in this dialect
    escaped = "".join(f"\\x{ord(character):02x}" for character in beginning)
    return rf" & ~/[ \t\r\n]*{escaped}{_TEXT}/"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
