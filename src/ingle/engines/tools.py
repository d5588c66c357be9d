"""Tools for models with and without a tool template: the prompt, the forced call, the parsed call. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ingle.engines.schema import json_term, wrapped_grammar
from ingle.errors import InvalidRequest
from ingle.generation import Message, Role, Tool

CallParser = Callable[[str], list[tuple[str, str]]]
"""The text between the marks -> (name, arguments as JSON text) of each call; raises `ValueError`."""


class ToolFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a model writes calls: between `start` and `end`.

    An empty `end` means: to the end of the text. `at_start`: only at the very start of the answer
    counts. `keeps_start`: `start` is itself part of the call (a brace). `arguments` is the key that
    holds them in JSON calls, None when calls are written in some other way, which no schema can force
    (see `forceable`). `many`: the calls stand in a JSON list.
    """

    start: str
    end: str
    parse: CallParser
    at_start: bool = False
    keeps_start: bool = False
    arguments: str | None = "arguments"
    many: bool = False


def parse_json_calls(text: str) -> list[tuple[str, str]]:
    """Calls written as JSON: an object or a list of them, with `arguments` or `parameters`."""
    found = json.loads(text)
    calls = found if isinstance(found, list) else [found]
    parsed = []
    for call in calls:
        inner = call.get("function", call) if isinstance(call, dict) else None
        if isinstance(inner, str) or not isinstance(inner, dict):
            inner = call
        if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
            raise ValueError("a call has no name")
        arguments = inner.get("arguments", inner.get("parameters", {}))
        parsed.append((inner["name"], arguments if isinstance(arguments, str) else json.dumps(arguments)))
    if not parsed:
        raise ValueError("an empty list of calls")
    return parsed


TAGGED = ToolFormat(start="<tool_call>", end="</tool_call>", parse=parse_json_calls)
"""Hermes, Qwen, SmolLM3 and the generic prompt below."""
LISTED = ToolFormat(start="[TOOL_CALLS]", end="", parse=parse_json_calls, many=True)
"""Mistral."""
BARE = ToolFormat(
    start="{", end="", parse=parse_json_calls, at_start=True, keeps_start=True, arguments="parameters"
)
"""Llama 3: the whole answer is one JSON object."""


def tool_format(template: str) -> ToolFormat:
    """The format that a chat template which shows tools teaches its model; `TAGGED` when it is unknown."""
    if "<tool_call>" in template:
        return TAGGED
    if "[TOOL_CALLS]" in template:
        return LISTED
    if '"parameters"' in template and "python_tag" in template:
        return BARE
    return TAGGED


def forceable(format: ToolFormat) -> ToolFormat:
    """The format itself, or a bare JSON object where a schema cannot force the model's own."""
    return format if format.arguments is not None else BARE


def generic_prompt(messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> tuple[Message, ...]:
    """The conversation with the tools told in its system message, and calls and results as plain text.

    For templates that drop tools; the model is asked for the `TAGGED` format.
    """
    told = "\n".join(json.dumps(tool_schema(tool), ensure_ascii=False) for tool in tools)
    rules = (
        "You can call functions. Each line describes one as JSON:\n"
        f"{told}\n"
        "To call one, write only this, with its name and arguments:\n"
        '<tool_call>\n{"name": "...", "arguments": {...}}\n</tool_call>'
    )
    plain = [_as_text(message) for message in messages]
    if plain and plain[0].role is Role.SYSTEM:
        first = plain[0]
        return (msgspec.structs.replace(first, content=f"{first.content}\n\n{rules}"), *plain[1:])
    return (Message(role=Role.SYSTEM, content=rules), *plain)


def tool_schema(tool: Tool) -> dict[str, Any]:
    """The tool in the form that templates expect (OpenAI's `tools` entry)."""
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": parameters},
    }


def must_call(tool_choice: str, tools: Sequence[Tool]) -> tuple[Tool, ...]:
    """The tools of which one must be called; empty when the model may choose not to.

    Raises `InvalidRequest` when `tool_choice` asks for a tool that is not there.
    """
    if tool_choice in ("auto", "none"):
        return ()
    wanted = tuple(tools) if tool_choice == "required" else tuple(t for t in tools if t.name == tool_choice)
    if not wanted:
        names = ", ".join(tool.name for tool in tools) or "none was given"
        raise InvalidRequest(
            f"tool_choice asks for {tool_choice}, which is not among the tools.",
            hint=f"The tools of this request: {names}.",
            param="tool_choice",
        )
    return wanted


def forced_grammar(format: ToolFormat, wanted: Sequence[Tool]) -> str:
    """A checked grammar that is exactly one call of one of `wanted`, written in `format`."""
    shape = forceable(format)
    key = shape.arguments or "arguments"
    calls: list[dict[str, Any]] = [
        {
            "type": "object",
            "properties": {"name": {"const": tool.name}, key: {"$ref": f"#/$defs/{number}"}},
            "required": ["name", key],
            "additionalProperties": False,
        }
        for number, tool in enumerate(wanted)
    ]
    nothing = {"type": "object", "properties": {}, "additionalProperties": False}
    parameters = {str(n): _moved(tool.parameters or nothing, f"#/$defs/{n}") for n, tool in enumerate(wanted)}
    one: dict[str, Any] = {"anyOf": calls} if len(calls) > 1 else calls[0]
    if shape.many:
        one = {"type": "array", "items": one, "minItems": 1, "maxItems": 1}
    one = {**one, "$defs": parameters}
    if shape.keeps_start:
        return wrapped_grammar("", json_term(one), "")
    before = shape.start + ("\n" if shape.end else "")
    return wrapped_grammar(before, json_term(one), "\n" + shape.end if shape.end else "")


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


def _as_text(message: Message) -> Message:
    if message.role is Role.TOOL:
        return Message(role=Role.USER, content=f"<tool_response>\n{message.content}\n</tool_response>")
    if not message.tool_calls:
        return message
    calls = "\n".join(
        f'<tool_call>\n{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}}}\n</tool_call>'
        for call in message.tool_calls
    )
    text = f"{message.content}\n{calls}" if message.content else calls
    return Message(role=Role.ASSISTANT, content=text)
