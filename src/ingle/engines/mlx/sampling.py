"""Chooses the next token of one request: penalties, biases, filters, and a random key of its own.

Everything is ordinary array operations, so it computes the same on CPU, Metal and CUDA, and a request's
choices depend on its own logits and seed only, never on its neighbours in the batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx_lm.sample_utils import (
    apply_min_p,
    apply_top_k,
    apply_top_p,
    greedy_sampler,
    make_logits_processors,
)

from ingle.engines.checks import PENALTY_WINDOW, biases, is_greedy
from ingle.generation import SamplingParams

LEAST_SHARE = 1e-30
"""Of a 32-bit number anything less may be nothing, and a `top_p` of nothing leaves no token."""

Processor = Callable[[Any, Any], Any]
"""(all tokens so far, logits of shape (1, vocabulary)) -> logits of the same shape."""


class Sampler:
    """Draws one token a step; step `i` of seed `s` always uses the key (s, i).

    Filters before the temperature, in llama.cpp's order, so that both engines leave the same tokens: top_k,
    top_p of what that left, min_p. The draw is the largest of score plus Gumbel noise: the last bits, in which
    a batch may differ from one sequence, change it only where two candidates are equal all but for those.
    Along the sums of a cumulative distribution they move every border between two tokens.
    """

    def __init__(self, sampling: SamplingParams, seed: int, vocabulary: int, step: int = 0) -> None:
        self._temperature = sampling.temperature
        self._seed = seed
        self._step = step
        self._filters: list[Callable[[Any], Any]] = []
        if 0 < sampling.top_k < vocabulary:
            self._filters.append(lambda found: _normalised(apply_top_k(found, sampling.top_k)))
        if sampling.top_p < 1.0:
            share = max(sampling.top_p, LEAST_SHARE)
            self._filters.append(lambda found: apply_top_p(found, share))
        if sampling.min_p > 0.0:
            self._filters.append(lambda found: apply_min_p(found, sampling.min_p))

    def __call__(self, logprobs: Any) -> Any:
        for apply in self._filters:
            logprobs = apply(logprobs)
        key = mx.array([self._seed, self._step], dtype=mx.uint32)
        self._step += 1
        scores = logprobs.astype(mx.float32) * (1.0 / self._temperature)
        return mx.argmax(scores + mx.random.gumbel(scores.shape, key=key), axis=-1)


def _normalised(logits: Any) -> Any:
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def make_sampler(sampling: SamplingParams, seed: int, vocabulary: int, step: int = 0) -> Callable[[Any], Any]:
    """Greedy requests share one function, so that a batch of them takes one call. `step`: tokens made before."""
    if is_greedy(sampling):
        greedy: Callable[[Any], Any] = greedy_sampler
        return greedy
    return Sampler(sampling, seed, vocabulary, step)


def make_penalties(sampling: SamplingParams) -> list[Processor]:
    """mlx-lm's own: biases, then repetition, presence and frequency penalties over the last `PENALTY_WINDOW` tokens.

    In llama.cpp's order: a repetition penalty acts on the biased logit.
    """
    found: list[Processor] = make_logits_processors(
        logit_bias=biases(sampling),
        repetition_penalty=sampling.repetition_penalty if sampling.repetition_penalty != 1.0 else None,
        repetition_context_size=PENALTY_WINDOW,
        presence_penalty=sampling.presence_penalty,
        presence_context_size=PENALTY_WINDOW,
        frequency_penalty=sampling.frequency_penalty,
        frequency_context_size=PENALTY_WINDOW,
    )
    return found


def own_logprobs(kept: deque[Any]) -> Processor:
    """Keeps the logprobs (float32, shape (vocabulary,)) from before anything steers the choice, one a step."""
    begin: Any = mx.async_eval  # its stub has no types

    def apply(tokens: Any, logits: Any) -> Any:
        own = _normalised(logits[0].astype(mx.float32))
        begin(own)  # else it would wait behind the whole next step
        kept.append(own)
        return logits

    return apply
