"""The engine itself: prepares requests beside the one thread that computes them all in one batch."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions, Sink
from ingle.engines.checks import check_fits, check_vocabulary
from ingle.engines.mlx.failures import request_error, unloaded
from ingle.engines.mlx.job import Job
from ingle.engines.mlx.loop import Loop
from ingle.engines.prepare import Prepared, calls_note, prepare
from ingle.engines.templates import ChatTemplate, chat_template
from ingle.errors import MalformedModel
from ingle.generation import Chunk, FinishReason, Generation, Message, Tool, Usage

_PREPARING = 4  # threads


@dataclass
class _Arriving:
    """A request on its way into the loop; `work` prepares it."""

    generation: Generation
    sink: Sink
    cancelled: threading.Event = field(default_factory=threading.Event)
    work: Future[None] | None = None

    def give_up(self) -> bool:
        """Have it cancelled; whether its work, which had not begun, now never begins."""
        self.cancelled.set()
        return self.work is not None and self.work.cancel()

    def end(self) -> None:
        """Tell the end of a request that was cancelled before its prompt was read."""
        for index in range(self.generation.n):
            self.sink.chunk(Chunk(index=index, finish_reason=FinishReason.CANCELLED))
        self.sink.chunk(Chunk(usage=Usage(prompt_tokens=0, completion_tokens=0)))


class MlxEngine:
    """Keeps the contract of `engines/base.py`. Templates, tokens and grammars are made on threads of their
    own, so that a long prompt being read holds up neither the batch nor other requests."""

    def __init__(
        self, snapshot: Snapshot, options: EngineOptions, loop: Loop, thread: threading.Thread
    ) -> None:
        loaded = loop.loaded
        self._loop = loop
        self._thread = thread
        self._tokenizer = loaded.tokenizer
        self._trims = loaded.trims
        self._vocabulary = loaded.vocabulary
        text = options.template or loaded.tokenizer.template
        self._marks = {"bos": loaded.tokenizer.bos_text, "eos": loaded.tokenizer.eos_text}
        self._template = ChatTemplate(text, **self._marks) if text else None
        self._preparing = ThreadPoolExecutor(_PREPARING, "prepare")
        self._pending: dict[str, _Arriving] = {}
        self._handing_over = threading.Lock()  # a request is on its way or in the loop, in no moment both
        self._closed = False
        note = calls_note(self._template, self._tokenizer.token_id)
        self._info = EngineInfo(
            name="mlx",
            version=version("mlx"),
            device=loaded.device,
            model=snapshot.ref.name,
            context=loaded.context,
            slots=loaded.slots,
            chat_template=self._template is not None,
            constraints=True,
            tools=True,
            notes=(*loaded.notes, *([note] if note else [])),
        )

    @property
    def info(self) -> EngineInfo:
        return self._info

    def start(self, request_id: str, generation: Generation, sink: Sink) -> None:
        """Queue a request; everything about it, errors too, comes through `sink`."""
        if self._closed:
            sink.fail(unloaded())
            return
        arriving = self._pending[request_id] = _Arriving(generation, sink)
        arriving.work = self._preparing.submit(self._prepare, request_id, arriving)

    def cancel(self, request_id: str) -> None:
        with self._handing_over:
            arriving = self._pending.get(request_id)
        if arriving is not None and arriving.give_up():
            del self._pending[request_id]
            arriving.end()
        else:
            self._loop.cancel(request_id)

    def count_tokens(self, generation: Generation) -> int:
        prepared = prepare(generation, self._template, self._info.model, marks=self._marks)
        return len(self._encode(prepared))

    def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        template = self._template or chat_template(None, self._info.model)
        return template.render(messages, tools)

    def health(self) -> EngineHealth:
        with self._handing_over:
            return self._loop.health(list(self._pending))

    def close(self) -> None:
        self._closed = True
        for request_id, arriving in list(self._pending.items()):
            if arriving.give_up():
                del self._pending[request_id]
                arriving.sink.fail(unloaded())
        self._preparing.shutdown(wait=True)
        self._loop.stop()
        self._thread.join()

    def _prepare(self, request_id: str, arriving: _Arriving) -> None:
        try:
            job = self._job(request_id, arriving)
        except Exception as exc:  # noqa: BLE001  (nobody waits for this thread's result)
            del self._pending[request_id]
            arriving.sink.fail(request_error(exc))
            return
        if job is None:
            del self._pending[request_id]
            arriving.end()
            return
        with self._handing_over:
            # first: once it is in the loop it may be answered, and its name belong to another request
            del self._pending[request_id]
            self._loop.submit(job)
        if arriving.cancelled.is_set():
            self._loop.cancel(request_id)

    def _job(self, request_id: str, arriving: _Arriving) -> Job | None:
        """The request, ready for the loop; None when it is cancelled before its prompt is read."""
        generation = arriving.generation
        prepared = prepare(
            generation,
            self._template,
            self._info.model,
            request=request_id,
            token_of=self._tokenizer.token_id,
            marks=self._marks,
        )
        # MLX does not check indices: one beyond the vocabulary would write into foreign memory
        check_vocabulary(generation.sampling, self._vocabulary)
        if arriving.cancelled.is_set():
            return None
        tokens = self._encode(prepared)
        room = check_fits(len(tokens), self._info.context)
        return Job(
            request_id,
            generation,
            prepared,
            tokens,
            0 if self._trims else self._tail(generation, prepared, tokens),
            min(generation.max_tokens or room, room),
            arriving.sink,
        )

    def _encode(self, prepared: Prepared) -> list[int]:
        tokens = self._tokenizer.encode(prepared.prompt, special=prepared.special)
        if not tokens and self._tokenizer.first_eos is not None:
            tokens = [self._tokenizer.first_eos]  # an empty prompt begins where a text ended
        if max(tokens, default=0) >= self._vocabulary:
            raise MalformedModel(
                self._info.model,
                f"its tokenizer makes token {max(tokens)}, its weights know {self._vocabulary}",
            )
        return tokens

    def _tail(self, generation: Generation, prepared: Prepared, tokens: list[int]) -> int:
        """How many tokens at the end only open the answer: the next turn's prompt has others there."""
        if generation.messages is None or self._template is None or generation.template is not None:
            return 0
        tools = () if generation.tool_choice == "none" else generation.tools
        closed = self._template.render(generation.messages, tools, opening=False)
        if not prepared.prompt.startswith(closed) or closed == prepared.prompt:
            return 0
        before = self._tokenizer.encode(closed, special=False)
        same = next((i for i, (a, b) in enumerate(zip(before, tokens, strict=False)) if a != b), len(before))
        return len(tokens) - same
