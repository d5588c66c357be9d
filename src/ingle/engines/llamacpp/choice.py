"""Runs one choice of one request on a loaded llama.cpp: one submission, or two around the reasoning.

With a grammar, or when the reasoning's budget is spent, the answer is a second submission of the same
prompt plus what was thought; llama.cpp's prompt cache makes that cheap.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingle.engines.assemble import AnswerShape, Assembler
from ingle.engines.llamacpp.fields import Step, completion_fields, read_step
from ingle.engines.llamacpp.replay import Replay
from ingle.engines.llamacpp.server import Server
from ingle.engines.prepare import Prepared, closed
from ingle.engines.reasoning import THINK
from ingle.engines.schema import dead_end, satisfies
from ingle.errors import GenerationFailed, OutOfMemory
from ingle.generation import Chunk, FinishReason, SamplingParams

_LOG = logging.getLogger("ingle.llamacpp")


class ChoiceResult(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens, times in seconds."""

    tokens: int
    reasoning_tokens: int
    cached: int
    prefill_seconds: float
    decode_seconds: float
    cancelled: bool


@dataclass
class Choice:
    """One choice: `run` on a thread of its own; `cancelled` may be set from any thread.

    `on_chunk` gets the chunks, `on_step` is called at every sign of life of llama.cpp. `alone` keeps others
    out while a completion that failed is tried again; False: it was cancelled meanwhile.
    """

    server: Server
    prepared: Prepared
    tokens: list[int]
    sampling: SamplingParams
    limit: int
    seed: int
    index: int
    cancelled: threading.Event
    on_chunk: Callable[[Chunk], None]
    on_step: Callable[[], None]
    alone: Callable[[], AbstractContextManager[bool]]
    _told: str = ""
    _cached: int | None = None
    _first: float | None = None
    _phase_tokens: int = 0
    _ended: str | None = None
    _answer: list[str] = field(default_factory=list)

    def run(self) -> ChoiceResult:
        """Until the choice ends, for whatever reason. Raises typed errors."""
        began = time.monotonic()
        shape = msgspec.structs.replace(self.prepared.shape, index=self.index)
        assembler = Assembler(shape)
        grammar = self.prepared.grammar
        if not self.cancelled.is_set():
            # with thinking off the budget is 0: a model that thinks all the same is stopped doing so
            if self.prepared.thinks or (grammar is None and shape.reasoning is not None):
                self._think(assembler, shape)
                if self._goes_on(assembler) and self._ended is None:
                    self._submit(assembler, grammar, again=True)
            else:
                self._submit(assembler, grammar, again=False)
        last = assembler.finish(self._reason(assembler))
        self._check_kept(self.prepared.as_text, last)
        self.on_chunk(last)
        ended = time.monotonic()
        first = self._first or ended
        return ChoiceResult(
            tokens=assembler.tokens,
            reasoning_tokens=_bounded(assembler.reasoning_tokens, shape.budget),
            cached=self._cached or 0,
            prefill_seconds=first - began,
            decode_seconds=ended - first,
            cancelled=self.cancelled.is_set(),
        )

    def _think(self, assembler: Assembler, shape: AnswerShape) -> None:
        """The reasoning, without the grammar; without a grammar and a budget the answer simply follows in
        the same submission."""
        marks = shape.reasoning or THINK
        whole = self.prepared.grammar is None
        spent = False

        def take(step: Step) -> bool:
            nonlocal spent
            text = self._told + step.text
            at = text.find(marks.close)
            if not whole and at >= 0:
                step = msgspec.structs.replace(step, text=text[: at + len(marks.close)][len(self._told) :])
            self._push(assembler, step)
            spent = assembler.budget_spent
            return spent or (not whole and at >= 0)

        self._complete(assembler, None, take)
        if spent and self._ended is None and self._goes_on(assembler):
            written = closed(marks)
            self._told += written
            # they are part of the answer's tokens, as on an engine whose batch makes them
            count, room = len(self.server.tokenize(written, special=False)), self.limit - assembler.tokens
            cut = count > room
            self._emit(assembler.push("", count=room) if cut else assembler.close_reasoning(count))

    def _submit(self, assembler: Assembler, grammar: str | None, *, again: bool) -> None:
        if again and self._told:
            self.tokens = self.tokens + self.server.tokenize(self._told, special=False)

        def take(step: Step) -> bool:
            self._answer.append(step.text)
            self._push(assembler, step)
            return False

        self._complete(assembler, grammar, take)

    def _complete(self, assembler: Assembler, grammar: str | None, take: Callable[[Step], bool]) -> None:
        self._phase_tokens = 0
        fields = completion_fields(
            self.tokens,
            self.sampling,
            limit=self.limit - assembler.tokens,
            seed=self.seed,
            grammar=grammar,
            visible=_marks(self.prepared.shape),
            # whoever asked for a grammar is owed an answer: the reasoning cannot be the end
            goes_on=grammar is None and self.prepared.grammar is not None,
        )

        replay = Replay()

        def on_chunk(raw: dict[str, Any]) -> bool:
            self.on_step()
            step = replay.pass_on(read_step(raw, self.sampling.top_logprobs))
            if step is None:
                return self.cancelled.is_set()
            if self._cached is None:
                self._cached = step.cached
            if step.finish is not None:
                self._ended = step.finish
            stop = False
            if step.text or step.finish is not None:
                self._first = self._first or time.monotonic()
                stop = take(step)
            return stop or self.cancelled.is_set() or assembler.finished is not None

        try:
            self.server.complete(fields, on_chunk)
        except (OutOfMemory, GenerationFailed) as error:
            _LOG.warning("a completion failed and is tried once more, alone: %s", error)
            replay.begin_again()
            with self.alone() as got:
                if got and not self.cancelled.is_set():
                    self.server.complete(fields, on_chunk)

    def _push(self, assembler: Assembler, step: Step) -> None:
        predicted = step.predicted if step.predicted is not None else self._phase_tokens + 1
        count, self._phase_tokens = max(0, predicted - self._phase_tokens), predicted
        if step.finish == "stop" and count:
            count -= 1  # the token that ends an answer is none of it
        if not step.text and not count:
            return
        self._told += step.text
        logprob = step.logprobs[-1] if step.logprobs else None
        self._emit(assembler.push(step.text, logprob, count=count))

    def _emit(self, chunk: Chunk | None) -> None:
        if chunk is not None:
            self.on_chunk(chunk)

    def _goes_on(self, assembler: Assembler) -> bool:
        room = assembler.tokens < self.limit
        return room and assembler.finished is None and not self.cancelled.is_set()

    def _reason(self, assembler: Assembler) -> FinishReason:
        if self.cancelled.is_set() and self._ended is None:
            return FinishReason.CANCELLED
        if self._ended == "length" or (self._ended is None and assembler.tokens >= self.limit):
            return FinishReason.LENGTH
        return FinishReason.STOP

    def _check_kept(self, grammar: str | None, last: Chunk) -> None:
        """llama.cpp can drop a grammar without a word: what it gave is checked, an answer that was cut as far as it came."""
        if grammar is None or last.finish_reason is FinishReason.CANCELLED:
            return
        whole = self._ended == "stop" and last.finish_reason is not FinishReason.LOOP
        if not satisfies(grammar, "".join(self._answer), whole=whole):
            raise dead_end("llama.cpp gave it up")


def _bounded(count: int, most: int | None) -> int:
    return count if most is None else min(count, most)


def _marks(shape: AnswerShape) -> tuple[str, ...]:
    """What the assembler must be able to see."""
    thoughts = (shape.reasoning.open, shape.reasoning.close) if shape.reasoning is not None else ()
    calls = shape.tools.visible if shape.tools is not None else ()
    return (*thoughts, *calls)
