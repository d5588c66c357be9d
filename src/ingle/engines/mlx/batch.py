"""The running batch: reads the prompts of newcomers or makes the next token of every answer, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx_lm.generate import BatchGenerator, GenerationBatch

from ingle.engines.mlx.load import Loaded
from ingle.engines.mlx.pace import PREFILL_ROWS, prefill_rows


class Batch(BatchGenerator):  # type: ignore[misc]  # a class of an untyped package
    """mlx-lm's batch, in which a newcomer is read before the others' next token.

    In mlx-lm's own order a token of the others comes before a newcomer's prompt, and another one before the
    prompt's last token, which begins the answer. Here a step either reads or decodes. A newcomer waits for the
    step on its way, then its whole prompt is read if it fits in one piece (`prefill_rows`), and the next step
    tells its first token together with the others' next. A longer prompt takes several pieces, with one step
    of the others between two of them. Prompts that are read at the same time share each piece.
    """

    _generation_batch: Any  # mlx-lm's: those who have read their prompt

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(
            loaded.model,
            stop_tokens=[[token] for token in sorted(loaded.tokenizer.eos)],
            completion_batch_size=loaded.slots,
            prefill_batch_size=loaded.slots,
            prefill_step_size=PREFILL_ROWS,
        )
        self._rest: dict[int, int] = {}  # tokens of each prompt still to be read before its last one
        self._rate = 0.0  # prompt tokens a second
        self._has_read = False

    def insert_segments(self, segments: list[list[list[int]]], *args: Any, **fields: Any) -> list[int]:
        """As in mlx-lm: the prompts, cut where `step` shall tell of them. Returns their numbers."""
        uids: list[int] = super().insert_segments(segments, *args, **fields)
        self._rest.update((uid, sum(map(len, cut)) - 1) for uid, cut in zip(uids, segments, strict=True))
        return uids

    def remove(self, uids: list[int], return_prompt_caches: bool = False) -> dict[int, Any]:
        """As in mlx-lm: let go of sequences wherever they are; their caches and tokens when asked for."""
        for uid in uids:
            self._rest.pop(uid, None)
        removed: dict[int, Any] = super().remove(uids, return_prompt_caches)
        return removed

    def step(self, told: Callable[[Any], None]) -> list[Any]:
        """Read one piece of the prompts, or make one token of every answer.

        `told` hears mlx-lm's `PromptProcessingBatch.Response` of each prompt that was read on, while its cache
        holds exactly as much. Returns mlx-lm's `GenerationBatch.Response` of each answer; none after a piece.
        """
        streaming = len(self._generation_batch)
        self._has_read = bool(self._rest) and not (streaming and self._has_read)
        if self._has_read:
            # a token of each at least, however many there are: nobody waits for the others to end
            self._read(max(prefill_rows(self._rate, streaming), len(self._rest)), told)
            return []
        read, answers = self._next_of(rows=0)
        for found in read:
            told(found)
        return answers

    def _read(self, rows: int, told: Callable[[Any], None]) -> None:
        """Compute at most `rows` tokens of prompts, and the last one of each that is whole then."""
        while self._rest:
            unread = {uid: rest for uid, rest in self._rest.items() if rest}
            share = rows // len(unread) if unread else 0
            if not share and len(unread) == len(self._rest):
                return
            for found in self._read_before_the_others(share):
                told(found)
            # shorter ones are padded to the longest of a piece
            rows -= len(unread) * max(
                (was - self._rest.get(uid, 0) for uid, was in unread.items()), default=0
            )

    def _read_before_the_others(self, share: int) -> list[Any]:
        """mlx-lm decodes whoever is in its generation batch first: during this call nobody is."""
        streaming = self._generation_batch
        self._generation_batch = GenerationBatch.empty(self.model, self.sampler)
        with self.stats() as work:
            read, _ = self._next_of(rows=share)
        begun, self._generation_batch = self._generation_batch, streaming
        if len(begun):
            with mx.stream(self.stream):
                streaming.extend(begun)
        if work.prompt_tokens and work.prompt_time > 0:
            self._rate = work.prompt_tokens / work.prompt_time
        return read

    def _next_of(self, rows: int) -> tuple[list[Any], list[Any]]:
        """mlx-lm's next step, with at most `rows` tokens of each prompt."""
        self.prefill_step_size = rows
        read, answers = self.next()
        for found in read:
            done, total = found.progress
            if found.end_of_prompt:
                self._rest.pop(found.uid, None)
            else:
                self._rest[found.uid] = total - 1 - done
        return read, answers
