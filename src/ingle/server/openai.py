"""OpenAI's routes: chat completions, plain completions, and the list of models; nothing is ever downloaded.

Chunks become OpenAI's deltas here; errors have OpenAI's shape (see faults.py).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ingle.errors import IngleError, ModelNotFound
from ingle.generation import (
    CallPart,
    Chunk,
    FinishReason,
    Generation,
    TokenLogprob,
    ToolCall,
    Usage,
    whole_calls,
)
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from ingle.server.faults import JsonResponse, openai_body
from ingle.server.openai_schema import ChatRequest, CompletionRequest, SamplingFields
from ingle.server.stream import SSE, Notice, Stream, sse, unless_gone

DONE = b"data: [DONE]\n\n"
HEARTBEAT = 15.0


def openai_routes(runtime: Runtime) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["openai"])

    async def answered(request: Request, body: ChatRequest | CompletionRequest, form: Form) -> Response:
        notice = Notice()
        with form.named():
            generation = body.generation()
        if body.stream:
            return Stream(
                _deltas(runtime, generation, body.wants(), form, notice, with_usage=body.include_usage),
                lambda error: sse(openai_body(error)) + DONE,
                media_type=SSE,
                quiet=HEARTBEAT,
                notice=notice,
            )
        whole = await unless_gone(request, _whole(runtime, generation, body.wants(), form, notice))
        return JsonResponse(whole, headers=notice.headers)

    @router.post("/chat/completions")
    async def chat(request: Request, body: ChatRequest) -> Response:
        """OpenAI's chat completions, whole or streamed."""
        return await answered(request, body, Form("chat.completion", body))

    @router.post("/completions")
    async def complete(request: Request, body: CompletionRequest) -> Response:
        """OpenAI's older completions: one plain prompt, no template."""
        return await answered(request, body, Form("text_completion", body))

    @router.get("/models")
    async def models() -> Response:
        """The models that are here, whole."""
        found = [one for one in await runtime.models() if one.snapshot is not None and not one.partial]
        return JsonResponse({"object": "list", "data": [_model(one.model, one.snapshot) for one in found]})

    @router.get("/models/{model:path}")
    async def model(model: str) -> Response:
        """One model that is here, whole."""
        found = await runtime.view(model)
        if found.snapshot is None or found.partial:
            raise ModelNotFound(
                found.model, where="on this machine", hint="GET /v1/models lists those that are."
            )
        return JsonResponse(_model(found.model, found.snapshot))

    return router


def _model(name: str, snapshot: Any) -> dict[str, Any]:
    owner = name.split("/", 1)[0] if "/" in name else "local"
    return {"id": name, "object": "model", "created": int(snapshot.modified), "owned_by": owner}


class Form:
    """One response in OpenAI's words: its id, the shape of its pieces, and what its request called things."""

    def __init__(self, kind: str, asked: SamplingFields) -> None:
        self.chat = kind == "chat.completion"
        self._kind = kind
        self._asked = asked
        self.model = asked.model or ""
        self._id = ("chatcmpl-" if self.chat else "cmpl-") + secrets.token_hex(12)
        self._created = int(time.time())

    @asynccontextmanager
    async def chunks(
        self, runtime: Runtime, generation: Generation, wants: Wants, notice: Notice
    ) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The answer as it comes, of the model that was asked for."""
        with self.named():
            async with (
                runtime.use(self._asked.model, wants) as use,
                aclosing(use.generate(generation)) as chunks,
            ):
                notice.take(use)
                self.model = self.model or use.model
                yield chunks

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors that pass name the field as the request has it."""
        try:
            yield
        except IngleError as exc:
            if isinstance(param := exc.details.get("param"), str):
                exc.details["param"] = self._asked.named(param)
            raise

    def frame(self, choices: list[dict[str, Any]], *, chunk: bool) -> dict[str, Any]:
        kind = f"{self._kind}.chunk" if chunk and self.chat else self._kind
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self.model,
            "choices": choices,
        }

    def delta(self, chunk: Chunk, *, first: bool, told: int) -> dict[str, Any]:
        """One choice of a streamed piece; before it, the logprobs of `told` characters were told."""
        choice: dict[str, Any] = {"index": chunk.index, "finish_reason": finish(chunk.finish_reason)}
        if not self.chat:
            return {**choice, "text": chunk.text, "logprobs": plain_logprobs(chunk.logprobs, told)}
        delta: dict[str, Any] = {"role": "assistant", "content": ""} if first else {}
        if chunk.text:
            delta["content"] = chunk.text
        if chunk.reasoning:
            delta["reasoning_content"] = chunk.reasoning
        if chunk.tool_calls:
            delta["tool_calls"] = [call_part(part) for part in chunk.tool_calls]
        return {**choice, "delta": delta, "logprobs": logprobs(chunk.logprobs)}


async def _deltas(
    runtime: Runtime, generation: Generation, wants: Wants, form: Form, notice: Notice, *, with_usage: bool
) -> AsyncGenerator[bytes, None]:
    told: dict[int, int] = {}
    usage: Usage | None = None
    async with form.chunks(runtime, generation, wants, notice) as chunks:
        async for chunk in chunks:
            usage = chunk.usage or usage
            first = chunk.index not in told
            says = chunk.text or chunk.reasoning or chunk.tool_calls or chunk.logprobs or chunk.finish_reason
            if not (says or first):
                continue
            at = told.get(chunk.index, 0)
            frame = form.frame([form.delta(chunk, first=first, told=at)], chunk=True)
            told[chunk.index] = at + sum(len(one.token) for one in chunk.logprobs)
            yield sse({**frame, "usage": None} if with_usage else frame)
    if with_usage and usage is not None:
        yield sse({**form.frame([], chunk=True), "usage": usage_fields(usage)})
    yield DONE


async def _whole(
    runtime: Runtime, generation: Generation, wants: Wants, form: Form, notice: Notice
) -> dict[str, Any]:
    choices: dict[int, list[Chunk]] = {index: [] for index in range(generation.n)}
    usage: Usage | None = None
    async with form.chunks(runtime, generation, wants, notice) as chunks:
        async for chunk in chunks:
            choices.setdefault(chunk.index, []).append(chunk)
            usage = chunk.usage or usage
    made = [_choice(index, pieces, chat=form.chat) for index, pieces in sorted(choices.items())]
    body = form.frame(made, chunk=False)
    if usage is not None:
        body["usage"] = usage_fields(usage)
    return body


def _choice(index: int, pieces: list[Chunk], *, chat: bool) -> dict[str, Any]:
    text = "".join(piece.text for piece in pieces)
    reasoning = "".join(piece.reasoning for piece in pieces)
    calls = [tool_call(call) for call in whole_calls(part for piece in pieces for part in piece.tool_calls)]
    probs = tuple(one for piece in pieces for one in piece.logprobs)
    ends = [piece.finish_reason for piece in pieces if piece.finish_reason is not None]
    choice: dict[str, Any] = {"index": index, "finish_reason": finish(ends[-1] if ends else None)}
    if not chat:
        return {**choice, "text": text, "logprobs": plain_logprobs(probs, 0)}
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return {**choice, "message": message, "logprobs": logprobs(probs)}


def finish(reason: FinishReason | None) -> str | None:
    """In OpenAI's words, but for a loop: who asked for `stop_on_loop` is told so. A cancel cut the answer short."""
    if reason is FinishReason.CANCELLED:
        return FinishReason.LENGTH.value
    return reason.value if reason is not None else None


def tool_call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def call_part(part: CallPart) -> dict[str, Any]:
    """A piece of a call; only the first piece of a call tells its id and name."""
    told: dict[str, Any] = {"index": part.index, "function": {"arguments": part.arguments}}
    if part.id:
        told.update(id=part.id, type="function", function={"name": part.name, "arguments": part.arguments})
    return told


def logprobs(found: tuple[TokenLogprob, ...]) -> dict[str, Any] | None:
    if not found:
        return None
    return {
        "content": [
            {
                **_token(one.token, one.logprob),
                "top_logprobs": [_token(text, value) for text, value in one.top],
            }
            for one in found
        ],
        "refusal": None,
    }


def plain_logprobs(found: tuple[TokenLogprob, ...], told: int) -> dict[str, Any] | None:
    """The older form, of completions; `text_offset` in characters of the answer, of which `told` came before."""
    if not found:
        return None
    lengths = [len(one.token) for one in found]
    return {
        "tokens": [one.token for one in found],
        "token_logprobs": [one.logprob for one in found],
        "top_logprobs": [dict(one.top) for one in found],
        "text_offset": [told + sum(lengths[:at]) for at in range(len(found))],
    }


def _token(text: str, value: float) -> dict[str, Any]:
    return {"token": text, "logprob": value, "bytes": list(text.encode())}


def usage_fields(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
