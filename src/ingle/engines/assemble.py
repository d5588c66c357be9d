"""Makes the chunks of one choice out of its tokens, the same way for every engine. Pure.

An engine pushes each token's text and asks `finished` whether to go on. Reasoning is split off first; stop
strings and tool calls are looked for in the answer only, loops everywhere.
"""

from __future__ import annotations

import msgspec

from ingle.engines.loops import LoopDetector
from ingle.engines.reasoning import THINK, ReasoningFormat, ReasoningSplitter
from ingle.engines.stops import StopFinder
from ingle.engines.toolcalls import CallFinder
from ingle.engines.toolformats import ToolFormat
from ingle.generation import CallPart, Chunk, FinishReason, TokenLogprob


class AnswerShape(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for in the text of one choice.

    `reasoning` None: nothing is split off. `inside`: the prompt already opened the reasoning.
    `budget` is in reasoning tokens. `tools` None: calls are not looked for. `one_call` ends the choice with
    its first call. `call_seed` makes the ids of calls unique (the request's id).
    """

    index: int = 0
    stop: tuple[str, ...] = ()
    stop_on_loop: bool = False
    reasoning: ReasoningFormat | None = None
    inside: bool = False
    budget: int | None = None
    tools: ToolFormat | None = None
    one_call: bool = False
    call_seed: str = "0"


class Assembler:
    """One choice of one request. `tokens` and `reasoning_tokens` count what was pushed.

    `push` and `finish` give a chunk, or None while everything is held back. `finished` is set when
    a stop string, a loop or the only call wanted ends the choice; the engine then stops making tokens and calls `finish`.
    """

    def __init__(self, shape: AnswerShape) -> None:
        self._shape = shape
        self._splitter = (
            ReasoningSplitter(shape.reasoning or THINK, inside=shape.inside) if shape.reasoning else None
        )
        self._stops = StopFinder(shape.stop)
        self._loops = LoopDetector() if shape.stop_on_loop else None
        self._calls = (
            CallFinder(shape.tools, f"call_{shape.call_seed}_{shape.index}", only_one=shape.one_call)
            if shape.tools
            else None
        )
        self._untold = 0
        self._logprobs: list[tuple[int, TokenLogprob]] = []
        self._seen = 0
        self._shown = 0
        self.tokens = 0
        self.reasoning_tokens = 0
        self.finished: FinishReason | None = None

    @property
    def in_reasoning(self) -> bool:
        return self._splitter is not None and self._splitter.inside

    @property
    def budget_spent(self) -> bool:
        """Whether the reasoning should be closed now, by the engine, with the closing mark."""
        budget = self._shape.budget
        return budget is not None and self.in_reasoning and self.reasoning_tokens >= budget

    def push(self, text: str, logprob: TokenLogprob | None = None, *, count: int = 1) -> Chunk | None:
        """One more token. `text` may be empty while its bytes are no whole character; an engine that
        tells only whole characters pushes the `count` tokens of one together. Text whose tokens were pushed
        before it could be read has a count of 0."""
        self.tokens += count
        self._untold += count
        was_inside = self.in_reasoning
        reasoning, answer = self._splitter.push(text) if self._splitter else ("", text)
        if was_inside:
            self.reasoning_tokens += count
        if logprob is not None and not was_inside and not (self._splitter and self._splitter.trims):
            self._logprobs.append((self._seen, logprob))
        if self._loops is not None and count and self._loops.push(text, count):
            self.finished = FinishReason.LOOP
        shown, calls = self._show(answer)
        return self._chunk(shown, reasoning, calls)

    def close_reasoning(self, count: int = 0) -> Chunk | None:
        """The engine wrote the closing mark itself, in `count` tokens (the budget is spent)."""
        self.tokens += count
        self._untold += count
        reasoning, answer = (
            self._splitter.push(self._shape.reasoning.close)
            if self._splitter and self._shape.reasoning
            else ("", "")
        )
        shown, calls = self._show(answer)
        return self._chunk(shown, reasoning, calls)

    def finish(self, reason: FinishReason) -> Chunk:
        """The last chunk: what was held back, and why it ended (a stop or a loop found here wins)."""
        reasoning, answer = self._splitter.flush() if self._splitter else ("", "")
        if self._shape.budget is not None and self.reasoning_tokens > self._shape.budget:
            reasoning = ""  # the end cut the closing mark that is written in the model's place
        shown, calls = self._show(answer)
        rest = self._stops.flush()
        stopped = self._stops.matched is not None and self._calls is not None and self._calls.cut
        if self._calls is not None:
            more, found = self._calls.push(rest)
            tail, last = self._calls.flush()
            rest, calls = more + tail, calls + found + last
        ended = self.finished or reason
        if ended is FinishReason.STOP and self._calls is not None and self._calls.made and not stopped:
            ended = FinishReason.TOOL_CALLS
        chunk = self._chunk(shown + rest, reasoning, calls, everything=self._stops.matched is None)
        told = self._untold + (chunk.tokens if chunk else 0)
        chunk = chunk or Chunk(index=self._shape.index)
        return msgspec.structs.replace(chunk, finish_reason=ended, tokens=told)

    def _show(self, answer: str) -> tuple[str, tuple[CallPart, ...]]:
        self._seen += len(answer)
        safe = self._stops.push(answer)
        if self._stops.matched is not None and self.finished is None:
            self.finished = FinishReason.STOP
        if self._calls is None:
            return safe, ()
        found = self._calls.push(safe)
        if self._calls.full and self.finished is None:
            self.finished = FinishReason.TOOL_CALLS
        return found

    def _chunk(
        self, text: str, reasoning: str, calls: tuple[CallPart, ...], *, everything: bool = False
    ) -> Chunk | None:
        self._shown += len(text)
        due = [entry for at, entry in self._logprobs if everything or at < self._shown]
        if due:
            del self._logprobs[: len(due)]
        if not (text or reasoning or calls or due):
            return None
        told, self._untold = self._untold, 0
        return Chunk(
            index=self._shape.index,
            text=text,
            reasoning=reasoning,
            tool_calls=calls,
            logprobs=tuple(due),
            tokens=told,
        )
