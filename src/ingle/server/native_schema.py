"""The bodies of Ingle's own routes, and their translation; pure."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ingle.generation import Generation
from ingle.runtime.needs import Wants
from ingle.server.schema import (
    LARGEST,
    Body,
    ConstraintBody,
    MessageBody,
    ModelName,
    SamplingBody,
    ThinkingBody,
    ToolBody,
    generation_of,
)


class NamedBody(Body):
    model: ModelName


class RetryBody(Body):
    model: ModelName
    stream: bool = True


class PullBody(RetryBody):
    """`limit_rate` in bytes a second, from now on for all pulls together."""

    limit_rate: int | None = Field(default=None, ge=1024, le=10**15)


class LoadBody(Body):
    """How a model is to be loaded; `keep_alive` in seconds, `context` in tokens."""

    model: ModelName | None = None
    keep_alive: float | None = None
    engine: str | None = None
    context: int | None = Field(default=None, ge=16, le=1 << 24)
    template: str | None = Field(default=None, min_length=1)
    pull: bool = False

    def wants(self) -> Wants:
        return Wants(
            engine=self.engine,
            context=self.context,
            template=self.template,
            keep_alive=self.keep_alive,
            pull=self.pull,
        )


class GenerateBody(Body):
    """`generation.Generation` with the model, and how it is to be loaded."""

    model: ModelName | None = None
    messages: list[MessageBody] | None = None
    prompt: str | None = None
    sampling: SamplingBody | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=LARGEST)
    stop: list[str] = Field(default=[], max_length=16)
    n: int = Field(default=1, ge=1, le=16)
    constraint: ConstraintBody | None = None
    tools: list[ToolBody] = Field(default=[])
    tool_choice: str = "auto"
    parallel_calls: bool = True
    thinking: ThinkingBody | None = None
    stop_on_loop: bool = False
    template: str | None = Field(default=None, min_length=1)
    keep_alive: float | None = None
    engine: str | None = None
    context: int | None = Field(default=None, ge=16, le=1 << 24)
    pull: bool = False

    def generation(self) -> Generation:
        fields: dict[str, Any] = self.model_dump(
            exclude={"model", "keep_alive", "engine", "context", "pull"}, exclude_unset=True
        )
        return generation_of({name: value for name, value in fields.items() if value is not None})

    def wants(self) -> Wants:
        return Wants(engine=self.engine, context=self.context, keep_alive=self.keep_alive, pull=self.pull)
