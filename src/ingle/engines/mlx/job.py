"""One request inside the engine: its choices, what they have made so far, and how they tell it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from ingle.engines.assemble import Assembler
from ingle.engines.base import Sink
from ingle.engines.checks import is_greedy
from ingle.engines.mlx.constrain import control
from ingle.engines.mlx.failures import request_error
from ingle.engines.mlx.load import Loaded
from ingle.engines.mlx.sampling import make_penalties, make_sampler, own_logprobs
from ingle.engines.prepare import Prepared
from ingle.engines.seeds import choice_seed
from ingle.errors import IngleError
from ingle.generation import Chunk, FinishReason, Generation, SamplingParams, TokenLogprob, Usage


class Choice:
    """One answer to a request: a sequence of tokens in the batch.

    `made` are the tokens of the answer so far. `uid` is its number in the batch, None outside. `error` is
    set by its own sampler or processors; the batch itself goes on.
    """

    def __init__(self, job: Job, index: int, loaded: Loaded) -> None:
        self.job = job
        self.index = index
        self.uid: int | None = None
        self.made: list[int] = []
        self.tries = 0
        self.cached = 0
        self.ended = False
        self.error: IngleError | None = None
        self.thinks_anyway = False
        self._watched = False
        self._own: deque[Any] = deque()  # the model's own logprobs of tokens to come, where these are steered
        self._loaded = loaded
        self._seed = choice_seed(job.generation.sampling.seed, index)
        self._text = loaded.tokenizer.detokenizer(job.tokens if job.generation.messages is None else ())
        self._assembler = Assembler(msgspec.structs.replace(job.prepared.shape, index=index))

    @property
    def reasoning_tokens(self) -> int:
        """At most the budget: the tokens that were forced to close the reasoning are none of it."""
        budget = self.job.prepared.shape.budget
        made = self._assembler.reasoning_tokens
        return made if budget is None else min(made, budget)

    @property
    def left(self) -> int:
        """Tokens that may still be made."""
        return self.job.limit - len(self.made)

    def sampler(self) -> Callable[[Any], Any]:
        """For `insert`: continues where `made` ends. Never raises inside the batch."""
        sampling = self.job.generation.sampling
        return self._guarded_sampler(
            make_sampler(sampling, self._seed, self._loaded.vocabulary, len(self.made))
        )

    def processors(self) -> list[Callable[[Any, Any], Any]]:
        """For `insert`: biases and penalties, then the grammar. None of them raises inside the batch."""
        sampling = self.job.generation.sampling
        found = make_penalties(sampling)
        loaded = self._loaded
        watch = control(
            self.job.prepared,
            loaded.tokenizer,
            loaded.vocabulary,
            self.made,
            thinks_anyway=self.thinks_anyway,
        )
        self._watched = watch is not None
        if watch is not None:
            found.append(watch)
        self._own.clear()
        if found and sampling.logprobs:
            found.insert(0, own_logprobs(self._own))
        return [self._guarded(processor) for processor in found]

    def push(self, token: int, logprobs: Any) -> FinishReason | None:
        """One more token; why the answer ends here, None when it goes on."""
        self.made.append(token)
        sampling = self.job.generation.sampling
        logprobs = self._own.popleft() if self._own else logprobs
        text = self._text.push(token)
        shown = sampling.logprobs and self._loaded.tokenizer.is_shown(token)
        told = _logprob(token, text, logprobs, sampling, self._loaded) if shown else None
        chunk = self._assembler.push(text, told)
        if chunk is not None:
            self.job.sink.chunk(chunk)
        return self._assembler.finished

    def overthinks(self) -> bool:
        """Whether reasoning over its budget has begun that nothing watches: it has to go on under control, once."""
        if self._watched or not self._assembler.budget_spent:
            return False
        self.thinks_anyway = True
        return True

    def finish(self, reason: FinishReason) -> None:
        """Tell the rest and why it ended; the job tells its usage with the last choice."""
        self.ended = True
        rest = self._text.flush().rstrip(_HALF)  # half a character is nothing anybody can read
        if rest:
            chunk = self._assembler.push(rest, count=0)
            if chunk is not None:
                self.job.sink.chunk(chunk)
        self.job.sink.chunk(self._assembler.finish(reason))
        self.job.choice_ended()

    def _guarded(self, processor: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def apply(tokens: Any, logits: Any) -> Any:
            if self.error is not None:
                return logits
            try:
                return processor(tokens, logits)
            except Exception as exc:  # noqa: BLE001  (it must not break the batch)
                self._fail(exc)
                return logits

        return apply

    def _guarded_sampler(self, sampler: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if is_greedy(self.job.generation.sampling):
            return sampler  # one shared function lets the batch choose all greedy tokens at once

        def apply(logprobs: Any) -> Any:
            try:
                return sampler(logprobs)
            except Exception as exc:  # noqa: BLE001  (it must not break the batch)
                self._fail(exc)
                return logprobs.argmax(axis=-1)

        return apply

    def _fail(self, exc: Exception) -> None:
        self.error = request_error(exc)


class Job:
    """A prepared request with its sink. Made on any thread, used on the engine's thread only.

    `tokens` is the prompt, `tail` the tokens of it that only open the answer, `limit` the most tokens a
    choice may make.
    """

    def __init__(
        self,
        request_id: str,
        generation: Generation,
        prepared: Prepared,
        tokens: list[int],
        tail: int,
        limit: int,
        sink: Sink,
    ) -> None:
        self.request_id = request_id
        self.generation = generation
        self.prepared = prepared
        self.tokens = tokens
        self.tail = tail
        self.limit = limit
        self.sink = sink
        self.choices: list[Choice] = []
        self.over = False
        self._arrived = time.perf_counter()
        self._first: float | None = None

    def open_choices(self, loaded: Loaded) -> list[Choice]:
        """The choices, made on the engine's thread."""
        self.choices = [Choice(self, index, loaded) for index in range(self.generation.n)]
        return self.choices

    def first_token(self) -> None:
        """Notes when the first token of any choice was there."""
        self._first = self._first or time.perf_counter()

    def choice_ended(self) -> None:
        """After the last choice the usage is told, and the request is over."""
        if self.over or not all(choice.ended for choice in self.choices):
            return
        self.over = True
        now = time.perf_counter()
        first = self._first or now
        self.sink.chunk(
            Chunk(
                usage=Usage(
                    prompt_tokens=len(self.tokens),
                    completion_tokens=sum(len(choice.made) for choice in self.choices),
                    cached_tokens=self.choices[0].cached,
                    reasoning_tokens=sum(choice.reasoning_tokens for choice in self.choices),
                    prefill_seconds=first - self._arrived,
                    decode_seconds=now - first,
                )
            )
        )

    def fail(self, error: IngleError) -> None:
        """End the whole request with an error; once."""
        if not self.over:
            self.over = True
            for choice in self.choices:
                choice.ended = True
            self.sink.fail(error)


_HALF = "\ufffd"  # how a part of a character is decoded


def _logprob(
    token: int, said: str, logprobs: Any, sampling: SamplingParams, loaded: Loaded
) -> TokenLogprob | None:
    """Of a token that made `said` readable; None for the first parts of a character in several tokens."""
    import mlx.core as mx

    text = loaded.tokenizer.token_text
    own = text(token)
    if _HALF in own:
        if not said:
            return None
        own = said
    values = np.array(logprobs.astype(mx.float32))
    count = sampling.top_logprobs
    best = np.argsort(-values, kind="stable")[:count] if count else ()
    top = tuple((text(int(i)), float(values[i])) for i in best if np.isfinite(values[i]))
    return TokenLogprob(token=own, logprob=float(values[token]), top=top)
