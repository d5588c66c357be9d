"""A question to a model, and its answer put together from lines; what both clients' `chat` are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import msgspec

from ingle.client import api
from ingle.client.api import Stream
from ingle.client.views import Line, Timings
from ingle.errors import InvalidRequest
from ingle.generation import Generation, Message, SamplingParams, TokenLogprob, Usage

Conversation = str | Sequence[Message | Mapping[str, Any]]
"""One question, or messages as `Message` or as `{"role": "user", "content": "..."}`, the oldest first."""
KNOWN = tuple(field.name for field in msgspec.structs.fields(SamplingParams))


class Sampling(TypedDict, total=False):
    """What a call may set of `SamplingParams`, by the same names."""

    temperature: float
    top_p: float
    top_k: int
    min_p: float
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    logit_bias: dict[int, float]
    seed: int | None
    logprobs: bool
    top_logprobs: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered. `reasoning` is what it thought before, where it does; `finish_reason` is "length"
    where `max_tokens` or the context ended the answer. `damage` (an error object) is what the last check found in the
    model's files: the answer cannot be trusted then. `logprobs` are there where they were asked for."""

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    timings: Timings | None = None
    damage: dict[str, Any] | None = None
    logprobs: tuple[TokenLogprob, ...] = ()

    def __str__(self) -> str:
        return self.text


def question(
    messages: Conversation,
    *,
    model: str | None,
    max_tokens: int | None,
    stop: Sequence[str],
    sampling: Sampling,
) -> Stream:
    """The request. Raises `InvalidRequest` for what says nothing, or names no sampling parameter."""
    unknown = sorted(set(sampling) - set(KNOWN))
    if unknown:
        raise InvalidRequest(
            f"There is no sampling parameter {', '.join(unknown)}.", hint=f"There are: {', '.join(KNOWN)}."
        )
    generation = Generation(
        messages=_messages(messages),
        max_tokens=max_tokens,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        sampling=SamplingParams(**sampling),
    )
    return api.generate(generation, model=model)


def _messages(given: Conversation) -> tuple[Message, ...]:
    if isinstance(given, str):
        if not given.strip():
            raise InvalidRequest("The question is empty.", hint='Say something: client.chat("Hello").')
        return (api.user(given),)
    try:
        found = msgspec.convert([msgspec.to_builtins(one) for one in given], tuple[Message, ...])
    except (TypeError, msgspec.ValidationError) as exc:
        raise InvalidRequest(
            f"These are no messages: {exc}.", hint='A message is {"role": "user", "content": "Hello"}.'
        ) from exc
    if not found:
        raise InvalidRequest("There are no messages.", hint='Say something: client.chat("Hello").')
    return found


class Gathering:
    """Takes the lines of one answer, and is the `answer` once the last one has come."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._end = Line()
        self._logprobs: list[TokenLogprob] = []
        self._damage: dict[str, Any] | None = None

    def take(self, line: Line) -> str:
        """The text that this line adds to the answer."""
        if line.done is not None:
            self._end = line
        if line.ready is not None:
            self._damage = line.ready.damage
        if line.chunk is None:
            return ""
        self._text.append(line.chunk.text)
        self._reasoning.append(line.chunk.reasoning)
        self._logprobs.extend(line.chunk.logprobs)
        return line.chunk.text

    @property
    def answer(self) -> Answer:
        done = self._end.done
        reasons = done.finish_reasons if done else ()
        return Answer(
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            finish_reason=reasons[0] if reasons else "",
            usage=done.usage if done else None,
            timings=done.timings if done else None,
            damage=self._damage,
            logprobs=tuple(self._logprobs),
        )
