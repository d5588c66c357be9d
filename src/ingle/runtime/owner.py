"""The one owner task: takes what is asked and what happened from an inbox, one after the other.

It alone feeds the scheduler and carries out the effects; what takes time (processes, downloads) runs
elsewhere and reports back through the same inbox.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from ingle.catalog.model import ModelRef, Snapshot
from ingle.errors import Cancelled, IngleError, InUse
from ingle.runtime import news
from ingle.runtime.events import EventBus, EventKind, RuntimeEvent
from ingle.runtime.eye import Eye
from ingle.runtime.fleet import Berth, Fleet, Unloaded
from ingle.runtime.job import Job, Work
from ingle.runtime.needs import Need
from ingle.runtime.pulls import PullDesk
from ingle.runtime.scheduler import Scheduler
from ingle.runtime.seams import Seams
from ingle.runtime.use import Use

log = logging.getLogger(__name__)
T = TypeVar("T")


class Owner:
    """Holds the scheduler, the fleet and the desk, and every use that is not over."""

    def __init__(self, seams: Seams, scheduler: Scheduler, bus: EventBus) -> None:
        self._seams = seams
        self._scheduler = scheduler
        self._bus = bus
        self._inbox: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._uses: dict[str, Use] = {}
        self._again: dict[str, list[Use]] = {}
        self._plans: dict[str, tuple[Snapshot, str]] = {}
        self._leaving: dict[str, list[asyncio.Future[Unloaded]]] = {}
        self._deleting: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.fleet = Fleet(seams.worker, seams.clock, self._report, self._left, self._lost)
        self._closing = self._closed = False

    def begin(self, desk: PullDesk, eye: Eye) -> None:
        """Start working; `desk` and `eye` are the other rooms of the same runtime."""
        self._desk, self._eye = desk, eye
        self._tasks = [asyncio.create_task(self._work()), asyncio.create_task(self._watch_pressure())]

    async def close(self) -> None:
        """Refuse who waits, stop every worker, and end when the system confirmed that each is gone."""
        self._closing = True
        for use in tuple(self._uses.values()):
            use.refuse(Cancelled("The runtime ends."))
        await self.fleet.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        while not self._inbox.empty():  # whoever still asked is told, not left waiting
            self._attempt(self._inbox.get_nowait())

    async def do(self, act: Callable[[], T]) -> T:
        """Have the owner do it; returns what it returned, raises what it raised."""
        if self._closed:
            raise Cancelled("The runtime has ended.")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def perform() -> None:
            try:
                result = act()
            except Exception as exc:  # noqa: BLE001 - handed to the one who asked
                if not done.done():
                    done.set_exception(exc)
            else:
                if not done.done():
                    done.set_result(result)

        self._inbox.put_nowait(perform)
        return await done

    def ask(self, use: Use, snapshot: Snapshot, why: str, need: Need, keep_alive: float | None) -> None:
        """Through `do`: `use` wants the model; it is granted or refused now or later."""
        if self._closing:
            raise Cancelled("The runtime ends.")
        if use.key in self._deleting:
            raise InUse(f"{use.model} is being deleted.")
        self._plans[use.key] = (snapshot, why)
        self._uses[use.request] = use
        use.ask = news.Ask(request=use.request, key=use.key, need=need, keep_alive=keep_alive)
        self._happened(use.ask)

    def release(self, use: Use) -> None:
        """`use` is over, granted or not. Never waits, so that it may stand in a `finally`."""
        self._inbox.put_nowait(partial(self._release, use))

    def unload(self, key: str, model: str, gone: asyncio.Future[Unloaded]) -> None:
        """Through `do`: end the worker of `key`; `gone` hears of it when the system confirmed it."""
        self._happened(news.Unload(key=key))
        if key in self.fleet.berths:
            self._leaving.setdefault(key, []).append(gone)
        else:
            gone.set_result(Unloaded(model=model, unloaded=False))

    def reserve(self, key: str, ref: ModelRef) -> None:
        """Through `do`: nobody may load `key` until `unreserve`. Raises `InUse`."""
        job, slot = self._desk.job(ref), self._scheduler.slot(key)
        if key in self.fleet.berths or (slot is not None and slot.waiting):
            raise InUse(
                f"{ref.name} is loaded, so it is not deleted.",
                hint=f"First unload it: ingle stop {ref.name}",
                actions=("unload",),
            )
        if job is not None and job.running:
            raise InUse(
                f"{ref.name} is being worked on ({job.work.value}), so it is not deleted.",
                hint="Cancel that first, or wait for its end.",
                actions=("cancel",),
            )
        self._deleting.add(key)

    def unreserve(self, key: str) -> None:
        self._deleting.discard(key)

    async def _work(self) -> None:
        while True:
            wake = self._scheduler.next_wake()
            limit = None if wake is None else max(0.0, wake - self._seams.clock())
            try:
                async with asyncio.timeout(limit):
                    act = await self._inbox.get()
            except TimeoutError:
                act = partial(self._happened, news.Tick())
            self._attempt(act)

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:  # the owner must outlive any one message
            log.exception("the runtime's owner could not do one thing")

    def _report(self, event: news.Event) -> None:
        self._inbox.put_nowait(partial(self._happened, event))

    def _happened(self, event: news.Event) -> None:
        """One event into the scheduler, its effects carried out."""
        if isinstance(event, news.Loaded) and event.key in self.fleet.berths:
            self._eye.loaded(event.key)
        if isinstance(event, news.LoadFailed) and event.key in self._plans:
            self._eye.failed(self._plans[event.key][0], event.error)
        for effect in self._scheduler.handle(event, now=self._seams.clock(), free=self._seams.free()):
            self._perform(effect)
        if isinstance(event, news.Gone):
            self._ask_again(event.key)

    def _perform(self, effect: news.Effect) -> None:
        match effect:
            case news.Start(key=key, need=need, room=room):
                snapshot, why = self._plans[key]
                self._eye.tell(EventKind.LOADING_STARTED, need.model, 0.0)
                self.fleet.start(key, snapshot, need, why, room)
            case news.Stop(key=key, why=why):
                self.fleet.stop(key, why)
            case news.Grant(request=request, key=key) if request in self._uses:
                self._grant(self._uses[request], key)
            case news.Refuse(request=request, error=error) if request in self._uses:
                use = self._uses[request]
                use.refuse(error)
                if not isinstance(error, Cancelled):
                    self._eye.failed(self._plans[use.key][0], error)
            case news.Check(key=key):
                self._check(key)

    def _grant(self, use: Use, key: str) -> None:
        """A worker may have died a moment ago, its exit not yet known here: then the request was never in
        it, and is asked again when the news has come."""
        berth = self.fleet.berths.get(key)
        if berth is not None and self._seams.alive(berth.worker.pid):
            use.grant(berth)
        else:
            self._again.setdefault(key, []).append(use)

    def _ask_again(self, key: str) -> None:
        for use in self._again.pop(key, []):
            if use.request in self._uses and use.ask is not None:
                self._happened(use.ask)

    def _release(self, use: Use) -> None:
        if self._uses.pop(use.request, None) is not None:
            self._happened(news.Release(request=use.request))

    def _left(self, key: str, berth: Berth, returned: int) -> None:
        self._bus.publish(
            RuntimeEvent(
                event=EventKind.UNLOADED,
                model=berth.model,
                progress=0.0,
                memory_returned=returned,
                reason=berth.stopping or "",
            )
        )
        self._gone(key, Unloaded(model=berth.model, unloaded=True, memory_returned=returned))

    def _lost(self, key: str, berth: Berth) -> None:
        error = berth.worker.error or IngleError(f"The worker of {berth.model} ended.")
        self._eye.failed(berth.snapshot, error)
        self._gone(key, Unloaded(model=berth.model, unloaded=True))

    def _gone(self, key: str, report: Unloaded) -> None:
        for future in self._leaving.pop(key, []):
            if not future.done():
                future.set_result(report)

    def _check(self, key: str) -> None:
        """After a failed load: verify that snapshot, so that Repair is offered when it is damaged."""
        snapshot, _ = self._plans[key]
        try:
            self._verify(snapshot)
        except InUse:
            log.info("%s is being worked on, so it is not checked", snapshot.ref.name)

    def _verify(self, snapshot: Snapshot) -> Job:
        steps = partial(self._seams.verify, snapshot.ref, snapshot)
        return self._desk.begin(snapshot.ref, Work.VERIFY, steps, snapshot=snapshot)

    async def _watch_pressure(self) -> None:
        while True:
            await asyncio.sleep(self._seams.pressure_period)
            high = self._seams.pressure(self._scheduler.pressure)
            if high is not self._scheduler.pressure:
                self._report(news.Pressure(high=high))
