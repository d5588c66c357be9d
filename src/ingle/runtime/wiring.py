"""Hands the runtime its real neighbours; each is imported when it is first needed, to start quickly."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import psutil

from ingle.catalog.curated import Catalog
from ingle.catalog.model import ModelRef, Snapshot
from ingle.config import Config, renewed
from ingle.engines.choose import platform_facts
from ingle.engines.free import free_memory
from ingle.errors import IngleError
from ingle.hub.progress import Phase, Progress
from ingle.runtime.memory import under_pressure
from ingle.runtime.seams import Seams, Worker
from ingle.runtime.stamp import stamp_of
from ingle.worker.memory import process_memory

if TYPE_CHECKING:
    from ingle.hub.pull import PullOptions


_UNLIMITED = 1 << 40  # bytes a second: more than any network brings


class Hub:
    """The pulls, repairs and checks of one runtime, under one bandwidth limit."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._options: PullOptions | None = None

    def limit(self, rate: int | None) -> None:
        """At most `rate` bytes a second over all pulls together, those that run included; None: the settings'."""
        limit = self.options().limit
        if limit is not None:
            limit.rate = rate or self._config.limit_rate or _UNLIMITED

    def pull(self, ref: ModelRef, cancel: threading.Event) -> Iterator[Progress]:
        from ingle.hub.pull import pull

        return pull(ref, renewed(self._config), cancel=cancel, options=self.options())

    def repair(self, ref: ModelRef, cancel: threading.Event) -> Iterator[Progress]:
        from ingle.hub.repair import repair

        return repair(ref, renewed(self._config), cancel=cancel, options=self.options())

    def verify(self, ref: ModelRef, snapshot: Snapshot, cancel: threading.Event) -> Iterator[Progress]:
        """Reads every byte, remembers the result for the doctor, and raises the first damage."""
        from ingle.hub.health.audit import audit_steps
        from ingle.hub.health.checks import remember

        found = yield from audit_steps(self._config, snapshot, cancel)
        remember(self._config, found, time.time())
        error = found.error()
        if error is not None:
            raise error
        yield Progress(
            phase=Phase.DONE,
            bytes_done=found.read,
            bytes_total=found.read,
            message=found.sentence,
            snapshot=snapshot,
        )

    def due(self, snapshots: list[Snapshot]) -> list[Snapshot]:
        """Those whose scheduled check is due, the longest unchecked first; none when that is off."""
        from ingle.hub.health.checks import due, recall

        if self._config.verify_every is None:
            return []
        return due(snapshots, recall(self._config), self._config.verify_every, time.time())

    def damaged(self, snapshots: Sequence[Snapshot]) -> Mapping[str, IngleError]:
        """By path: what the last check, by whatever process, found damaged that still lies there."""
        from ingle.hub.health.checks import damaged

        return {path: found.fault for path, found in damaged(self._config, snapshots).items()}

    def sound(self, snapshot: Snapshot, since: float) -> bool:
        """Whether a check or repair, by whatever process, found every byte right after `since`."""
        from ingle.hub.health.checks import sound

        return sound(self._config, snapshot, since)

    def begun(self, ref: ModelRef) -> Progress | None:
        """How far an unfinished pull came, counted on disk."""
        from ingle.hub.begun import begun_progress

        return begun_progress(self._config, ref)

    def options(self) -> PullOptions:
        """The same for every pull, so that they share the limit, also one that is set while they run."""
        from ingle.hub.limit import RateLimit
        from ingle.hub.pull import PullOptions

        with self._lock:
            if self._options is None:
                self._options = PullOptions(limit=RateLimit(self._config.limit_rate or _UNLIMITED))
            return self._options


def default_seams(config: Config, catalog: Catalog) -> Seams:
    """The real store, hub, workers and system."""
    from ingle.hub.cache import Store

    def worker(name: str) -> Worker:
        from ingle.worker.process import WorkerProcess

        return WorkerProcess(name, logs=config.logs, load_timeout=config.load_timeout)

    hub = Hub(config)
    return Seams(
        store=Store(config, catalog),
        pull=hub.pull,
        verify=hub.verify,
        repair=hub.repair,
        limit=hub.limit,
        due=hub.due,
        damaged=hub.damaged,
        sound=hub.sound,
        stamp=stamp_of,
        begun=hub.begun,
        worker=worker,
        free=free_memory,
        memory_of=process_memory,
        alive=alive,
        pressure=under_pressure,
        facts=platform_facts(),
        clock=time.monotonic,
    )


def alive(pid: int | None) -> bool:
    """Whether a process runs: one that has ended and was not yet reaped does not. None: not known, so yes."""
    if pid is None:
        return True
    try:
        return bool(psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
