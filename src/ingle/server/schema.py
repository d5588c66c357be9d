"""What all request bodies share: strict types, no unknown fields, and the way into generation.py."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ingle.engines.checks import check_generation
from ingle.errors import InvalidRequest
from ingle.generation import Chunk, Generation, TokenLogprob

ModelName = Annotated[str, Field(min_length=1, max_length=4096)]
LARGEST = 2**31 - 1
"""The largest count any engine can hold; a larger one would not even travel to it."""


Token = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
"""The id of a token, as JSON must write a key."""


_BROKEN = re.compile("[\\ud800-\\udfff]")


class Body(BaseModel):
    """A JSON object of exactly these fields and types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
    any_text: ClassVar[bool] = False
    """Whether text that is no Unicode (half of a surrogate pair) is taken: no tokenizer could read it."""

    @model_validator(mode="before")
    @classmethod
    def _can_travel(cls, data: Any) -> Any:
        """Refuses what JSON can write and no frame can carry, wherever in the body it is."""
        left = list(data.values()) if isinstance(data, dict) else []
        while left:
            value = left.pop()
            if isinstance(value, str) and not cls.any_text and _BROKEN.search(value):
                raise ValueError("a text holds half of a surrogate pair, which is no character")
            if isinstance(value, dict):
                left += [*value, *value.values()]
            elif isinstance(value, list):
                left += value
        return data


class ToolCallBody(Body):
    id: str
    name: str
    arguments: str


class MessageBody(Body):
    role: Literal["system", "user", "assistant", "tool"]
    content: str
    name: str | None = None
    tool_calls: list[ToolCallBody] = Field(default=[])
    tool_call_id: str | None = None
    reasoning: str = ""


class SamplingBody(Body):
    """The names and meanings of `generation.SamplingParams`."""

    temperature: float = Field(default=0.7, ge=0, le=100)
    top_p: float = Field(default=1.0, gt=0, le=1)
    top_k: int = Field(default=0, ge=0, le=LARGEST)
    min_p: float = Field(default=0.0, ge=0, le=1)
    repetition_penalty: float = Field(default=1.0, gt=0)
    presence_penalty: float = Field(default=0.0, ge=-2, le=2)
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    logit_bias: dict[Token, float] = Field(default={})
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)


class ConstraintBody(Body):
    kind: Literal["json_object", "json_schema", "regex", "grammar", "choice"]
    value: Any = None


class ToolBody(Body):
    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default={})
    strict: bool = False


class ThinkingBody(Body):
    enabled: bool = False
    budget: int | None = Field(default=None, ge=0, le=LARGEST)


def generation_of(fields: dict[str, Any]) -> Generation:
    """A `Generation` from fields that a body has already checked. Raises `InvalidRequest` for the rest."""
    given = fields.get("messages") is not None, fields.get("prompt") is not None
    if sum(given) != 1:
        raise InvalidRequest("Exactly one of messages and prompt must be given.", field="messages")
    if given[0] and not fields["messages"]:
        raise InvalidRequest("messages is empty.", field="messages")
    try:
        found = msgspec.convert(fields, Generation, str_keys=True)
    except msgspec.ValidationError as exc:
        raise InvalidRequest(f"The request is wrong: {exc}.") from exc
    check_generation(found)  # what no engine takes must not load a model first
    return found


def chunk_fields(chunk: Chunk) -> dict[str, Any]:
    """A chunk for the wire, without the fields that say nothing; `usage` travels at the end instead."""
    fields: dict[str, Any] = {"index": chunk.index}
    if chunk.text:
        fields["text"] = chunk.text
    if chunk.reasoning:
        fields["reasoning"] = chunk.reasoning
    if chunk.tool_calls:
        fields["tool_calls"] = chunk.tool_calls
    if chunk.logprobs:
        fields["logprobs"] = [_logprob(one) for one in chunk.logprobs]
    if chunk.tokens:
        fields["tokens"] = chunk.tokens
    if chunk.finish_reason is not None:
        fields["finish_reason"] = chunk.finish_reason
    return fields


def _logprob(one: TokenLogprob) -> dict[str, Any]:
    return {"token": one.token, "logprob": one.logprob, "top": one.top}
