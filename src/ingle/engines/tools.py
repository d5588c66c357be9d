"""Tells a model its tools: the prompt where its template tells none, and which of them it must call. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from ingle.errors import InvalidRequest
from ingle.generation import Message, Role, Tool


def generic_prompt(messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> tuple[Message, ...]:
    """The conversation with the tools told in its system message, and calls and results as plain text.

    For templates that drop tools; the model is asked for the format `TAGGED` of toolformats.py.
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
    """The tool in the form that templates and parsers expect (OpenAI's `tools` entry)."""
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
    return Message(role=Role.ASSISTANT, content=text, reasoning=message.reasoning)
