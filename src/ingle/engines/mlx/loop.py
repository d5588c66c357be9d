"""The one thread that owns MLX: requests join and leave a running batch between two steps of it."""

from __future__ import annotations

import contextlib
import copy
import gc
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import mlx.core as mx

from ingle.engines.base import EngineHealth, EngineOptions
from ingle.engines.mlx.batch import Batch
from ingle.engines.mlx.failures import is_out_of_memory, loop_ended, request_error, unloaded
from ingle.engines.mlx.job import Choice, Job
from ingle.engines.mlx.load import Loaded
from ingle.engines.mlx.pace import STUCK_SECONDS
from ingle.engines.mlx.prefix_disk import PrefixDisk
from ingle.engines.mlx.prefixes import PrefixCache
from ingle.errors import IngleError
from ingle.generation import FinishReason

MOST_TRIES = 4  # at first, one by one, alone, and once beside another that fails

_LOG = logging.getLogger("ingle.engines.mlx")


class Loop:
    """Owns the model, the batch and the prefix cache. Other threads only put commands into its queue."""

    def __init__(
        self, loaded: Loaded, options: EngineOptions, make_batch: Callable[[Loaded], Batch] = Batch
    ) -> None:
        self.loaded = loaded
        self._make_batch = make_batch
        self._slots = loaded.slots
        self._together = loaded.slots  # how many may be in the batch now
        self._wired_limit = options.wired_limit
        self._commands: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._prefixes = PrefixCache(loaded.kept)
        self._disk: PrefixDisk | None = None
        if options.prompt_cache_folder is not None and not loaded.alone:
            folder, limit = Path(options.prompt_cache_folder), options.prompt_cache_folder_bytes
            self._disk = PrefixDisk(folder, limit, loaded.identity)
        self._inside: dict[int, Choice] = {}
        self._waiting: deque[Choice] = deque()
        self._suspects: deque[Choice] = deque()
        self._probation: Choice | None = None
        self._jobs: dict[str, Job] = {}
        self._steps = 0
        self._step_began: float | None = None
        self._stopping = False
        self._ended = False
        self._batch: Any = None  # a `Batch`, but while one is being replaced
        self._open_batch()

    def submit(self, job: Job) -> None:
        """Let a request in; after the end of the loop it fails at once."""
        self._jobs[job.request_id] = job  # it counts before the present step is over
        self._commands.put(lambda: self._join(job))
        if self._ended:
            self._drain()

    def cancel(self, request_id: str) -> None:
        self._commands.put(lambda: self._cancel(request_id))

    def stop(self) -> None:
        """Have every request end and `run` return. Harmless when it has."""
        self._commands.put(self._stop)

    def health(self, preparing: Collection[str] = ()) -> EngineHealth:
        """Whether tokens are made: the thread lives, its step is not endless. `preparing` wait as well."""
        taken = time.monotonic() - (self._step_began or time.monotonic())
        stuck = taken > STUCK_SECONDS
        active = {choice.job.request_id for choice in list(self._inside.values())}
        reason = f"the present step has taken {taken:.0f} s" if stuck else ""
        reason = "the thread that makes tokens has ended" if self._ended else reason
        return EngineHealth(
            ok=not self._ended and not stuck,
            active=len(active),
            queued=len({*preparing, *list(self._jobs)} - active),
            steps=self._steps,
            reason=reason,
            ended=self._ended,
        )

    def run(self) -> None:
        """Make tokens until `stop`. Everything below runs on the thread that calls this."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._ended = True
            self._end_all()

    def _turn(self) -> None:
        """Take the commands that are there, then make one step; without work, wait for a command."""
        idle = not (self._inside or self._waiting or self._suspects)
        while idle or not self._commands.empty():
            self._commands.get()()
            idle = False
        if not self._stopping:
            self._admit()
        if self._stopping or not self._inside:
            return
        self._step_began = time.monotonic()
        try:
            self._step()
        except Exception as exc:  # noqa: BLE001  (whatever the batch raises, the loop lives on)
            self._recover(exc)
        finally:
            self._step_began = None
        if not self._inside:
            if self._disk is not None:
                self._disk.write_due()
            mx.clear_cache()  # what the last step used goes back to the system while nobody asks

    def _stop(self) -> None:
        self._stopping = True

    def _open_batch(self) -> None:
        self._batch = self._make_batch(self.loaded)
        if not self._wired_limit:
            self._batch.close()  # it has set the wired limit, as every batch does; closing restores it

    def _join(self, job: Job) -> None:
        self._jobs[job.request_id] = job
        if self._ended:
            return
        try:
            self._waiting.extend(job.open_choices(self.loaded))
        except Exception as exc:  # noqa: BLE001  (it fails its own request only)
            self._fail(job, exc)

    def _cancel(self, request_id: str) -> None:
        job = self._jobs.get(request_id)
        if job is None:
            return
        try:
            for choice in [one for one in job.choices if not one.ended]:
                self._leave(choice, FinishReason.CANCELLED)
        except Exception as exc:  # noqa: BLE001  (it fails its own request only)
            self._fail(job, exc)

    def _admit(self) -> None:
        """Let waiting choices in, as many as there are slots; after a failure one by one."""
        if self._probation is None and self._suspects and len(self._inside) < self._together:
            self._probation = self._suspects.popleft()
            self._insert(self._probation)
        if self._suspects or self._probation is not None:
            return
        while self._waiting and len(self._inside) < self._together:
            self._insert(self._waiting.popleft())

    def _insert(self, choice: Choice) -> None:
        if choice.ended:
            return
        tokens = choice.job.tokens + choice.made
        try:
            cache, covered = self._fetch(tokens)
            rest = tokens[covered:]
            tail = 0 if self.loaded.trims else choice.job.tail + len(choice.made)
            segments = (
                [rest[: len(rest) - tail], rest[len(rest) - tail :]] if 0 < tail < len(rest) else [rest]
            )
            (uid,) = self._batch.insert_segments(
                [segments],
                max_tokens=[choice.left],
                caches=[cache],
                all_tokens=[tokens[:covered]],
                samplers=[choice.sampler()],
                logits_processors=[choice.processors()],
            )
        except Exception as exc:  # noqa: BLE001  (it fails its own request only)
            self._fail(choice.job, exc)
            return
        choice.uid, choice.tries = uid, choice.tries + 1
        if not choice.made:
            choice.cached = covered
        self._inside[uid] = choice

    def _fetch(self, tokens: list[int]) -> tuple[list[Any] | None, int]:
        """The longest beginning of `tokens` that is computed already, in memory or in the folder."""
        cache, covered = self._prefixes.fetch(tokens)
        if self._disk is None:
            return cache, covered
        stored, length = self._disk.find(tokens, covered)
        if stored is not None:
            self._prefixes.keep(tokens[:length], copy.deepcopy(stored))
            return stored, length
        if cache is not None:
            self._disk.served(tokens[:covered], cache)
        return cache, covered

    def _step(self) -> None:
        answers = self._batch.step(self._prompt_done)
        self._steps += 1
        for found in answers:
            self._answer(found)

    def _prompt_done(self, found: Any) -> None:
        """Keep the cache of a prompt that is computed, or of its part before the generation tail."""
        choice = self._inside.get(found.uid)
        if choice is None or not found.end_of_segment or choice.error is not None:
            return
        if found.end_of_prompt is self.loaded.trims:
            self._keep(*self._batch.extract_cache([found.uid])[found.uid])

    def _answer(self, found: Any) -> None:
        choice = self._inside.get(found.uid)
        if choice is None:
            return
        if choice is self._probation:
            self._probation = None
        if choice.error is not None:
            self._fail(choice.job, choice.error)
            return
        choice.job.first_token()
        if found.finish_reason == "stop":
            self._over(choice, FinishReason.STOP, found)
            return
        try:
            ended = choice.push(found.token, found.logprobs)
        except Exception as exc:  # noqa: BLE001  (it fails its own request only)
            self._fail(choice.job, exc)
            return
        if found.finish_reason is not None:
            self._over(choice, FinishReason.LENGTH, found)
        elif ended is not None:
            self._leave(choice, ended)
        elif choice.overthinks():
            self._take_out(choice)
            self._waiting.appendleft(choice)

    def _over(self, choice: Choice, reason: FinishReason, found: Any) -> None:
        """The batch itself has ended the sequence and hands over its cache."""
        self._inside.pop(found.uid, None)
        choice.uid = None
        self._keep(found.prompt_cache, found.all_tokens)
        self._finish(choice, reason)

    def _leave(self, choice: Choice, reason: FinishReason) -> None:
        """Take a choice out wherever it is: waiting, under suspicion, or in the batch."""
        self._take_out(choice)
        self._forget(choice)
        self._finish(choice, reason)

    def _take_out(self, choice: Choice) -> None:
        """Out of the batch, when it is there; what is computed of it is kept."""
        if choice.uid is not None:
            uid, choice.uid = choice.uid, None
            self._inside.pop(uid, None)
            for kept in self._batch.remove([uid], return_prompt_caches=bool(choice.made)).values():
                self._keep(*kept)

    def _forget(self, choice: Choice) -> None:
        if choice is self._probation:
            self._probation = None
        for waiting in (self._waiting, self._suspects):
            if choice in waiting:
                waiting.remove(choice)

    def _finish(self, choice: Choice, reason: FinishReason) -> None:
        job = choice.job
        if all(other.ended for other in job.choices if other is not choice):
            self._jobs.pop(
                job.request_id, None
            )  # before its last word: whoever hears it may ask for the health
        choice.finish(reason)

    def _fail(self, job: Job, exc: Exception) -> None:
        """End one request with its error; nobody else notices."""
        for choice in job.choices:
            if choice.uid is not None:
                uid, choice.uid = choice.uid, None
                self._inside.pop(uid, None)
                self._batch.remove([uid])
            self._forget(choice)
        self._jobs.pop(job.request_id, None)
        if not isinstance(exc, IngleError):
            _LOG.error("a request failed", exc_info=exc)
        job.fail(request_error(exc))

    def _keep(self, cache: list[Any], tokens: list[int]) -> None:
        mx.eval([layer.state for layer in cache])  # else it would hold the whole batch's arrays
        self._prefixes.keep(tokens, cache)

    def _recover(self, exc: Exception) -> None:
        """A step of the whole batch failed: begin a new batch, and let its requests in one by one.

        Memory is given back first, so that what failed for want of it gets its one retry. Whoever fails
        again while it is the newest is the one that fails, when it is alone or memory is what is missing.
        Else it may be the company: from then on requests run one at a time, until one fails alone.
        """
        _LOG.warning("a step of the batch failed", exc_info=exc)
        old, guilty, self._probation = [*self._inside.values()], self._probation, None
        if guilty is not None and len(old) > 1 and not is_out_of_memory(exc):
            guilty, self._together = None, 1
        elif guilty is not None:
            self._together = self._slots
        self._inside.clear()
        self._batch.close()
        self._batch = None
        self._prefixes.clear()
        exc.__traceback__ = None  # its frames hold the arrays of the failed step
        gc.collect()
        mx.clear_cache()
        self._open_batch()
        for choice in old:
            choice.uid = None
            if choice.ended:
                continue
            if choice is guilty or choice.tries > MOST_TRIES:
                self._fail(choice.job, exc)
            else:
                self._suspects.append(choice)

    def _drain(self) -> None:
        """Fail every request that is inside or in the queue of commands; the loop makes no more tokens."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._commands.get_nowait()()
        for job in list(self._jobs.values()):
            job.fail(unloaded() if self._stopping else loop_ended())
        self._jobs.clear()

    def _end_all(self) -> None:
        self._drain()
        self._inside.clear()
        self._prefixes.clear()
        if self._batch is not None:
            self._batch.close()
        self._batch = None
        del self.loaded
        gc.collect()
        mx.clear_cache()
