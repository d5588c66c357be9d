"""Ingle's own routes: every model with its state and the actions possible now, and streams of them.

The contract (what `ingle.client` and the CLI build on). All bodies are JSON; unknown fields are refused by
name; every error is `{"error": {"code", "message", "hint"?, "details"?}}` with `errors.http_status`.
`model` is any name `ingle` understands (alias, `org/name[@rev][:file|:quant]`, a path).

    GET  /ingle/models                          {"models": [ModelView...]}     everything in the store
    GET  /ingle/show?model=NAME                 ModelView                      404 when no such model is known
    GET  /ingle/ps                              {"models": [ModelView...]}     in memory, or being pulled
    GET  /ingle/status                          RuntimeStatus                  never touches the disk
    POST /ingle/pull    {model, stream?: true, limit_rate?: int}   lines, or the ModelView (202)
    POST /ingle/retry   {model, stream?: true}                  lines, or the ModelView; 409 retry_refused
    POST /ingle/cancel  {model}                                 ModelView, after the pull or the load stopped
    POST /ingle/load    {model, keep_alive?, engine?, context?, template?, pull?: false}   ModelView, when ready
    POST /ingle/unload  {model}                                 {"model", "unloaded", "memory_returned", "view"}
    POST /ingle/delete  {model}                                 {"model", "freed", "files": [...], "shared", "remaining", "view"}
    POST /ingle/generate  a GenerateRequest                     lines
    POST /ingle/verify  {model}  lines        POST /ingle/repair {model}  lines
    GET  /ingle/search?q=WORDS&format=&limit=   {"models": [Found...]}   what the hub has (server/health.py)
    GET  /ingle/outdated                        {"models": [Outdated...]}
    GET  /ingle/doctor?offline=false            {"level", "findings": [Finding...]}

**Lines** are `application/x-ndjson`, one JSON object a line. Closing the connection cancels the work,
down to the engine (a pull that was joined goes on; `cancel` ends it). What may come:

    {"progress": {"phase", "bytes_done", "bytes_total", "rate", "seconds_left", "message", "fraction"}}
    {"loading": {"model"}}                      the model is not in memory yet, the load has begun or is waited for
    {"ready": {"model", "engine": EngineInfo, "why", "load_seconds", "damage"?}}      once, before the first chunk;
                         "damage": the error that the last check of its files found, where it found one
    {"chunk": {"index", "text", "reasoning", "tool_calls", "logprobs", "tokens", "finish_reason"}}   no defaults;
                         "tool_calls": parts [{"index", "id"?, "name"?, "arguments"?}], joined by their index
    {"done": {...}}      the last line of a success: pull, verify, repair: {"view": ModelView};
                         generate: {"usage": Usage, "finish_reasons": [...], "timings": Timings}
    {"error": {...}}     the last line of a failure, also after chunks

GenerateRequest: `model` (else the configured one where it is here, else the only one that is), exactly one of
`messages` [{role, content, name?, tool_calls?, tool_call_id?, reasoning?}] and `prompt`, `sampling` {temperature, top_p, top_k, min_p, repetition_penalty,
presence_penalty, frequency_penalty, logit_bias, seed, logprobs, top_logprobs}, `max_tokens`, `stop` [..], `n`,
`constraint` {kind, value}, `tools` [{name, description, parameters, strict}], `tool_choice`, `parallel_calls`,
`thinking` {enabled, budget}, `stop_on_loop`, `template`: the names and defaults of generation.py; and for the load `keep_alive`
(seconds; 0 at once, negative for ever), `engine`, `context`, and `pull` (true: fetch it first when it is absent).

Timings, in seconds: `load`, `first_token` (from the request's arrival, loads included), `first_token_warm`
(from the moment the model was ready), `total`, `tokens_per_second` (decode only).

ModelView: `model`, `state` (not_downloaded | downloading | downloaded | loading | ready), `partial`, `paused`,
`damaged`, `progress` (0..1), `actions` (of pull, cancel, retry, load, unload, delete, verify, repair),
`last_error` (error object or null; gone once the disk no longer bears it out, whoever mended it), `pull` (progress object or null), `snapshot` ({format, origin, path, root,
size, commit, files, missing, architecture, parameters, quantization, context, modified} or null), `memory`
({state, pid, engine: EngineInfo, why, bytes, active, waiting, health, keep_alive, unload_in} or null).

RuntimeStatus: `version`, `pid`, `home`, `uptime`, `platform`, `engines` ([{format, engine, device, why}]),
`models` (loaded ones: [{model, memory}], `memory` as in ModelView), `pulls` ([{model, fraction, phase}]), `memory` ({ours, free, total, pressure}), `subscribers`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ingle.errors import FileMissing
from ingle.generation import Chunk, FinishReason, Usage
from ingle.hub.progress import Progress
from ingle.runtime.job import Job
from ingle.runtime.runtime import Runtime
from ingle.runtime.status import PullView
from ingle.runtime.use import Use
from ingle.server.faults import JsonResponse, native_body
from ingle.server.native_schema import GenerateBody, LoadBody, NamedBody, PullBody, RetryBody
from ingle.server.schema import chunk_fields
from ingle.server.stream import LINES, Source, Stream, json_line, unless_gone

HEARTBEAT = 15.0
"""Seconds of silence after which an empty line shows that the stream lives."""


def native_routes(runtime: Runtime) -> APIRouter:
    """The router; every route hands the work to the runtime and decides nothing."""
    router = APIRouter(prefix="/ingle", tags=["ingle"])
    _looking(router, runtime)
    _pulling(router, runtime)
    _memory(router, runtime)
    return router


def _looking(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/models")
    async def models() -> Response:
        """Everything in the store, with its state and the actions possible now."""
        return JsonResponse({"models": await runtime.models()})

    @router.get("/ps")
    async def in_memory() -> Response:
        """What is in memory or being pulled."""
        return JsonResponse({"models": await runtime.in_memory()})

    @router.get("/show")
    async def show(model: str = Query(min_length=1)) -> Response:
        """One model: its state, the actions possible now, its files and what it is."""
        view = await runtime.view(model)
        if (
            view.snapshot is None and not view.actions
        ):  # a path that is not there: nothing can be done about it
            raise FileMissing(model)
        return JsonResponse(view)

    @router.get("/status")
    async def status() -> Response:
        """The runtime: engines, memory, loaded models, pulls. Never touches the disk."""
        return JsonResponse(await runtime.status())


def _pulling(router: APIRouter, runtime: Runtime) -> None:
    async def followed(name: str, job: Job, stream: bool) -> Response:
        if not stream:
            return JsonResponse(await runtime.view(name), status_code=202)
        return _lines(_progress_lines(runtime, name, runtime.follow(job)))

    @router.post("/pull")
    async def pull(body: PullBody) -> Response:
        """Get a model whole. Lines of progress, or with `stream` off its view at once (202)."""
        job = runtime.start_pull(body.model, limit_rate=body.limit_rate)
        return await followed(body.model, job, body.stream)

    @router.post("/retry")
    async def retry(body: RetryBody) -> Response:
        """Begin a pull again that failed; 409 after three failures in a row."""
        return await followed(body.model, runtime.start_pull(body.model, retry=True), body.stream)

    @router.post("/cancel")
    async def cancel(body: NamedBody) -> Response:
        """Stop the pull or the load of a model, and wait until it has stopped."""
        return JsonResponse(await runtime.cancel(body.model))

    @router.post("/verify")
    async def verify(body: NamedBody) -> Response:
        """Check every byte of a model. Lines of progress."""
        return _lines(_progress_lines(runtime, body.model, runtime.verify(body.model)))

    @router.post("/repair")
    async def repair(body: NamedBody) -> Response:
        """Fetch again only what is damaged. Lines of progress."""
        return _lines(_progress_lines(runtime, body.model, runtime.repair(body.model)))

    @router.post("/delete")
    async def delete(body: NamedBody) -> Response:
        """Take a model off the disk."""
        removal = await runtime.delete(body.model)
        view = await runtime.view(body.model)
        fields = msgspec.to_builtins(removal)
        return JsonResponse({"model": fields.pop("name"), **fields, "view": view})


def _memory(router: APIRouter, runtime: Runtime) -> None:
    @router.post("/load")
    async def load(request: Request, body: LoadBody) -> Response:
        """Load a model and answer when it is ready."""
        return JsonResponse(await unless_gone(request, runtime.load(body.model, body.wants())))

    @router.post("/unload")
    async def unload(body: NamedBody) -> Response:
        """Give a model's memory back; answers when its process is gone."""
        report = await runtime.unload(body.model)
        return JsonResponse({**msgspec.to_builtins(report), "view": await runtime.view(body.model)})

    @router.post("/generate")
    async def generate(body: GenerateBody) -> Response:
        """One answer as JSON lines, from the wait for the model to the timings."""
        body.generation()  # what is wrong with it is said before anything is loaded
        return _lines(_answer_lines(runtime, body))


def _lines(source: Source) -> Stream:
    return Stream(
        source, lambda error: json_line(native_body(error)), media_type=LINES, quiet=HEARTBEAT, filler=b"\n"
    )


async def _progress_lines(
    runtime: Runtime, name: str, steps: AsyncGenerator[Progress, None]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(steps):
        async for progress in steps:
            yield json_line({"progress": PullView.of(progress)})
    yield json_line({"done": {"view": await runtime.view(name)}})


async def _answer_lines(runtime: Runtime, body: GenerateBody) -> AsyncGenerator[bytes, None]:
    """One generation as lines, from the wait for the model to the timings."""
    tally = Tally()
    wants = body.wants()
    if wants.pull:
        async with aclosing(_fetched(runtime, body.model)) as lines:
            async for line in lines:
                yield line
    async with runtime.use(body.model, wants) as use:
        if use.waits:
            yield json_line({"loading": {"model": use.model}})
        yield json_line({"ready": await _readiness(use)})
        tally.ready()
        async with aclosing(use.generate(body.generation())) as chunks:
            async for chunk in chunks:
                tally.count(chunk)
                if chunk.usage is None or _says(chunk):
                    yield json_line({"chunk": chunk_fields(chunk)})
    yield json_line({"done": tally.done()})


async def _fetched(runtime: Runtime, name: str | None) -> AsyncGenerator[bytes, None]:
    """The progress of a pull that was asked for along with the answer; nothing when the model is here."""
    view = await runtime.view(name or "default")
    if view.progress < 1.0 and "pull" in view.actions:
        async with aclosing(runtime.pull(name or "default")) as steps:
            async for progress in steps:
                yield json_line({"progress": PullView.of(progress)})


async def _readiness(use: Use) -> dict[str, Any]:
    waited = use.waits
    berth = await use.ready()
    return {
        "model": use.model,
        "engine": berth.worker.info,
        "why": berth.why,
        "load_seconds": berth.load_seconds if waited else 0.0,
        **damage_fields(use),
    }


def damage_fields(use: Use) -> dict[str, Any]:
    """`damage`: the error that the last check of the model's files found; nothing where it found none."""
    return {"damage": use.damage.to_dict()} if use.damage is not None else {}


def _says(chunk: Chunk) -> bool:
    """Whether a chunk carries more than the usage of the whole request."""
    return len(chunk_fields(chunk)) > 1


class Tally:
    """Counts one answer: what was used, how each choice ended, how long it took (seconds)."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()
        self._ready = self._begun
        self._first: float | None = None
        self._ends: dict[int, FinishReason] = {}
        self._usage: Usage | None = None

    def ready(self) -> None:
        self._ready = time.perf_counter()

    def count(self, chunk: Chunk) -> None:
        if self._first is None and (chunk.text or chunk.reasoning or chunk.tool_calls):
            self._first = time.perf_counter()
        if chunk.finish_reason is not None:
            self._ends[chunk.index] = chunk.finish_reason
        self._usage = chunk.usage or self._usage

    def done(self) -> dict[str, Any]:
        now = time.perf_counter()
        first = self._first or now
        usage = self._usage
        speed = usage.completion_tokens / usage.decode_seconds if usage and usage.decode_seconds else 0.0
        return {
            "usage": usage,
            "finish_reasons": [self._ends[index] for index in sorted(self._ends)],
            "timings": {
                "load": self._ready - self._begun,
                "first_token": first - self._begun,
                "first_token_warm": first - self._ready,
                "total": now - self._begun,
                "tokens_per_second": speed,
            },
        }
