"""Turns a request into what an engine needs to begin: prompt text, checked grammar, shape of the answer. Pure."""

from __future__ import annotations

import msgspec

from ingle.engines.assemble import AnswerShape
from ingle.engines.checks import check_generation
from ingle.engines.reasoning import ReasoningFormat, prompt_opens_reasoning, reasoning_format
from ingle.engines.schema import constraint_grammar
from ingle.engines.templates import ChatTemplate
from ingle.engines.tools import ToolFormat, forceable, forced_grammar, must_call, tool_format
from ingle.errors import NoChatTemplate, Unsupported
from ingle.generation import Generation, Tool


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`prompt` is the whole text. `grammar` must be enforced from the first token of the answer, which
    comes after the reasoning when `thinks`. `shape` has index 0; replace it for further choices."""

    prompt: str
    shape: AnswerShape
    grammar: str | None = None
    thinks: bool = False


def prepare(
    generation: Generation,
    template: ChatTemplate | None,
    model: str,
    *,
    request: str = "0",
    tools_format: ToolFormat | None = None,
) -> Prepared:
    """Check and render one request. `template` is the model's own (None: it has none); the request's
    own template wins. `tools_format` is given by engines that know their model's format better.

    Raises `InvalidRequest`, `NoChatTemplate` and `Unsupported`, before any token is spent.
    """
    check_generation(generation)
    constraint = constraint_grammar(generation.constraint) if generation.constraint else None
    if generation.messages is None:
        shape = AnswerShape(stop=generation.stop, stop_on_loop=generation.stop_on_loop, call_seed=request)
        return Prepared(prompt=generation.prompt or "", shape=shape, grammar=constraint)
    if generation.template is not None:
        marks = template.marks if template is not None else {}
        template = ChatTemplate(generation.template, **marks)
    if template is None:
        raise NoChatTemplate(model)
    return _chat(generation, template, constraint, request, tools_format)


def _chat(
    generation: Generation,
    template: ChatTemplate,
    constraint: str | None,
    request: str,
    known_format: ToolFormat | None,
) -> Prepared:
    thinking = generation.thinking
    if thinking.enabled and not template.knows_thinking:
        raise Unsupported(
            "This model's chat template has no reasoning to turn on.",
            hint="Leave thinking off, or take a model that reasons.",
            param="thinking",
        )
    tools: tuple[Tool, ...] = () if generation.tool_choice == "none" else generation.tools
    wanted = must_call(generation.tool_choice, tools)
    calls = _format(template, known_format) if tools else None
    if calls is not None and wanted:
        calls = forceable(calls)
    prompt = template.render(generation.messages or (), tools, thinking=thinking.enabled)
    marks = reasoning_format(template.text)
    inside = prompt_opens_reasoning(prompt, marks)
    thinks = thinking.enabled and thinking.budget != 0
    if inside and not thinks:
        prompt, inside = prompt + closed(marks), False
    shape = AnswerShape(
        stop=generation.stop,
        stop_on_loop=generation.stop_on_loop,
        reasoning=marks,
        inside=inside,
        budget=thinking.budget if thinks else 0,
        tools=calls,
        call_seed=request,
    )
    grammar = forced_grammar(calls, wanted) if calls is not None and wanted else constraint
    return Prepared(prompt=prompt, shape=shape, grammar=grammar, thinks=thinks)


def closed(marks: ReasoningFormat) -> str:
    """What is written in the model's place to end its reasoning."""
    return f"\n{marks.close}\n\n"


def _format(template: ChatTemplate, known: ToolFormat | None) -> ToolFormat:
    if not template.shows_tools:
        return tool_format("")  # the generic prompt teaches its own
    return known or tool_format(template.text)
