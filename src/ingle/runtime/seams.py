"""What the runtime asks of its neighbours, as protocols, so that tests hand it fakes and patch nothing."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ingle.catalog.model import ModelRef, Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions
from ingle.engines.choose import PlatformFacts
from ingle.errors import IngleError
from ingle.generation import Chunk, Generation
from ingle.hub.progress import Progress
from ingle.runtime.stamp import Stamp

if TYPE_CHECKING:
    from ingle.hub.remove import Removal


class StopReport(Protocol):
    """What an unload gave back, in bytes; made only after the system confirmed the exit."""

    @property
    def memory_freed(self) -> int: ...


class Worker(Protocol):
    """One child process with one engine and one snapshot (worker/process.py)."""

    info: EngineInfo | None
    health: EngineHealth | None
    error: IngleError | None

    @property
    def pid(self) -> int | None: ...
    @property
    def waiting(self) -> int:
        """Requests that wait for a slot inside."""

    async def start(self, snapshot: Snapshot, engine_name: str, options: EngineOptions) -> None:
        """Spawn the process and ask it to load."""

    async def ready(self) -> EngineInfo:
        """Returns when it can answer; raises why it never will."""

    def generate(self, generation: Generation) -> AsyncIterator[Chunk]:
        """Closing the iterator cancels the request, waiting or running."""

    async def ping(self) -> EngineHealth: ...

    async def wait_gone(self) -> None:
        """Returns when the system says that the process ended, for whatever reason."""

    async def stop(self) -> StopReport:
        """Ends the process, also in the middle of a load; idempotent."""


class Store(Protocol):
    """What lies on disk (hub/cache.py); every call may block."""

    def scan(self) -> list[Snapshot]: ...
    def find(self, ref: ModelRef) -> Snapshot | None: ...
    def require(self, ref: ModelRef) -> Snapshot:
        """The complete one. Raises `FileMissing`, `NotDownloaded`, `Incomplete`, `MalformedModel`."""

    def remove(self, ref: ModelRef) -> Removal: ...


Puller = Callable[[ModelRef, threading.Event], Iterator[Progress]]
"""A generator for a thread: each `next` blocks at most a second after the event is set."""

Checker = Callable[[ModelRef, Snapshot, threading.Event], Iterator[Progress]]
"""Verifies every byte of a snapshot; raises `StoreError` at the end when something is damaged."""


@dataclass(frozen=True, kw_only=True)
class Seams:
    """The neighbours. `limit` sets the bytes a second of all pulls together (None: what the settings say), `due` picks the models whose
    scheduled check is due, the most urgent first, `damaged` by path what the last check found damaged
    that still lies there (whoever checked; it may block), `sound` whether anybody read a model whole after a time in
    seconds since the epoch (it may block), `stamp` what tells its files from others at their place (it may block), `begun` counts what is on disk of a pull that is not
    running. `free` is bytes a load may take (None: unknown), `memory_of` the bytes of a process,
    `alive(pid)` whether it still runs (no zombie),
    `worker(name)` a worker that has not begun, `pressure(was)` whether the system is short of memory now, `facts` what this machine offers engines."""

    store: Store
    pull: Puller
    verify: Checker
    repair: Puller
    limit: Callable[[int | None], None]
    due: Callable[[list[Snapshot]], list[Snapshot]]
    damaged: Callable[[Sequence[Snapshot]], Mapping[str, IngleError]]
    sound: Callable[[Snapshot, float], bool]
    stamp: Callable[[Snapshot], Stamp]
    begun: Callable[[ModelRef], Progress | None]
    worker: Callable[[str], Worker]
    free: Callable[[], int | None]
    memory_of: Callable[[int], int]
    alive: Callable[[int | None], bool]
    pressure: Callable[[bool], bool]
    facts: PlatformFacts
    clock: Callable[[], float]
    check_period: float = 3600.0
    """Seconds between two looks whether a scheduled check is due: their unit is days."""
    pressure_period: float = 2.0
    """Seconds between two looks at the memory pressure: the system's averages move over ten."""
