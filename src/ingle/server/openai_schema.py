"""Chat completions in OpenAI's words, and their translation both ways; pure.

Source of names and meanings: OpenAI's API reference, "Chat completions". Ingle's own parameters stand
beside them (top_k, min_p, repetition_penalty, thinking, stop_on_loop, constraint, template, keep_alive).
What cannot be honoured is refused by name, never accepted and ignored. Some fields have no meaning here: `user`,
`safety_identifier` and `metadata` only tell OpenAI whose request it is, `prompt_cache_key` and `service_tier` on
which of its machines to answer it; `response_format.json_schema.strict` asks for what is always done, the schema is
kept exactly; its `name` and `description` label the schema, and no template shows them. A field that is null asks nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ingle.errors import InvalidRequest
from ingle.generation import Generation
from ingle.runtime.needs import Wants
from ingle.server.schema import LARGEST, Body, ConstraintBody, ModelName, ThinkingBody, Token, generation_of

EFFORTS = {"minimal": 128, "low": 1024, "medium": 2048}
"""Tokens of reasoning for each `reasoning_effort`; "high" has no bound. OpenAI names no numbers."""


PICTURES = ("image_url", "input_image", "image")
CHOICES = ("none", "auto", "required")


class TextPart(Body):
    type: Literal["text"]
    text: str


class FunctionCall(Body):
    name: str
    arguments: str


class AskedCall(Body):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall
    index: int | None = None  # as in the deltas that a client has put together; the order says it too


class ChatMessage(Body):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    tool_calls: list[AskedCall] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    # what OpenAI's own client writes into the answers that programs send back to it
    refusal: None = None
    audio: None = None
    function_call: None = None
    annotations: list[None] | None = Field(default=None, max_length=0)

    @field_validator("content", mode="before")
    @classmethod
    def _is_text(cls, content: Any) -> Any:
        """Says what is wrong in one sentence, where the two forms that are taken would give two each."""
        if content is None or isinstance(content, str):
            return content
        if not isinstance(content, list):
            raise ValueError("it must be text, or a list of text parts")
        for part in content:
            kind = part.get("type") if isinstance(part, dict) else None
            if kind in PICTURES:
                raise ValueError("images are not taken here, only text")
            if kind != "text" or not isinstance(part.get("text"), str):
                raise ValueError('only parts like {"type": "text", "text": "..."} are taken')
        return content

    def fields(self) -> dict[str, Any]:
        """As `generation.Message`."""
        content = self.content or ""
        if isinstance(content, list):
            content = "".join(part.text for part in content)
        return {
            "role": "system" if self.role == "developer" else self.role,
            "content": content,
            "name": self.name,
            "tool_call_id": self.tool_call_id,
            "reasoning": self.reasoning_content or "",
            "tool_calls": [
                {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
                for call in self.tool_calls or ()
            ],
        }


class FunctionSpec(Body):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolSpec(Body):
    type: Literal["function"]
    function: FunctionSpec


class NamedFunction(Body):
    name: str


class ToolChoice(Body):
    type: Literal["function"]
    function: NamedFunction


class JsonSchemaSpec(Body):
    name: str = ""
    description: str | None = None
    json_schema: dict[str, Any] = Field(alias="schema", default={})
    strict: bool | None = None


class ResponseFormat(Body):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaSpec | None = None


class StreamOptions(Body):
    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class SamplingFields(Body):
    """What chat and plain completions share."""

    model: ModelName | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=100)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=0, le=LARGEST)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    logit_bias: dict[Token, float] | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    max_tokens: int | None = Field(default=None, ge=1, le=LARGEST)
    stop: str | list[str] | None = None
    n: int | None = Field(default=None, ge=1, le=16)
    stop_on_loop: bool | None = None
    constraint: ConstraintBody | None = None
    keep_alive: float | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: Literal[False] | None = None  # nothing is kept of an answer

    @model_validator(mode="before")
    @classmethod
    def _asked(cls, data: Any) -> Any:
        """Without what is null: many clients write every field that OpenAI has, null where nobody asked for it."""
        return (
            {name: value for name, value in data.items() if value is not None}
            if isinstance(data, dict)
            else data
        )

    def named(self, param: str) -> str:
        """The field of this request that a parameter of a generation came from."""
        return param

    def wants(self) -> Wants:
        return Wants(keep_alive=self.keep_alive)

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def shared(self) -> dict[str, Any]:
        """The fields of a `Generation` that both forms have; absent ones stay at their defaults."""
        names = (
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "repetition_penalty",
            "presence_penalty",
            "frequency_penalty",
            "logit_bias",
            "seed",
        )
        sampling = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.stream_options is not None and not self.stream:
            raise InvalidRequest("stream_options needs stream: true.", field="stream_options")
        stop = [self.stop] if isinstance(self.stop, str) else self.stop
        found: dict[str, Any] = {
            "sampling": sampling,
            "stop": stop,
            "n": self.n,
            "stop_on_loop": self.stop_on_loop,
            "constraint": self.constraint.model_dump() if self.constraint is not None else None,
        }
        return {name: value for name, value in found.items() if value is not None}


class ChatRequest(SamplingFields):
    messages: list[ChatMessage] = Field(min_length=1)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=LARGEST)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    thinking: ThinkingBody | None = None
    template: str | None = Field(default=None, min_length=1)
    modalities: list[Literal["text"]] | None = Field(default=None, min_length=1)
    verbosity: Literal["medium"] | None = None  # as the model does unasked

    def named(self, param: str) -> str:
        if param == "constraint" and self.response_format is not None:
            return "response_format"
        if param.startswith("thinking") and self.reasoning_effort is not None:
            return "reasoning_effort"
        if param == "max_tokens" and self.max_completion_tokens is not None:
            return "max_completion_tokens"
        return param

    def generation(self) -> Generation:
        """Raises `InvalidRequest`, naming the field."""
        self._refuse()
        fields = self.shared()
        fields["messages"] = [message.fields() for message in self.messages]
        fields["max_tokens"] = self.max_completion_tokens or self.max_tokens
        fields["sampling"]["logprobs"] = bool(self.logprobs)
        fields["sampling"]["top_logprobs"] = self.top_logprobs or 0
        fields["template"] = self.template
        if self.response_format is not None and self.response_format.type != "text":
            fields["constraint"] = self._format(self.response_format)
        fields["tools"] = [_tool(spec) for spec in self.tools or ()]
        if self.tool_choice is not None:
            choice = self.tool_choice
            fields["tool_choice"] = choice.function.name if isinstance(choice, ToolChoice) else choice
        fields["parallel_calls"] = self.parallel_tool_calls
        fields["thinking"] = self._thinking()
        return generation_of({name: value for name, value in fields.items() if value is not None})

    def _refuse(self) -> None:
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise InvalidRequest("Give max_tokens or max_completion_tokens, not both.", field="max_tokens")
        if self.top_logprobs and not self.logprobs:
            raise InvalidRequest("top_logprobs needs logprobs: true.", field="top_logprobs")
        if self.constraint is not None and self.response_format is not None:
            raise InvalidRequest("Give response_format or constraint, not both.", field="constraint")
        if self.thinking is not None and self.reasoning_effort is not None:
            raise InvalidRequest("Give thinking or reasoning_effort, not both.", field="thinking")
        asked = self.response_format
        if asked is not None and asked.type != "json_schema" and asked.json_schema is not None:
            raise InvalidRequest(
                "response_format.json_schema needs the type json_schema.", field="response_format"
            )
        if isinstance(self.tool_choice, ToolChoice) and self.tool_choice.function.name in CHOICES:
            raise InvalidRequest(
                f"A tool called {self.tool_choice.function.name} cannot be demanded: the word is a choice of its own.",
                hint="Give the tool another name.",
                field="tool_choice",
            )
        if self.tool_choice not in (None, "none", "auto") and not self.tools:
            raise InvalidRequest("tool_choice needs tools.", field="tool_choice")

    def _format(self, asked: ResponseFormat) -> dict[str, Any]:
        if asked.type == "json_object":
            return {"kind": "json_object"}
        if asked.json_schema is None:
            raise InvalidRequest("response_format.json_schema is missing.", field="response_format")
        return {"kind": "json_schema", "value": asked.json_schema.json_schema}

    def _thinking(self) -> dict[str, Any] | None:
        if self.thinking is not None:
            return self.thinking.model_dump()
        if self.reasoning_effort is not None:
            effort = self.reasoning_effort
            return {"enabled": effort != "none", "budget": EFFORTS.get(effort)}
        return None


class CompletionRequest(SamplingFields):
    """Plain text, no template: one prompt, as OpenAI's older completions."""

    prompt: str
    echo: Literal[False] = False
    logprobs: int | None = Field(default=None, ge=0, le=20)

    @field_validator("prompt", mode="before")
    @classmethod
    def _one_prompt(cls, prompt: Any) -> Any:
        """A list of one text is that text."""
        return prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else prompt

    def generation(self) -> Generation:
        fields = {**self.shared(), "prompt": self.prompt, "max_tokens": self.max_tokens or 16}
        if self.logprobs is not None:
            fields["sampling"].update(logprobs=True, top_logprobs=self.logprobs)
        return generation_of(fields)


def _tool(spec: ToolSpec) -> dict[str, Any]:
    return {
        "name": spec.function.name,
        "description": spec.function.description or "",
        "parameters": spec.function.parameters or {},
        "strict": bool(spec.function.strict),
    }
