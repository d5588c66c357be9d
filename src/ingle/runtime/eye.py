"""Joins what is on disk, in memory and being pulled into the views of status.py; changes no model.

It also remembers the last error of each model, as long as its files are those that it was about; which ones are
damaged the record of checks tells.
"""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.catalog.names import ref_key
from ingle.config import Config
from ingle.engines.choose import choose_engine
from ingle.engines.free import total_memory
from ingle.errors import IngleError, StoreError, Unsupported
from ingle.runtime.events import EventBus, EventKind, RuntimeEvent
from ingle.runtime.fleet import Berth, Fleet
from ingle.runtime.job import Files, Job, Work
from ingle.runtime.pulls import PullDesk
from ingle.runtime.scheduler import Scheduler
from ingle.runtime.seams import Seams
from ingle.runtime.status import (
    EngineRow,
    Facts,
    LoadedRow,
    MemoryView,
    ModelView,
    PullRow,
    PullState,
    PullView,
    RuntimeStatus,
    SystemMemory,
    view,
)
from ingle.version import __version__
from ingle.worker.state import WorkerState


class Failure(NamedTuple):
    """What went wrong with a model whose files were `files`; `check`: reading every byte found it."""

    ref: ModelRef
    error: IngleError
    files: Files | None
    check: bool = False


class Eye:
    """Sees everything the runtime owns. Keys are snapshot paths, as in the scheduler."""

    def __init__(
        self,
        config: Config,
        seams: Seams,
        scheduler: Scheduler,
        fleet: Fleet,
        desk: PullDesk,
        bus: EventBus,
    ) -> None:
        self._config = config
        self._seams = seams
        self._scheduler = scheduler
        self._fleet = fleet
        self._desk = desk
        self._bus = bus
        self._failures: dict[str, Failure] = {}
        self._begun = seams.clock()

    # what happened

    def tell(self, event: EventKind, model: str, progress: float) -> None:
        self._bus.publish(RuntimeEvent(event=event, model=model, progress=progress))

    def loaded(self, key: str) -> None:
        """A load succeeded: what went wrong before is history."""
        self._failures.pop(key, None)
        self.tell(EventKind.LOADING_COMPLETED, self._fleet.berths[key].model, 1.0)

    def failed(self, snapshot: Snapshot, error: IngleError) -> None:
        """Remember and tell it, once for each error, however many requests it was told to."""
        before = self._failures.get(str(snapshot.path))
        if before is not None and before.error is error:
            return
        self._failures[str(snapshot.path)] = Failure(snapshot.ref, error, Files.of(snapshot))
        self._bus.publish(_error_event(snapshot.ref.name, error))

    def job_ended(self, job: Job, error: IngleError | None) -> None:
        """`error` is how it ended; only a `StoreError` of a check means damage."""
        if job.snapshot is None:
            return
        key = str(job.snapshot.path)
        if error is None and job.work is not Work.VERIFY:
            self._failures.pop(key, None)
        elif job.work is Work.VERIFY and isinstance(error, StoreError):
            self._failures[key] = Failure(job.ref, error, Files.of(job.snapshot), check=True)

    def forget(self, key: str) -> None:
        """The files of this model are deleted."""
        self._failures.pop(key, None)

    async def settle(self) -> None:
        """Forget what went wrong with files that are others now, or whose damage is gone: other processes mend, pull
        and check models too."""
        await self._desk.settle()
        failures = dict(self._failures)
        if not failures:
            return
        over = await asyncio.to_thread(
            lambda: [key for key, failure in failures.items() if not self._stands(key, failure)]
        )
        for key in over:
            if self._failures.get(key) is failures[key]:
                del self._failures[key]

    def _stands(self, key: str, failure: Failure) -> bool:
        """For a thread."""
        try:
            snapshot = self._seams.store.find(failure.ref)
        except IngleError:  # a place that cannot be looked at says nothing
            return True
        if failure.check:
            return snapshot is not None and key in self._seams.damaged([snapshot])
        return Files.of(snapshot) == failure.files

    # what is to be seen

    async def key(self, ref: ModelRef) -> str | None:
        """The key of a model that is in memory or on disk."""
        for key, berth in self._fleet.berths.items():
            if berth.model == ref.name:
                return key
        snapshot = await asyncio.to_thread(self._seams.store.find, ref)
        return str(snapshot.path) if snapshot is not None else None

    async def models(self) -> list[ModelView]:
        await self.settle()
        jobs = dict(self._desk.jobs)
        snapshots, places, bad = await asyncio.to_thread(self._look, jobs)
        await self._weigh()
        shown = [self._view(snapshot.ref, snapshot, bad, places) for snapshot in snapshots]
        here = {str(snapshot.path) for snapshot in snapshots}
        keys = {ref_key(snapshot.ref) for snapshot in snapshots}
        for key, job in jobs.items():
            if key not in keys and places[key] not in here:
                shown.append(self._view(job.ref, job.snapshot, bad, places))
        return shown

    async def in_memory(self) -> list[ModelView]:
        """Loaded, being loaded or being worked on; scans no store."""
        await self.settle()
        await self._weigh()
        here = [berth.snapshot for berth in self._fleet.berths.values()]
        here += [job.snapshot for job in self._desk.jobs.values() if job.snapshot is not None]
        bad = await asyncio.to_thread(self._seams.damaged, here)
        plans = [berth.snapshot for berth in self._fleet.berths.values()]
        shown = [self._view(snapshot.ref, snapshot, bad) for snapshot in plans]
        names = {seen.model for seen in shown}
        running = [job for job in self._desk.jobs.values() if job.running and job.ref.name not in names]
        return shown + [self._view(job.ref, job.snapshot, bad) for job in running]

    async def view(self, ref: ModelRef) -> ModelView:
        await self.settle()
        snapshot = await asyncio.to_thread(self._seams.store.find, ref)
        bad = await asyncio.to_thread(self._seams.damaged, [snapshot] if snapshot is not None else [])
        await self._weigh()
        return self._view(ref, snapshot, bad)

    async def status(self) -> RuntimeStatus:
        await self._weigh()
        ours = await asyncio.to_thread(self._seams.memory_of, os.getpid())
        return RuntimeStatus(
            version=__version__,
            pid=os.getpid(),
            home=str(self._config.home),
            uptime=self._seams.clock() - self._begun,
            platform=f"{platform.system()} {platform.machine()}",
            engines=tuple(self._engines()),
            models=tuple(
                LoadedRow(model=berth.model, memory=memory)
                for key, berth in self._fleet.berths.items()
                if (memory := self._memory(key)) is not None
            ),
            pulls=tuple(
                PullRow(model=job.ref.name, fraction=job.progress.fraction, phase=job.progress.phase)
                for job in self._desk.jobs.values()
                if job.running
            ),
            memory=SystemMemory(
                ours=ours + sum(berth.bytes or 0 for berth in self._fleet.berths.values()),
                free=self._seams.free(),
                total=total_memory(),
                pressure=self._scheduler.pressure,
            ),
            subscribers=len(self._bus),
        )

    def current(self) -> Iterator[RuntimeEvent]:
        """What a late listener must know: pulls that run, models in memory, errors that still stand."""
        for job in self._desk.jobs.values():
            if job.running and job.work is not Work.VERIFY:
                yield RuntimeEvent(
                    event=EventKind.DOWNLOAD_PROGRESS,
                    model=job.ref.name,
                    progress=job.progress.fraction,
                    pull=PullView.of(job.progress),
                    current=True,
                )
            elif job.error is not None:
                yield _error_event(job.ref.name, job.error, current=True)
        for slot in self._scheduler.slots:
            if slot.state is WorkerState.STARTING:
                yield _state_event(EventKind.LOADING_STARTED, slot.need.model, 0.0)
            elif slot.state is WorkerState.READY:
                yield _state_event(EventKind.LOADING_COMPLETED, slot.need.model, 1.0)
        for failure in self._failures.values():
            yield _error_event(failure.ref.name, failure.error, current=True)

    def _look(
        self, jobs: dict[str, Job]
    ) -> tuple[list[Snapshot], dict[str, str | None], Mapping[str, IngleError]]:
        """In a thread: everything in the store, where the files of each job lie, and what is damaged."""
        store = self._seams.store
        places: dict[str, str | None] = {}
        for key, job in jobs.items():
            snapshot = job.snapshot or store.find(job.ref)
            places[key] = str(snapshot.path) if snapshot is not None else None
        snapshots = store.scan()
        return snapshots, places, self._seams.damaged(snapshots)

    def _view(
        self,
        ref: ModelRef,
        snapshot: Snapshot | None,
        bad: Mapping[str, IngleError],
        places: Mapping[str, str | None] = MappingProxyType({}),
    ) -> ModelView:
        key = str(snapshot.path) if snapshot is not None else ""
        job = self._job(ref, key, places)
        slot = self._scheduler.slot(key)
        pull = job.state if job is not None else PullState.NONE
        facts = Facts(
            disk=snapshot.state if snapshot is not None else DiskState.ABSENT,
            worker=slot.state if slot is not None else WorkerState.STOPPED,
            pull=PullState.RUNNING if job is not None and job.running else pull,
            damaged=key in bad or (snapshot is not None and _unreadable(snapshot)),
            from_hub=ref.repo_id is not None,
            ours=snapshot is None or snapshot.origin is Origin.HUB_CACHE,
        )
        error = job.error if job is not None else None
        if error is None and (failure := self._failures.get(key)) is not None:
            error = failure.error
        error = error or bad.get(key)
        return view(
            ref.name,
            facts,
            snapshot=snapshot,
            progress=job.progress if job is not None else None,
            memory=self._memory(key),
            last_error=error.to_dict() if error is not None else None,
        )

    def _job(self, ref: ModelRef, key: str, places: Mapping[str, str | None]) -> Job | None:
        """The job on this model, by its name or by where its files lie."""
        job = self._desk.job(ref)
        if job is not None or not key:
            return job
        for other, found in self._desk.jobs.items():
            if places.get(other) == key or (found.snapshot and str(found.snapshot.path) == key):
                return found
        return None

    def _memory(self, key: str) -> MemoryView | None:
        berth, slot = self._fleet.berths.get(key), self._scheduler.slot(key)
        if berth is None or slot is None:
            return None
        expires = slot.expires_at()
        return MemoryView(
            state=slot.state,
            pid=berth.worker.pid,
            engine=berth.worker.info,
            why=berth.why,
            bytes=berth.bytes,
            active=len(slot.active),
            waiting=len(slot.waiting) + berth.worker.waiting,
            health=berth.worker.health,
            keep_alive=slot.keep_alive,
            unload_in=max(0.0, expires - self._seams.clock()) if expires is not None else None,
        )

    def _engines(self) -> Iterator[EngineRow]:
        for kind in Format:
            try:
                choice = choose_engine(kind, self._seams.facts, self._config.engine)
            except Unsupported as exc:
                yield EngineRow(format=kind, engine="", device="", why=exc.message)
            else:
                yield EngineRow(format=kind, engine=choice.engine, device=choice.device, why=choice.why)

    async def _weigh(self) -> None:
        """Ask the system how much memory each worker holds; in a thread, for large ones take milliseconds."""
        berths: list[Berth] = list(self._fleet.berths.values())
        pids = [berth.worker.pid for berth in berths]
        if not berths:
            return
        weights = await asyncio.to_thread(
            lambda: [self._seams.memory_of(pid) if pid is not None else None for pid in pids]
        )
        for berth, weight in zip(berths, weights, strict=True):
            berth.bytes = weight


def _unreadable(snapshot: Snapshot) -> bool:
    """The store found a file whose header makes no sense (see `Store.require`)."""
    return any(" (damaged: " in line for line in snapshot.missing)


def _state_event(kind: EventKind, model: str, progress: float) -> RuntimeEvent:
    return RuntimeEvent(event=kind, model=model, progress=progress, current=True)


def _error_event(model: str, error: IngleError, *, current: bool = False) -> RuntimeEvent:
    return RuntimeEvent(
        event=EventKind.ERROR,
        model=model,
        progress=0.0,
        error=error.message,
        details=error.to_dict(),
        current=current,
    )
