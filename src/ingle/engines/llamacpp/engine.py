"""The engine that workers drive for GGUF models: admission by slots, choices on threads, one error tree."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ingle.catalog.gguf import GgufHeader, read_header
from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions, Sink
from ingle.engines.checks import check_fits, check_vocabulary
from ingle.engines.llamacpp.choice import Choice, ChoiceResult
from ingle.engines.llamacpp.room import Room
from ingle.engines.llamacpp.server import BATCH, LlamaServer, Server, free_bytes, is_gpu
from ingle.engines.memory import Load, MemoryPlan, gguf_shape, plan_memory
from ingle.engines.prepare import Prepared, calls_note, prepare
from ingle.engines.schema import ending_grammar
from ingle.engines.seeds import choice_seed
from ingle.engines.templates import ChatTemplate
from ingle.engines.wishes import unmet_on_llamacpp
from ingle.errors import (
    FileMissing,
    GenerationFailed,
    IngleError,
    InvalidRequest,
    MalformedModel,
    NoChatTemplate,
    NoPermission,
)
from ingle.generation import Chunk, FinishReason, Generation, Message, Tool, Usage

STUCK_SECONDS = 300.0
"""Without a token or a prefill step for this long, a busy engine is called stuck: one batch of 256
tokens of the largest model on a slow CPU takes less."""

_LOG = logging.getLogger("ingle.llamacpp")


@dataclass
class _Running:
    """One request. `inside` are those of its choices that have a slot now."""

    sink: Sink
    inside: set[int] = field(default_factory=set)
    cancelled: threading.Event = field(default_factory=threading.Event)
    emitting: threading.Lock = field(default_factory=threading.Lock)


ServerOpener = Callable[[Path, int, EngineOptions], Server]
"""(file, context in tokens a slot, options) -> the loaded model."""


class LlamaEngine:
    """Opens a GGUF file. Raises `MalformedModel` (by its header), `OutOfMemory` (by the estimate) and
    `LoadFailed` (by llama.cpp)."""

    def __init__(
        self,
        snapshot: Snapshot,
        options: EngineOptions,
        open_server: ServerOpener = LlamaServer,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] = free_bytes,
    ) -> None:
        header = _header(snapshot.path)
        plan = _plan(snapshot, header, options, free())
        self._model = snapshot.ref.name
        self._vocabulary = header.vocabulary
        self._running: dict[str, _Running] = {}
        self._steps = 0
        self._clock = clock
        self._last_step = clock()
        bounded = msgspec.structs.replace(options, prompt_cache_bytes=plan.kept)
        self._server = open_server(snapshot.path, plan.context, bounded)
        self._room = Room(options.slots)
        self._marks = self._server.properties()
        self._template = self._compile(options.template or header.chat_template)
        speculation = "n-gram speculation on" if options.speculate else ""
        calls = calls_note(self._template, self._token_of)
        notes = (plan.note, speculation, *unmet_on_llamacpp(options), calls)
        self._info = EngineInfo(
            name="llamacpp",
            version=self._server.version,
            device=_device(self._server.devices),
            model=self._model,
            context=plan.context,
            slots=options.slots,
            chat_template=self._template is not None,
            constraints=True,
            tools=True,
            notes=tuple(note for note in notes if note),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def start(self, request_id: str, generation: Generation, sink: Sink) -> None:
        running = _Running(sink)
        self._alive()  # the silence before a request is nobody's fault
        self._running[request_id] = running
        name = f"request {request_id}"
        threading.Thread(
            target=self._run, args=(request_id, generation, running), name=name, daemon=True
        ).start()

    def cancel(self, request_id: str) -> None:
        running = self._running.get(request_id)
        if running is not None:
            running.cancelled.set()

    def count_tokens(self, generation: Generation) -> int:
        prepared = prepare(generation, self._template, self._model, marks=self._text_marks)
        return len(self._tokens(prepared))

    def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        if self._template is None:
            raise NoChatTemplate(self._model)
        return self._template.render(messages, tools)

    def health(self) -> EngineHealth:
        running = list(self._running.values())
        active = sum(1 for one in running if one.inside)
        silent = self._clock() - self._last_step
        stuck = bool(running) and silent > STUCK_SECONDS
        reason = f"no token for {silent:.0f} seconds" if stuck else ""
        return EngineHealth(
            ok=not stuck, active=active, queued=len(running) - active, steps=self._steps, reason=reason
        )

    def close(self) -> None:
        for running in list(self._running.values()):
            running.cancelled.set()
        self._server.close()

    def _compile(self, text: str | None) -> ChatTemplate | None:
        if not text:
            return None
        return ChatTemplate(text, **self._text_marks)

    @property
    def _text_marks(self) -> dict[str, str]:
        return {"bos": self._mark("bos_token"), "eos": self._mark("eos_token")}

    def _mark(self, name: str) -> str:
        return str(self._marks.get(name) or "")

    def _run(self, request_id: str, generation: Generation, running: _Running) -> None:
        failed: IngleError | None = None
        usage = None
        try:
            usage = self._answer(request_id, generation, running)
        except IngleError as error:
            failed = error
        except Exception as exc:  # noqa: BLE001  (it fails this request and no other)
            _LOG.exception("request failed")
            failed = GenerationFailed(f"The engine failed: {type(exc).__name__}: {exc}.")
        self._running.pop(request_id, None)  # before its last word: whoever hears that may ask for the health
        if failed is not None:
            running.sink.fail(failed)
        else:
            running.sink.chunk(Chunk(usage=usage))

    def _answer(self, request_id: str, generation: Generation, running: _Running) -> Usage:
        """Everything of a request but its last chunk. Raises typed errors."""
        began = time.monotonic()
        prepared = prepare(
            generation,
            self._template,
            self._model,
            request=request_id,
            token_of=self._token_of,
            marks=self._text_marks,
        )
        end = self._token_of(self._mark("eos_token"))
        if prepared.grammar is not None and end is not None:
            prepared = msgspec.structs.replace(prepared, grammar=ending_grammar(prepared.grammar, end))
        if self._vocabulary is not None:
            check_vocabulary(generation.sampling, self._vocabulary)
        if running.cancelled.is_set():
            return _cancelled_unread(generation, running.sink)
        tokens = self._tokens(prepared)
        room = check_fits(len(tokens), self._info.context)
        limit = min(generation.max_tokens or room, room)
        preparing = time.monotonic() - began

        def emit(chunk: Chunk) -> None:
            with running.emitting:
                running.sink.chunk(chunk)

        def run(index: int) -> ChoiceResult:
            choice = Choice(
                server=self._server,
                prepared=prepared,
                tokens=tokens,
                sampling=generation.sampling,
                limit=limit,
                seed=choice_seed(generation.sampling.seed, index),
                index=index,
                cancelled=running.cancelled,
                on_chunk=emit,
                on_step=self._alive,
                alone=lambda: self._room.alone(running.cancelled),
            )
            with self._room.share(running.cancelled):
                self._alive()
                running.inside.add(index)
                try:
                    return choice.run()
                finally:
                    running.inside.discard(index)

        results = _all_choices(run, generation.n, self._info.slots, running.cancelled)
        return Usage(
            prompt_tokens=len(tokens),
            completion_tokens=sum(result.tokens for result in results),
            cached_tokens=results[0].cached,
            reasoning_tokens=sum(result.reasoning_tokens for result in results),
            prefill_seconds=preparing + results[0].prefill_seconds,
            decode_seconds=max(result.decode_seconds for result in results),
        )

    def _tokens(self, prepared: Prepared) -> list[int]:
        tokens = self._server.tokenize(prepared.prompt, special=prepared.special)
        # an empty prompt begins where a text ended
        tokens = tokens or self._server.tokenize(self._mark("eos_token"), special=False)
        if not tokens:
            raise InvalidRequest("The prompt is empty.", param="prompt")
        return tokens

    def _token_of(self, text: str) -> int | None:
        """The id of a text that is one token, None when it is several."""
        found = self._server.tokenize(text, special=False)
        return found[0] if len(found) == 1 else None

    def _alive(self) -> None:
        self._steps += 1
        self._last_step = self._clock()


def _cancelled_unread(generation: Generation, sink: Sink) -> Usage:
    """The end of a request that was cancelled before its prompt was read."""
    for index in range(generation.n):
        sink.chunk(Chunk(index=index, finish_reason=FinishReason.CANCELLED))
    return Usage(prompt_tokens=0, completion_tokens=0)


def _all_choices(
    run: Callable[[int], ChoiceResult], count: int, slots: int, cancelled: threading.Event
) -> list[ChoiceResult]:
    if count == 1:
        return [run(0)]
    with ThreadPoolExecutor(min(count, slots)) as pool:
        waiting = [pool.submit(run, index) for index in range(count)]
        try:
            return [future.result() for future in waiting]
        except BaseException:
            cancelled.set()  # one choice failed: the request fails, the others need not go on
            raise


def _header(path: Path) -> GgufHeader:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = read_header(file, path=path, size=size)
    except FileNotFoundError as exc:
        raise FileMissing(path) from exc
    except PermissionError as exc:
        raise NoPermission(path, "read") from exc
    if header.needed > size:
        raise MalformedModel(path, f"its tensors need {header.needed} bytes and it has {size}")
    return header


def _plan(snapshot: Snapshot, header: GgufHeader, options: EngineOptions, free: int) -> MemoryPlan:
    """What fits in `free` bytes. Raises `OutOfMemory`."""
    asked = Load(
        context=options.context,
        slots=options.slots,
        rows=BATCH,
        outputs=BATCH,  # llama.cpp reserves the logits of a whole step
        kept=options.prompt_cache_bytes,
    )
    return plan_memory(
        snapshot.ref.name,
        snapshot.size if header.split else snapshot.path.stat().st_size,
        gguf_shape(header),
        asked,
        free=free if options.memory is None else min(free, options.memory),
    )


def _device(names: tuple[str, ...]) -> str:
    if any(name.startswith(("Metal", "MTL")) for name in names) and sys.platform == "darwin":
        return "metal"
    others = [name for name in names if is_gpu(name)]
    return others[0].rstrip("0123456789").lower() if others else "cpu"
