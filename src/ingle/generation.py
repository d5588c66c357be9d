"""What travels between a person and an engine: a request, its chunks, its finish reason and usage.

Values only; nothing here acts. The field names follow OpenAI's chat-completions API where it has a
name, and mlx-lm's or llama.cpp's where it has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal

import msgspec


class Role(StrEnum):
    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(StrEnum):
    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    LOOP = "loop"  # the caller asked that a sequence which repeats itself be stopped
    CANCELLED = "cancelled"


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call the model asks for; `arguments` is JSON text, as models write it."""

    id: str
    name: str
    arguments: str


class CallPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of a call as it comes. `index` numbers the calls of one choice from 0.

    The first piece of a call has its `id` and `name`; the `arguments` of all its pieces, joined, are the
    call's arguments.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the model may call; `parameters` is a JSON schema.

    `strict`: arguments that do not satisfy it must be impossible, also where the model is free to call.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    strict: bool = False


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """`reasoning` is what the model thought before it; the chat template decides how much of it is shown again."""

    role: Role
    content: str
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    reasoning: str = ""


class SamplingParams(msgspec.Struct, frozen=True, kw_only=True):
    """How the next token is chosen. `None` means the engine's neutral value (no effect).

    `temperature` 0 is greedy, and so is next to nothing (`engines/checks.py`). `top_p`, `min_p` are probabilities; `top_k` 0 is off.
    `repetition_penalty` is multiplicative (Keskar et al. 2019, CTRL; 1.0 is off); `presence_penalty` and
    `frequency_penalty` are subtracted from logits with OpenAI's formula. The three count the last 64 tokens,
    prompt included (docs/decisions/024). `logit_bias` maps token id to an added logit, before the penalties. `top_logprobs` is the number of alternatives reported; `logprobs` turns it on.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: dict[int, float] = {}
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int = 0


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer must match. `value`: a JSON schema, a regex, a Lark grammar or a list of choices."""

    kind: Literal["json_object", "json_schema", "regex", "grammar", "choice"]
    value: Any = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """Reasoning before the answer: on or off, at most `budget` tokens of it when given."""

    enabled: bool = False
    budget: int | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Exactly one of `messages` (chat) and `prompt` (plain text, no template) is given.

    `max_tokens` None means: until the model stops or the context is full. `stop` strings are never
    part of the text. `stop_on_loop` ends a sequence that repeats itself with `FinishReason.LOOP`.
    `tool_choice` is "auto", "none", "required" or the name of a tool that must be called. Without
    `parallel_calls` a choice ends with its first call.
    """

    messages: tuple[Message, ...] | None = None
    prompt: str | None = None
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    n: int = 1
    constraint: Constraint | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    parallel_calls: bool = True
    thinking: Thinking = Thinking()
    stop_on_loop: bool = False
    template: str | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens; times in seconds, measured inside the engine."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    prefill_seconds: float = 0.0
    decode_seconds: float = 0.0


class TokenLogprob(msgspec.Struct, frozen=True, kw_only=True):
    """Natural-log probability of one emitted token, and of its `top` alternatives (text, logprob).

    They are the model's own: before temperature, filters, penalties, biases and constraints. Several tokens
    that make one character are one entry, with the probability of the last of them.
    """

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of an answer. `index` is the choice (0 .. n-1). `whole_calls` joins `tool_calls`.

    The last chunk of a choice has its `finish_reason`; the last chunk of the request has `usage`.
    """

    index: int = 0
    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[CallPart, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    tokens: int = 0
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


def whole_calls(parts: Iterable[CallPart]) -> tuple[ToolCall, ...]:
    """The calls of one choice, from all its parts in the order they came."""
    calls: dict[int, ToolCall] = {}
    for part in parts:
        known = calls.get(part.index)
        if known is None:
            calls[part.index] = ToolCall(id=part.id, name=part.name, arguments=part.arguments)
        else:
            calls[part.index] = msgspec.structs.replace(known, arguments=known.arguments + part.arguments)
    return tuple(calls[index] for index in sorted(calls))
