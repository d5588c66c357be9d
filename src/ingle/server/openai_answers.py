"""The answers of the `/v1` routes as types, for the description alone; see `answers.py`.

Source of names and shapes: OpenAI's API reference, "Chat completions", "Completions" and "Models".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET

from ingle.server.answers import Maybe

Finish = Literal["stop", "length", "tool_calls", "loop"]


class OpenAIErrorObject(msgspec.Struct, frozen=True):
    """What went wrong, in OpenAI's shape."""

    message: str
    type: str
    param: str | None
    code: str
    details: Maybe[dict[str, Any]] = UNSET


class OpenAIError(msgspec.Struct, frozen=True):
    """The answer of a request under `/v1` that failed."""

    error: OpenAIErrorObject


class PromptDetails(msgspec.Struct, frozen=True):
    """Of the prompt's tokens."""

    cached_tokens: int


class CompletionDetails(msgspec.Struct, frozen=True):
    """Of the answer's tokens."""

    reasoning_tokens: int


class TokenUsage(msgspec.Struct, frozen=True):
    """What a request took, in tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class CalledFunction(msgspec.Struct, frozen=True):
    """What the model calls."""

    name: str
    arguments: str


class MadeCall(msgspec.Struct, frozen=True):
    """A call of a tool."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class CalledPart(msgspec.Struct, frozen=True):
    """A piece of what the model calls."""

    arguments: str
    name: Maybe[str] = UNSET


class CallDelta(msgspec.Struct, frozen=True):
    """A piece of a call; the first has its id and name."""

    index: int
    function: CalledPart
    id: Maybe[str] = UNSET
    type: Maybe[Literal["function"]] = UNSET


class OtherToken(msgspec.Struct, frozen=True):
    """A token that could have stood there."""

    token: str
    logprob: float
    bytes: list[int]


class ChosenToken(msgspec.Struct, frozen=True):
    """A token of the answer."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[OtherToken]


class ChatLogprobs(msgspec.Struct, frozen=True):
    """How likely the tokens of an answer were."""

    content: list[ChosenToken]
    refusal: None


class PlainLogprobs(msgspec.Struct, frozen=True):
    """The same, as the older completions tell it."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class AnswerMessage(msgspec.Struct, frozen=True):
    """What the model said."""

    role: Literal["assistant"]
    content: str | None
    reasoning_content: Maybe[str] = UNSET
    tool_calls: Maybe[list[MadeCall]] = UNSET


class ChatChoice(msgspec.Struct, frozen=True):
    """One of the `n` answers."""

    index: int
    finish_reason: Finish | None
    message: AnswerMessage
    logprobs: ChatLogprobs | None


class ChatCompletion(msgspec.Struct, frozen=True):
    """A whole answer to a conversation."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: Maybe[TokenUsage] = UNSET


class MessageDelta(msgspec.Struct, frozen=True):
    """What came since the last piece."""

    role: Maybe[Literal["assistant"]] = UNSET
    content: Maybe[str] = UNSET
    reasoning_content: Maybe[str] = UNSET
    tool_calls: Maybe[list[CallDelta]] = UNSET


class ChunkChoice(msgspec.Struct, frozen=True):
    """A piece of one of the `n` answers."""

    index: int
    finish_reason: Finish | None
    delta: MessageDelta
    logprobs: ChatLogprobs | None


class ChatChunk(msgspec.Struct, frozen=True):
    """The data of one event of a streamed answer; the last event is `[DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Maybe[TokenUsage | None] = UNSET


class PlainChoice(msgspec.Struct, frozen=True):
    """One of the `n` continuations, or a piece of it."""

    index: int
    finish_reason: Finish | None
    text: str
    logprobs: PlainLogprobs | None


class Completion(msgspec.Struct, frozen=True):
    """A continuation of a plain prompt, whole or, as the data of one event, a piece of it."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[PlainChoice]
    usage: Maybe[TokenUsage | None] = UNSET


class ModelCard(msgspec.Struct, frozen=True):
    """One model that is here."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelCards(msgspec.Struct, frozen=True):
    """The models that are here."""

    object: Literal["list"]
    data: list[ModelCard]
