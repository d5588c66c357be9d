"""Turns a request into what an engine needs to begin: prompt text, checked grammar, shape of the answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from ingle.engines.assemble import AnswerShape
from ingle.engines.checks import check_generation
from ingle.engines.reasoning import ReasoningFormat, prompt_opens_reasoning, reasoning_format
from ingle.engines.schema import constraint_grammar, constraint_term
from ingle.engines.templates import ChatTemplate
from ingle.engines.toolformats import TAGGED, Family, TokenOf, ToolFormat, tool_format, way_of
from ingle.engines.toolgrammar import forceable, forced_grammar, free_grammar
from ingle.engines.tools import must_call
from ingle.errors import NoChatTemplate, Unsupported
from ingle.generation import Generation, Tool


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`prompt` is the whole text. `grammar` must be enforced from the first token of the answer; with `thinks`
    that comes after the reasoning, which the prompt has opened. `as_text` is the same without token numbers, to
    check a text with. `shape` has index 0; replace it for further choices. `special`: the tokenizer adds what it
    puts in front of a text; a chat template writes that itself, as Hugging Face has it."""

    prompt: str
    shape: AnswerShape
    grammar: str | None = None
    as_text: str | None = None
    thinks: bool = False
    special: bool = False


def prepare(
    generation: Generation,
    template: ChatTemplate | None,
    model: str,
    *,
    request: str = "0",
    token_of: TokenOf | None = None,
    marks: Mapping[str, str] | None = None,
) -> Prepared:
    """Check and render one request. `template` is the model's own (None: it has none); the request's
    own template wins. `token_of` looks a text up in the model's vocabulary, `marks` are its texts of `bos` and `eos`.

    Raises `InvalidRequest`, `NoChatTemplate` and `Unsupported`, before any token is spent.
    """
    check_generation(generation)
    constraint = constraint_grammar(generation.constraint) if generation.constraint else None
    given = marks or (template.marks if template is not None else {})
    if generation.messages is None:
        shape = AnswerShape(stop=generation.stop, stop_on_loop=generation.stop_on_loop, call_seed=request)
        prompt, first = generation.prompt or "", given.get("bos")
        return Prepared(
            prompt=prompt,
            shape=shape,
            grammar=constraint,
            as_text=constraint,
            special=not (first and prompt.startswith(first)),
        )
    if generation.template is not None:
        template = ChatTemplate(generation.template, **given)
    if template is None:
        raise NoChatTemplate(model)
    return _chat(generation, template, constraint, request, token_of)


def _chat(
    generation: Generation,
    template: ChatTemplate,
    constraint: str | None,
    request: str,
    token_of: TokenOf | None,
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
    calls = _format(template, tools, token_of) if tools else None
    if calls is not None and wanted:
        calls = forceable(calls)
    elif calls is not None and not calls.read:
        raise Unsupported(
            "This model writes its calls in a way that is not read here, so a call it chose to make would be lost.",
            hint="Demand the call with tool_choice (required, or a name), which then is JSON.",
            param="tools",
        )
    prompt = template.render(generation.messages or (), tools, thinking=thinking.enabled)
    marks = reasoning_format(template.text)
    inside = prompt_opens_reasoning(prompt, marks)
    thinks = thinking.enabled and thinking.budget != 0
    if inside and not thinks:
        prompt, inside = prompt + closed(marks), False
    grammar = as_text = constraint
    if calls is not None:
        write = partial(_call_grammar, generation, calls, wanted, "" if thinks else marks.open)
        grammar, as_text = write(token_of), write(None)
    if grammar is not None and thinks and not inside:
        # a grammar begins where the reasoning ends, which only reasoning that was begun tells
        prompt, inside = prompt + marks.open, True
    shape = AnswerShape(
        stop=generation.stop,
        stop_on_loop=generation.stop_on_loop,
        reasoning=marks,
        inside=inside,
        budget=thinking.budget if thinks else 0,
        tools=calls,
        one_call=not generation.parallel_calls,
        call_seed=request,
    )
    return Prepared(prompt=prompt, shape=shape, grammar=grammar, as_text=as_text, thinks=thinks)


def closed(marks: ReasoningFormat) -> str:
    """What is written in the model's place to end its reasoning."""
    return f"\n{marks.close}\n\n"


def calls_note(template: ChatTemplate | None, token_of: TokenOf | None) -> str:
    """What people should know of a model's calls before they rely on them; empty: they are read as it writes them."""
    if template is None or not template.shows_tools:
        return ""
    found = way_of(template.text, token_of)
    if isinstance(found, Family) or found.known:
        return ""
    if not found.read:
        return "its own way of writing calls is not read: tools need a tool_choice that demands one"
    return f"its template names no mark of calls: {found.start} is a guess"


def _format(template: ChatTemplate, tools: tuple[Tool, ...], token_of: TokenOf | None) -> ToolFormat:
    if not template.shows_tools:
        return TAGGED  # the generic prompt teaches it
    return tool_format(template.text, tools, token_of)


def _call_grammar(
    generation: Generation,
    calls: ToolFormat,
    wanted: tuple[Tool, ...],
    never: str,
    token_of: TokenOf | None,
) -> str | None:
    """What binds an answer that must or may call; None when nothing does."""
    if wanted:
        return forced_grammar(calls, wanted, token_of)
    constraint = generation.constraint
    if constraint is None and not any(tool.strict for tool in generation.tools):
        return None
    answer = constraint_term(constraint) if constraint is not None else None
    if constraint is not None and answer is None:
        raise Unsupported(
            "A grammar and tools that may be called cannot both shape the answer.",
            hint="Use tool_choice none, or write the answer as a schema, a regex or a choice.",
            param="tools",
        )
    return free_grammar(calls, generation.tools, token_of, never=never, answer=answer)
