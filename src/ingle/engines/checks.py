"""Refuses requests whose values no engine accepts, before any engine sees them. Pure."""

from __future__ import annotations

import math
import re
from typing import Any

from ingle.errors import InvalidRequest, PromptTooLong
from ingle.generation import Generation, SamplingParams

PENALTY_WINDOW = 64
"""Tokens that the penalties look back on, prompt included, on every engine (llama.cpp's default)."""

COLDEST = 1e-6
"""Temperatures below it are greedy: scores divided by less leave the range of 32-bit numbers, and what is drawn then is noise."""

LARGEST_BIAS = 1e4
"""Above any logit, and below what 16-bit numbers hold: larger biases, infinities too, say no more than always and never."""

MAX_TOP_LOGPROBS = 20
MAX_CHOICES = 16
MAX_STOPS = 16

_TOOL_NAME = re.compile(r"[\w.:/-]{1,256}")
"""What every way of writing calls can carry; OpenAI's own rule is narrower."""

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0.0, 100.0),
    ("top_p", 0.0, 1.0),
    ("top_k", 0, math.inf),
    ("min_p", 0.0, 1.0),
    ("repetition_penalty", 0.01, 100.0),
    ("presence_penalty", -100.0, 100.0),
    ("frequency_penalty", -100.0, 100.0),
    ("top_logprobs", 0, MAX_TOP_LOGPROBS),
)


def check_generation(generation: Generation) -> None:
    """Raises `InvalidRequest` naming the first field that no engine accepts."""
    if (generation.messages is None) == (generation.prompt is None):
        raise _wrong("messages", "give messages or a prompt, one of them and not both")
    if generation.messages is not None and not generation.messages:
        raise _wrong("messages", "there must be at least one")
    if generation.max_tokens is not None and generation.max_tokens < 1:
        raise _wrong("max_tokens", f"{generation.max_tokens} is less than 1")
    if not 1 <= generation.n <= MAX_CHOICES:
        raise _wrong("n", f"{generation.n} is not between 1 and {MAX_CHOICES}")
    if len(generation.stop) > MAX_STOPS or not all(generation.stop):
        raise _wrong("stop", f"at most {MAX_STOPS} strings, none of them empty")
    budget = generation.thinking.budget
    if budget is not None and budget < 0:
        raise _wrong("thinking.budget", f"{budget} is negative")
    if budget is not None and not generation.thinking.enabled:
        raise _wrong("thinking.budget", "it needs thinking turned on")
    if generation.messages is None:
        _check_plain(generation)
    constraint = generation.constraint
    if constraint is not None and constraint.kind == "json_object" and constraint.value is not None:
        raise _wrong("constraint", "json_object takes no value; json_schema does")
    if generation.tool_choice not in ("auto", "none") and generation.constraint is not None:
        raise _wrong("tool_choice", "a forced call and a constraint cannot both shape the answer")
    names = [tool.name for tool in generation.tools]
    if len(set(names)) != len(names) or not all(names):
        raise _wrong("tools", "each needs a name of its own")
    bare = next((tool.name for tool in generation.tools if not _takes_object(tool.parameters)), None)
    if bare is not None:
        raise _wrong("tools", f"the arguments of {bare} are an object, and its schema says otherwise")
    strange = next((name for name in names if not _TOOL_NAME.fullmatch(name)), None)
    if strange is not None:
        raise _wrong("tools", f"{strange!r} is no name: letters, digits and _ - . : / are, at most 256")
    _check_sampling(generation.sampling)


def _takes_object(parameters: dict[str, Any]) -> bool:
    kinds = parameters.get("type", "object")
    return "object" in (kinds if isinstance(kinds, list) else [kinds])


def _check_plain(generation: Generation) -> None:
    """What only a chat has."""
    given = {
        "tools": bool(generation.tools),
        "tool_choice": generation.tool_choice not in ("auto", "none"),
        "thinking": generation.thinking.enabled,
        "template": generation.template is not None,
    }
    for name, there in given.items():
        if there:
            raise _wrong(name, "it needs messages, not a prompt")


def check_fits(tokens: int, context: int) -> int:
    """How many tokens of the context are left for the answer.

    Raises `PromptTooLong` when not even one is: a prompt is never cut.
    """
    if tokens >= context:
        raise PromptTooLong(tokens, context)
    return context - tokens


def check_vocabulary(sampling: SamplingParams, size: int) -> None:
    """Raises `InvalidRequest` when a bias names a token that the model's `size` tokens do not have."""
    strange = [token for token in sampling.logit_bias if token >= size]
    if strange:
        raise _wrong("logit_bias", f"the model has {size} tokens and no token {strange[0]}")


def is_greedy(sampling: SamplingParams) -> bool:
    """Whether only the likeliest token may be chosen."""
    return sampling.temperature < COLDEST or sampling.top_k == 1


def biases(sampling: SamplingParams) -> dict[int, float]:
    """`logit_bias` in the range in which every engine can add it."""
    return {token: max(-LARGEST_BIAS, min(LARGEST_BIAS, bias)) for token, bias in sampling.logit_bias.items()}


def _check_sampling(sampling: SamplingParams) -> None:
    for name, low, high in _RANGES:
        value = getattr(sampling, name)
        if not (low <= value <= high):
            raise _wrong(name, f"{value} is not between {low:g} and {high:g}")
    if sampling.top_p == 0.0:
        raise _wrong("top_p", "0 would leave no token to choose")
    if sampling.top_logprobs and not sampling.logprobs:
        raise _wrong("top_logprobs", "it needs logprobs turned on")
    for token, bias in sampling.logit_bias.items():
        if token < 0 or math.isnan(bias):
            raise _wrong("logit_bias", f"{token}: {bias} is no token with a number")


def _wrong(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{param} cannot be used as it is: {why}.", param=param)
