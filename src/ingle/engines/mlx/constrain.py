"""Keeps one answer inside its grammar and its reasoning inside its budget, token by token, within a batch.

The mask of allowed tokens comes from llguidance as words of bits and is unpacked and applied with
ordinary array operations: the same on CPU, Metal and CUDA.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import mlx.core as mx
import numpy as np
from llguidance import LLMatcher
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

from ingle.engines.mlx.tokenizer import ModelTokenizer
from ingle.engines.prepare import Prepared, closed
from ingle.engines.reasoning import THINK, ReasoningSplitter
from ingle.engines.schema import dead_end
from ingle.errors import InvalidRequest


class _Phase(Enum):
    UNDECIDED = "the answer may still open with reasoning"
    REASONING = "inside the reasoning"
    ANSWER = "the answer itself"


class AnswerControl:
    """A logits processor with a memory: forces the mark that ends spent reasoning, then applies the grammar.

    It looks at each sampled token once, one call later, on the host; once the answer has begun and there
    is no grammar it never looks again. `made` are tokens of the answer that exist already, when a
    request begins again after a failure.
    """

    def __init__(
        self, prepared: Prepared, tokenizer: ModelTokenizer, matcher: Any | None, made: Sequence[int] = ()
    ) -> None:
        shape = prepared.shape
        self._marks = shape.reasoning or THINK
        self._tokenizer = tokenizer
        self._splitter = ReasoningSplitter(self._marks, inside=shape.inside)
        self._text = tokenizer.detokenizer()
        self._matcher = matcher
        self._mask: Any = None
        self._budget = shape.budget
        self._spent = 0
        self._forced: list[int] = []
        self._was_forced = False
        self._started = False
        self._phase = _first_phase(prepared)
        self._check_budget()
        for token in made:
            self._take_forced()
            self._observe(token)

    def __call__(self, tokens: Any, logits: Any) -> Any:
        if self._phase is _Phase.ANSWER and self._matcher is None and not self._forced:
            return logits
        _begin(logits)  # the accelerator computes while the host looks at the last token
        if self._started:
            self._observe(int(tokens[-1].item()))
        self._started = True
        forced = self._take_forced()
        if forced is not None:
            return _only(forced, logits)
        if self._matcher is None:
            return logits
        if self._phase is _Phase.ANSWER:
            return self._masked(logits)
        # whoever asked for a grammar is owed an answer: the reasoning cannot be the end
        ends = self._ends(logits)
        if ends:
            logits[:, mx.array(ends, dtype=mx.int32)] = -mx.inf
        return logits

    def _ends(self, logits: Any) -> list[int]:
        """Those that have a score: MLX writes beyond an array without a word, and a folder may name any number."""
        return [token for token in sorted(self._tokenizer.eos) if 0 <= token < logits.shape[-1]]

    def _take_forced(self) -> int | None:
        token = self._forced.pop(0) if self._forced else None
        self._was_forced = token is not None
        return token

    def _observe(self, token: int) -> None:
        if self._phase is _Phase.ANSWER:
            self._consume([token])
            return
        was_inside = self._splitter.inside
        _, answer = self._splitter.push(self._text.push(token))
        if self._splitter.inside:
            self._phase = _Phase.REASONING
            self._spent += was_inside
            self._check_budget()
        elif was_inside or self._phase is _Phase.REASONING:
            self._phase = _Phase.ANSWER
            if answer.strip():  # one token closed the reasoning and began the answer
                self._consume(self._tokenizer.encode(answer, special=False))
        elif answer or token in self._tokenizer.eos:
            self._phase = _Phase.ANSWER

    def _check_budget(self) -> None:
        over = self._budget is not None and self._spent >= self._budget
        if over and self._phase is _Phase.REASONING and not self._forced:
            self._forced = self._tokenizer.encode(closed(self._marks), special=False)
            self._budget = None

    def _consume(self, tokens: list[int]) -> None:
        if self._matcher is None or self._matcher.is_stopped() or self._was_forced:
            return  # marks of reasoning are no part of the grammar; the step after the end is thrown away
        if not self._matcher.consume_tokens(tokens):
            raise dead_end(_trouble(self._matcher))

    def _masked(self, logits: Any) -> Any:
        assert self._matcher is not None
        if self._matcher.is_stopped():
            ends = self._ends(logits)
            return _only(ends[0], logits) if ends else logits
        vocabulary = logits.shape[-1]
        if self._mask is None:
            self._mask = allocate_token_bitmask(1, self._tokenizer.for_grammars(vocabulary).vocab_size)
        fill_next_token_bitmask(self._matcher, self._mask)
        if self._matcher.is_error():  # else it would look like the end of the answer
            raise dead_end(_trouble(self._matcher))
        return apply_mask(logits, self._mask)


def control(
    prepared: Prepared,
    tokenizer: ModelTokenizer,
    vocabulary: int,
    made: Sequence[int] = (),
    *,
    thinks_anyway: bool = False,
) -> AnswerControl | None:
    """The control of one choice, or None when nothing needs watching.

    A model without a token for the mark of reasoning is not expected to write it; `thinks_anyway`: it has.
    Raises `InvalidRequest` when the grammar cannot be built for this vocabulary.
    """
    shape = prepared.shape
    known = shape.reasoning is not None and tokenizer.token_id(shape.reasoning.open) is not None
    watched = shape.inside or ((known or thinks_anyway) and shape.budget is not None)
    if prepared.grammar is None and not watched:
        return None
    matcher = make_matcher(prepared.grammar, tokenizer, vocabulary) if prepared.grammar is not None else None
    return AnswerControl(prepared, tokenizer, matcher, made)


def _first_phase(prepared: Prepared) -> _Phase:
    if prepared.shape.inside:
        return _Phase.REASONING
    if prepared.shape.reasoning is None or prepared.grammar is not None:
        return _Phase.ANSWER
    return _Phase.UNDECIDED


def make_matcher(grammar: str, tokenizer: ModelTokenizer, vocabulary: int) -> Any:
    """llguidance's matcher for a checked Lark grammar. Raises `InvalidRequest`."""
    matcher = LLMatcher(tokenizer.for_grammars(vocabulary), LLMatcher.grammar_from_lark(grammar), log_level=0)
    if matcher.is_error():
        raise InvalidRequest(f"The constraint cannot be kept: {_trouble(matcher)}.", param="constraint")
    return matcher


def apply_mask(logits: Any, words: Any) -> Any:
    """Logits of shape (1, vocabulary); `words` int32 of shape (1, ceil(n/32)), one bit a token, low first.

    Tokens without a bit (a padded vocabulary) are not allowed.
    """
    vocabulary = logits.shape[-1]
    packed = mx.array(words.view(np.uint32))
    bits = mx.bitwise_and(mx.right_shift(packed[..., None], mx.arange(32, dtype=mx.uint32)), 1)
    allowed = bits.reshape(1, -1)[:, :vocabulary] == 1
    if allowed.shape[-1] < vocabulary:
        missing = mx.zeros((1, vocabulary - allowed.shape[-1]), dtype=mx.bool_)
        allowed = mx.concatenate([allowed, missing], axis=-1)
    return mx.where(allowed, logits, mx.array(-mx.inf, dtype=logits.dtype))


def _begin(array: Any) -> None:
    begin: Any = mx.async_eval  # its stub has no types
    begin(array)


def _only(token: int, logits: Any) -> Any:
    chosen = mx.arange(logits.shape[-1])[None] == token
    return mx.where(chosen, mx.zeros_like(logits), mx.array(-mx.inf, dtype=logits.dtype))


def _trouble(matcher: Any) -> str:
    """The first line of llguidance's complaint; those after it show the state of its parser."""
    return str(matcher.get_error()).partition("\n")[0]
