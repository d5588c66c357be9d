"""Renders a conversation with a model's chat template, in a sandbox; the same for every engine.

The dialect is the one of Hugging Face's `apply_chat_template`: Jinja2 with trimmed blocks, loop
controls, `raise_exception`, `strftime_now` and a `tojson` that does not escape HTML.
"""

from __future__ import annotations

import datetime
import json
from typing import Any, NoReturn

from ingle.engines.tools import generic_prompt, tool_schema
from ingle.errors import InvalidRequest, NoChatTemplate
from ingle.generation import Message, Tool

MAX_RENDERED = 64 * 1024 * 1024
"""Characters; a template is foreign code, and a loop in one must not fill the memory."""


class ChatTemplate:
    """A compiled template. Raises `InvalidRequest` when its text is no template."""

    def __init__(self, text: str, *, bos: str = "", eos: str = "") -> None:
        from jinja2.exceptions import TemplateSyntaxError
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_generation_tag(), loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise
        environment.globals["strftime_now"] = _now
        try:
            self._template = environment.from_string(text)
        except TemplateSyntaxError as exc:
            raise InvalidRequest(
                f"The chat template does not parse: {exc.message} (line {exc.lineno}).",
                hint="Mend the template, or give another.",
                param="template",
            ) from exc
        self.text = text
        self.marks = {"bos": bos, "eos": eos}
        self.shows_tools = self._shows_tools()

    def render(
        self,
        messages: tuple[Message, ...],
        tools: tuple[Tool, ...] = (),
        *,
        thinking: bool = False,
        opening: bool = True,
    ) -> str:
        """The prompt text. `opening` adds the start of the assistant's turn.

        Tools that the template would drop are told in the generic prompt instead. Raises
        `InvalidRequest` with the template's own words when it refuses the conversation.
        """
        if tools and not self.shows_tools:
            messages, tools = generic_prompt(messages, tools), ()
        shown = [_as_dict(message) for message in messages]
        told = [tool_schema(tool) for tool in tools] or None
        return self._run(messages=shown, tools=told, add_generation_prompt=opening, enable_thinking=thinking)

    @property
    def knows_thinking(self) -> bool:
        """Whether the template has a switch or marks for reasoning."""
        return "enable_thinking" in self.text or "think>" in self.text or "[THINK]" in self.text

    def _shows_tools(self) -> bool:
        """Whether tools given to this template come out in its text, tried with a marked one."""
        mark = "ingle_probe_tool"
        tool = tool_schema(Tool(name=mark, description="x", parameters={"type": "object", "properties": {}}))
        question = [{"role": "user", "content": "x"}]
        try:
            return mark in self._run(messages=question, tools=[tool], add_generation_prompt=True)
        except InvalidRequest:
            return False

    def _run(self, **values: Any) -> str:
        from jinja2.exceptions import TemplateError

        marks = {f"{name}_token": token for name, token in self.marks.items()}
        pieces, size = [], 0
        try:
            for piece in self._template.generate(**marks, **values):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_RENDERED:
                    raise InvalidRequest(
                        "The chat template writes without end.", hint="Mend it, or give another."
                    )
        except (TemplateError, TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as exc:
            raise InvalidRequest(
                f"The chat template refuses this conversation: {exc}.",
                hint="Templates often want roles to alternate and the system message first.",
                param="messages",
            ) from exc
        return "".join(pieces)


def chat_template(text: str | None, model: str, *, bos: str = "", eos: str = "") -> ChatTemplate:
    """The template, compiled; raises `NoChatTemplate` when there is none: Ingle never guesses one."""
    if not text:
        raise NoChatTemplate(model)
    return ChatTemplate(text, bos=bos, eos=eos)


def _as_dict(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.name is not None:
        shown["name"] = message.name
    if message.tool_call_id is not None:
        shown["tool_call_id"] = message.tool_call_id
    if message.reasoning:
        shown["reasoning_content"] = message.reasoning
    if message.tool_calls:
        shown["tool_calls"] = [
            {
                "type": "function",
                "id": call.id,
                "function": {"name": call.name, "arguments": _arguments(call.arguments)},
            }
            for call in message.tool_calls
        ]
    return shown


def _arguments(text: str) -> Any:
    # templates pass arguments through tojson, or iterate over them: they want the value, not its text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **others: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **others)


def _raise(message: str) -> NoReturn:
    from jinja2.exceptions import TemplateError

    raise TemplateError(message)


def _now(format: str) -> str:
    return datetime.datetime.now().astimezone().strftime(format)


def _generation_tag() -> type[Any]:
    """The `{% generation %}` block that training templates carry: here its body, unchanged."""
    from jinja2 import nodes
    from jinja2.ext import Extension
    from jinja2.parser import Parser

    class GenerationTag(Extension):
        tags = {"generation"}  # noqa: RUF012  (the name and kind that Jinja2 asks for)

        def parse(self, parser: Parser) -> nodes.Node:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    return GenerationTag
