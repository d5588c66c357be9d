"""Carries out what the scheduler decided: starts workers, stops them, and reports what became of them.

It holds one worker object for each model key that has a process. It decides nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ingle.catalog.model import Snapshot
from ingle.errors import IngleError, LoadFailed
from ingle.runtime import news
from ingle.runtime.needs import Need
from ingle.runtime.seams import StopReport, Worker

log = logging.getLogger(__name__)


class Unloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What an unload gave back, in bytes, measured after the system confirmed the exit."""

    model: str
    unloaded: bool
    memory_returned: int = 0


@dataclass
class Berth:
    """One worker and what is said about it. `why` is why this engine was chosen, `room` the bytes that its
    load may take."""

    snapshot: Snapshot
    worker: Worker
    need: Need
    why: str
    room: int | None = None
    stopping: str | None = None
    load_seconds: float = 0.0
    bytes: int | None = None
    spawned: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def model(self) -> str:
        """The name to show."""
        return self.need.model


class Fleet:
    """`report(event)` takes what happened, on the event loop; `left(key, berth, returned)` comes before
    the `Gone` of a worker that was asked to stop, `lost(key, berth)` before that of one that died."""

    def __init__(
        self,
        make: Callable[[str], Worker],
        clock: Callable[[], float],
        report: Callable[[news.Event], None],
        left: Callable[[str, Berth, int], None],
        lost: Callable[[str, Berth], None],
    ) -> None:
        self._make = make
        self._clock = clock
        self._report = report
        self._left = left
        self._lost = lost
        self._berths: dict[str, Berth] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def berths(self) -> dict[str, Berth]:
        return self._berths

    def start(self, key: str, snapshot: Snapshot, need: Need, why: str, room: int | None = None) -> None:
        """Begin a load that may take `room` bytes."""
        berth = Berth(snapshot, self._make(need.model), need, why, room=room)
        self._berths[key] = berth
        self._spawn(self._load(key, berth))

    def stop(self, key: str, why: str) -> None:
        berth = self._berths.get(key)
        if berth is None:
            return  # it ended by itself a moment ago, and that news is on its way
        berth.stopping = why
        self._spawn(self._end(key, berth))

    async def close(self) -> None:
        """Stop every worker and wait until the system confirmed that each is gone."""
        for key, berth in tuple(self._berths.items()):
            if berth.stopping is None:
                self.stop(key, "the runtime ends")
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _load(self, key: str, berth: Berth) -> None:
        begun = self._clock()
        spec = berth.need.spec
        try:
            try:
                options = msgspec.structs.replace(spec.options, memory=berth.room)
                await berth.worker.start(berth.snapshot, spec.engine, options)
            finally:
                berth.spawned.set()
            await berth.worker.ready()
        except Exception as exc:  # noqa: BLE001 - the task's edge: a load that fails in any way is reported
            await berth.worker.stop()  # only when its process is gone may the next one begin
            if berth.stopping is None:
                error = _typed(exc, berth.model)
                log.warning("%s could not be loaded: %s", berth.model, error.message)
                self._berths.pop(key, None)
                self._report(news.LoadFailed(key=key, error=error))
            return
        berth.load_seconds = self._clock() - begun
        if berth.stopping is not None:
            return
        self._report(news.Loaded(key=key))
        pid = berth.worker.pid
        await berth.worker.wait_gone()
        if berth.stopping is None:
            self._berths.pop(key, None)
            why = berth.worker.error.message if berth.worker.error else "It ended by itself."
            log.warning("the worker of %s (pid %s) is gone: %s", berth.model, pid, why)
            self._lost(key, berth)
            self._report(news.Gone(key=key))
            await berth.worker.stop()

    async def _end(self, key: str, berth: Berth) -> None:
        returned = 0
        await berth.spawned.wait()  # a stop in the middle of the spawn would miss the process
        try:
            report: StopReport = await berth.worker.stop()
            returned = report.memory_freed
        except IngleError:
            log.exception("stopping the worker of %s failed", berth.model)
        self._berths.pop(key, None)
        self._left(key, berth, returned)
        self._report(news.Gone(key=key))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _typed(exc: Exception, model: str) -> IngleError:
    if isinstance(exc, IngleError):
        return exc
    return LoadFailed(f"{model} could not be loaded: {type(exc).__name__}: {exc}.", model=model)
