"""The owner of workers and pulls: the only one who decides what loads and what leaves.

What can be asked of it stands here; owner.py changes the state, eye.py shows it, pulls.py fetches. All of it
runs on one event loop; calls that touch the disk run in threads.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from ingle.catalog.curated import Catalog, load_catalog
from ingle.catalog.model import ModelRef, Snapshot
from ingle.catalog.names import parse_name
from ingle.catalog.usual import usual_model
from ingle.config import Config
from ingle.engines.choose import choose_engine
from ingle.engines.free import total_memory
from ingle.errors import Incomplete, IngleError, InvalidRequest, ModelNotFound, NotDownloaded
from ingle.generation import Chunk, Generation
from ingle.hub.progress import Progress
from ingle.runtime.events import EventBus, Subscription
from ingle.runtime.eye import Eye
from ingle.runtime.fleet import Unloaded
from ingle.runtime.job import Job, Work
from ingle.runtime.needs import Wants, need_of
from ingle.runtime.owner import Owner
from ingle.runtime.pulls import PullDesk
from ingle.runtime.scheduler import Scheduler
from ingle.runtime.seams import Seams
from ingle.runtime.stamp import Stamp
from ingle.runtime.status import ModelView, RuntimeStatus
from ingle.runtime.use import Use
from ingle.runtime.wiring import default_seams
from ingle.worker.state import WorkerState

if TYPE_CHECKING:
    from ingle.hub.remove import Removal

log = logging.getLogger(__name__)

SHARE = 0.9
"""The part of all memory that models together may hold; the rest is the system's."""
ANY = Wants()
"""As it is loaded, else as configured."""
FIRST_LOOK = 60.0  # seconds from the start until scheduled checks are thought of


class Runtime:
    """Use as `async with Runtime(config) as runtime`; leaving it stops every worker and pull, and waits.

    `seams` are its neighbours (None: the real ones). Names are what people type for a model.
    """

    def __init__(self, config: Config, seams: Seams | None = None, catalog: Catalog | None = None) -> None:
        self.config = config
        self.catalog = catalog or load_catalog()
        self._seams = seams or default_seams(config, self.catalog)
        self._bus = EventBus()
        most = int(total_memory() * SHARE)
        self._scheduler = Scheduler(config.keep_alive, limit=min(most, config.memory_limit or most))
        self._owner = Owner(self._seams, self._scheduler, self._bus)
        self._desk = PullDesk(
            config.home / "pulls.json",
            self._seams.clock,
            self._bus.publish,
            self._job_ended,
            self._seams.begun,
            self._seams.store.find,
            self._seams.sound,
        )
        self._eye = Eye(config, self._seams, self._scheduler, self._owner.fleet, self._desk, self._bus)
        self._numbers = itertools.count(1)
        self._checking: asyncio.Task[None] | None = None
        self._limited = False

    async def __aenter__(self) -> Runtime:
        self._desk.restore()
        self._owner.begin(self._desk, self._eye)
        if self.config.verify_every is not None:
            self._checking = asyncio.create_task(self._check_by_schedule())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End everything and wait for it: pulls keep their partials, workers are gone. Idempotent."""
        self._bus.close()
        if self._checking is not None:
            self._checking.cancel()
        await self._desk.close()
        await self._owner.close()

    def end_streams(self) -> None:
        """The end is near: listeners hear no more, and who follows a pull hears that, so that their connections can close."""
        self._bus.close()
        self._desk.end()

    # what can be asked

    def name(self, text: str | None) -> ModelRef:
        """The model a person means (None: the configured default). Raises `ModelNotFound` for a word that
        is no model's, `InvalidRequest` for one that cannot be."""
        return parse_name(
            text or "default",
            self.catalog,
            default=self.config.default_model,
            home=self.config.user_home,
        )

    async def meant(self, name: str | ModelRef | None, wants: Wants = ANY) -> ModelRef:
        """The model of a request: the one named, else the default where it is here, else the only one that is.

        The default also where nothing is here, or a pull is wanted. Raises `InvalidRequest` with the names of
        those that are here where none was named and several could be meant.
        """
        if isinstance(name, ModelRef):
            return name
        ref = self.name(name)
        return ref if name is not None or wants.pull else await asyncio.to_thread(self._usual, ref)

    async def models(self) -> list[ModelView]:
        """Everything in the store, and every pull that is not finished."""
        return await self._eye.models()

    async def in_memory(self) -> list[ModelView]:
        """What is loaded, being loaded or being pulled."""
        return await self._eye.in_memory()

    async def view(self, name: str) -> ModelView:
        """One model as people see it; a repo that is not here is shown as not downloaded."""
        return await self._eye.view(self.name(name))

    async def status(self) -> RuntimeStatus:
        """What runs now; asks the system for memory, and nothing on the disk."""
        return await self._eye.status()

    def is_ready(self, key: str) -> bool:
        """Whether the model with this key (`Use.key`) is in memory now; asks nobody, so it is quick."""
        slot = self._scheduler.slot(key)
        return slot is not None and slot.state is WorkerState.READY

    @property
    def busy(self) -> bool:
        """Something is loaded, being loaded or being pulled: no moment to leave."""
        return bool(self._owner.fleet.berths) or any(job.running for job in self._desk.jobs.values())

    @property
    def listeners(self) -> int:
        """Who follows the events now."""
        return len(self._bus)

    async def settle(self) -> None:
        """Look whether what went wrong still stands: other processes mend, pull and check models too."""
        await self._eye.settle()

    def events(self) -> Subscription:
        """The news from now on, after the current state as events marked `current` (as the last look found it)."""
        return self._bus.subscribe(self._eye.current())

    async def load(self, name: str | None, wants: Wants = ANY) -> ModelView:
        """Returns when the model is in memory. Raises why it is not."""
        ref = await self.meant(name, wants)
        async with self.use(ref, wants) as use:
            await use.ready()
        return await self._eye.view(ref)

    async def generate(
        self, name: str | ModelRef | None, generation: Generation, wants: Wants = ANY
    ) -> AsyncGenerator[Chunk, None]:
        """Loads on demand, then answers. Closing the iterator stops the engine, also while it waits."""
        async with self.use(name, wants) as use, aclosing(use.generate(generation)) as chunks:
            async for chunk in chunks:
                yield chunk

    @asynccontextmanager
    async def use(self, name: str | ModelRef | None, wants: Wants = ANY) -> AsyncIterator[Use]:
        """A hold on a model for one request; loads it when needed, and joins a load that runs. Where its files are
        others than those in memory, it waits for the answers under way and for the load of the new ones."""
        snapshot = await self._whole(await self.meant(name, wants), wants)
        choice = choose_engine(snapshot.format, self._seams.facts, wants.engine or self.config.engine)
        key = str(snapshot.path)
        damage, stamp = await asyncio.to_thread(self._condition, snapshot)
        slot = self._scheduler.slot(key)
        need = need_of(snapshot, choice.engine, wants, self.config, slot.running if slot else None, stamp)
        use = Use(snapshot.ref.name, key, f"r{next(self._numbers)}", damage)
        try:
            await self._owner.do(partial(self._owner.ask, use, snapshot, choice.why, need, wants.keep_alive))
            yield use
        finally:
            use.drop()
            self._owner.release(use)

    async def unload(self, name: str) -> Unloaded:
        """Ends the worker, whoever uses it; returns when the system confirmed that it is gone."""
        ref = self.name(name)
        key = await self._eye.key(ref)
        if key is None:
            return Unloaded(model=ref.name, unloaded=False)
        gone: asyncio.Future[Unloaded] = asyncio.get_running_loop().create_future()
        await self._owner.do(partial(self._owner.unload, key, ref.name, gone))
        return await gone

    def start_pull(self, name: str, *, retry: bool = False, limit_rate: int | None = None) -> Job:
        """Begin a pull, or join the one that runs. A retry may be refused (`RetryRefused`). `limit_rate`
        is in bytes a second, for all pulls together until none of them runs any more. A repair that was cut short goes on as one:
        a pull would trust what the repair was about to read."""
        ref = self.name(name)
        if limit_rate is not None:
            self._seams.limit(limit_rate)
            self._limited = True
        left = self._desk.job(ref)
        if left is not None and left.work is Work.REPAIR:
            return self._desk.begin(ref, Work.REPAIR, partial(self._seams.repair, ref), again=retry)
        return self._desk.begin(ref, Work.PULL, partial(self._seams.pull, ref), again=retry)

    async def pull(self, name: str, *, retry: bool = False) -> AsyncGenerator[Progress, None]:
        """Follow a pull to its end; raises its error. Closing the iterator leaves the pull running."""
        async for progress in self.follow(self.start_pull(name, retry=retry)):
            yield progress

    async def verify(self, name: str) -> AsyncGenerator[Progress, None]:
        """Checks every byte of a model that is here; raises `StoreError` when something is damaged."""
        ref = self.name(name)
        snapshot = await self._whole(ref, ANY)
        steps = partial(self._seams.verify, ref, snapshot)
        job = self._desk.begin(ref, Work.VERIFY, steps, snapshot=snapshot)
        async for progress in self.follow(job):
            yield progress

    async def repair(self, name: str) -> AsyncGenerator[Progress, None]:
        """Fetches only what is bad."""
        ref = self.name(name)
        job = self._desk.begin(ref, Work.REPAIR, partial(self._seams.repair, ref))
        async for progress in self.follow(job):
            yield progress

    async def follow(self, job: Job) -> AsyncGenerator[Progress, None]:
        """The progress of a job until it ends; raises its error."""
        feed = self._desk.watch(job)
        try:
            async for progress in feed:
                yield progress
        finally:
            job.feeds.discard(feed)

    async def cancel(self, name: str) -> ModelView:
        """Stops the pull (or check, or load) of a model; a pull keeps what it has."""
        ref = self.name(name)
        await self._desk.cancel(ref)
        key = await self._eye.key(ref)
        slot = self._scheduler.slot(key) if key is not None else None
        if slot is not None and slot.state is WorkerState.STARTING:
            await self.unload(name)
        return await self._eye.view(ref)

    async def delete(self, name: str) -> Removal:
        """Deletes what is named; raises `InUse` while it is loaded or worked on."""
        ref = self.name(name)
        snapshot = await asyncio.to_thread(self._seams.store.find, ref)
        if snapshot is None:
            raise ModelNotFound(ref.name, where="on this machine")
        key = str(snapshot.path)
        await self._owner.do(partial(self._owner.reserve, key, ref))
        try:
            removal = await asyncio.to_thread(self._seams.store.remove, ref)
        finally:
            await self._owner.do(partial(self._owner.unreserve, key))
        self._desk.forget(ref)
        self._eye.forget(key)
        return removal

    async def _check_by_schedule(self) -> None:
        """Quietly and one at a time, while nobody waits for anything; damage is told like any other."""
        # Soon after the start: a daemon in the background may have ended before an hour is over.
        await asyncio.sleep(min(FIRST_LOOK, self._seams.check_period))
        while True:
            try:
                due = self._seams.due(await asyncio.to_thread(self._seams.store.scan)) if self._quiet else []
                for snapshot in due:
                    await self._check_quietly(snapshot)
            except IngleError as exc:  # a disk that is not there now may be there at the next look
                log.warning("no scheduled check: %s", exc.message)
            await asyncio.sleep(self._seams.check_period)

    async def _check_quietly(self, due: Snapshot) -> None:
        """To the end of the check, where the model is still there and nobody waits for anything by now."""
        here = await asyncio.to_thread(self._seams.store.find, due.ref)
        if self._quiet and here is not None and here.root == due.root:
            steps = partial(self._seams.verify, due.ref, due)
            job = self._desk.begin(due.ref, Work.VERIFY, steps, snapshot=due, gently=True)
            await job.over.wait()

    @property
    def _quiet(self) -> bool:
        """No load, no pull and no question now; a model that only stays in memory is no hindrance."""
        slots = [self._scheduler.slot(key) for key in self._owner.fleet.berths]
        pulling = any(job.running for job in self._desk.jobs.values())
        return not pulling and all(slot is not None and slot.idle for slot in slots)

    def _job_ended(self, job: Job, error: IngleError | None) -> None:
        self._eye.job_ended(job, error)
        pulling = any(one.running and one.work is not Work.VERIFY for one in self._desk.jobs.values())
        if self._limited and not pulling:
            self._limited = False
            self._seams.limit(None)

    def _condition(self, snapshot: Snapshot) -> tuple[IngleError | None, Stamp]:
        """For a thread: the damage of a model's files, and what tells them from others. In this order: of files that
        are mended between the two looks it warns once too often, never once too little."""
        damaged = self._seams.damaged([snapshot])
        return damaged.get(str(snapshot.path)), self._seams.stamp(snapshot)

    def _usual(self, default: ModelRef) -> ModelRef:
        """For a thread: `meant` where none was named."""
        usual = usual_model(default, self._seams.store)
        if usual.ref is None and usual.here and not self.config.auto_pull:
            names = [str(one.ref.path or one.ref.name) for one in usual.here]
            raise InvalidRequest(
                f"Which model? None was named, and the default, {default.name}, is not on this machine.",
                hint=f"Name one that is: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}",
                field="model",
                models=names,
            )
        return usual.ref or default

    async def _whole(self, ref: ModelRef, wants: Wants) -> Snapshot:
        """The complete snapshot of a model, pulled first where that is wanted."""
        try:
            return await asyncio.to_thread(self._seams.store.require, ref)
        except (NotDownloaded, Incomplete) as exc:
            if ref.repo_id is None:
                raise
            if not (wants.pull or self.config.auto_pull):
                exc.details["actions"] = [action.value for action in (await self._eye.view(ref)).actions]
                raise
        async with aclosing(self.follow(self.start_pull(ref.name))) as progress:
            async for _ in progress:
                pass
        return await asyncio.to_thread(self._seams.store.require, ref)
