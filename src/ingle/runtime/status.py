"""What a person sees of a model, as a pure function of what is on disk and what is in memory.

`judge(facts) -> Standing` holds every rule; `view(...)` dresses it with the facts that go along. So "there is
no Load button and nobody knows why" is a row in a table test, and `table()` prints all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from typing import Any

import msgspec

from ingle.catalog.model import DiskState, Format, Origin, Snapshot
from ingle.engines.base import EngineHealth, EngineInfo
from ingle.hub.progress import Progress
from ingle.worker.state import WorkerState


class ModelState(StrEnum):
    """What people see."""

    NOT_DOWNLOADED = "not_downloaded"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    LOADING = "loading"
    READY = "ready"


class Action(StrEnum):
    """What can be asked for now; each is a verb of the native API and of the command line."""

    PULL = "pull"
    CANCEL = "cancel"
    RETRY = "retry"
    LOAD = "load"
    UNLOAD = "unload"
    DELETE = "delete"
    VERIFY = "verify"
    REPAIR = "repair"


class PullState(StrEnum):
    """`PAUSED`: begun, not finished, and nobody works on it (a cancel, a restart). `FAILED`: it may be
    retried. `REFUSED`: it failed so often in a row that only a fresh `pull` starts it again."""

    NONE = "none"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    REFUSED = "refused"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the view of one model depends on.

    `from_hub`: the name leads to a hub repo, so it can be pulled. `ours`: it lies in the shared cache, the
    only place Ingle deletes from or mends. `damaged`: the last check found bad bytes that still lie there; it may be loaded all the same.
    """

    disk: DiskState
    worker: WorkerState = WorkerState.STOPPED
    pull: PullState = PullState.NONE
    damaged: bool = False
    from_hub: bool = True
    ours: bool = True


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    state: ModelState
    partial: bool
    paused: bool
    actions: tuple[Action, ...]


def judge(facts: Facts) -> Standing:
    """The state that is shown and the actions that are possible; total over all facts."""
    state = _state(facts)
    here = facts.disk is not DiskState.COMPLETE
    return Standing(
        state=state,
        partial=facts.disk is DiskState.PARTIAL,
        paused=here and facts.pull is PullState.PAUSED,
        actions=tuple(_actions(facts)),
    )


def _state(facts: Facts) -> ModelState:
    if facts.worker is WorkerState.READY:
        return ModelState.READY
    if facts.worker is WorkerState.STARTING:
        return ModelState.LOADING
    if facts.disk is DiskState.COMPLETE:
        return ModelState.DOWNLOADED  # also while a newer version is pulled: the old one stays usable
    if facts.pull is PullState.RUNNING:
        return ModelState.DOWNLOADING
    return ModelState.NOT_DOWNLOADED


def _actions(facts: Facts) -> Iterator[Action]:
    pulling = facts.pull is PullState.RUNNING
    whole = facts.disk is DiskState.COMPLETE
    in_memory = facts.worker in (WorkerState.STARTING, WorkerState.READY)
    at_rest = facts.worker in (WorkerState.STOPPED, WorkerState.FAILED)
    if not whole and not pulling and facts.from_hub:
        yield Action.PULL
    if pulling:
        yield Action.CANCEL
    if facts.pull is PullState.FAILED:
        yield Action.RETRY
    if whole and not in_memory:
        yield Action.LOAD
    if in_memory:
        yield Action.UNLOAD
    if whole and not pulling:
        yield Action.VERIFY
    if facts.damaged and facts.from_hub and facts.ours and not pulling:
        yield Action.REPAIR
    if facts.disk is not DiskState.ABSENT and facts.ours and at_rest and not pulling:
        yield Action.DELETE


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of the files; sizes in bytes."""

    format: Format
    origin: Origin
    path: str
    root: str
    size: int
    commit: str | None
    files: int
    missing: tuple[str, ...]
    architecture: str | None
    parameters: int | None
    quantization: str | None
    context: int | None
    modified: float

    @staticmethod
    def of(snapshot: Snapshot) -> SnapshotView:
        return SnapshotView(
            format=snapshot.format,
            origin=snapshot.origin,
            path=str(snapshot.path),
            root=str(snapshot.root),
            size=snapshot.size,
            commit=snapshot.commit,
            files=len(snapshot.files),
            missing=snapshot.missing,
            architecture=snapshot.architecture,
            parameters=snapshot.parameters,
            quantization=snapshot.quantization,
            context=snapshot.context,
            modified=snapshot.modified,
        )


class MemoryView(msgspec.Struct, frozen=True, kw_only=True):
    """The worker of a model. `bytes` is its memory as the system counts it (None while unknown),
    `health` what it last said of its making tokens, `keep_alive` the idle seconds allowed (negative: for ever),
    `unload_in` the seconds left of them."""

    state: WorkerState
    pid: int | None = None
    engine: EngineInfo | None = None
    why: str = ""
    bytes: int | None = None
    active: int = 0
    waiting: int = 0
    health: EngineHealth | None = None
    keep_alive: float | None = None
    unload_in: float | None = None


class PullView(msgspec.Struct, frozen=True, kw_only=True):
    """A `Progress` on the wire."""

    phase: str
    bytes_done: int
    bytes_total: int
    rate: float
    seconds_left: float | None
    message: str
    fraction: float

    @staticmethod
    def of(progress: Progress) -> PullView:
        return PullView(
            phase=progress.phase,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            rate=progress.rate,
            seconds_left=progress.seconds_left,
            message=progress.message,
            fraction=progress.fraction,
        )


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """One model as people see it. `progress` is 0.0 to 1.0 of what the state waits for: the bytes of a
    download (kept while paused), 0 while loading, 1 when it is on disk or in memory."""

    model: str
    state: ModelState
    partial: bool
    paused: bool
    damaged: bool
    progress: float
    actions: tuple[Action, ...]
    last_error: dict[str, Any] | None = None
    pull: PullView | None = None
    snapshot: SnapshotView | None = None
    memory: MemoryView | None = None


class EngineRow(msgspec.Struct, frozen=True, kw_only=True):
    """Which engine opens a format on this machine, and why; `engine` is "" where none can."""

    format: Format
    engine: str
    device: str
    why: str


class LoadedRow(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    memory: MemoryView


class PullRow(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    fraction: float
    phase: str


class SystemMemory(msgspec.Struct, frozen=True, kw_only=True):
    """In bytes. `ours` is the daemon with all its workers; `pressure`: the system is short of memory."""

    ours: int
    free: int | None
    total: int
    pressure: bool


class RuntimeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What runs now; times in seconds."""

    version: str
    pid: int
    home: str
    uptime: float
    platform: str
    engines: tuple[EngineRow, ...]
    models: tuple[LoadedRow, ...]
    pulls: tuple[PullRow, ...]
    memory: SystemMemory
    subscribers: int


def view(
    model: str,
    facts: Facts,
    *,
    snapshot: Snapshot | None = None,
    progress: Progress | None = None,
    memory: MemoryView | None = None,
    last_error: dict[str, Any] | None = None,
) -> ModelView:
    """Join the judgement with what goes along; decides nothing itself."""
    standing = judge(facts)
    return ModelView(
        model=model,
        state=standing.state,
        partial=standing.partial,
        paused=standing.paused,
        damaged=facts.damaged,
        progress=_progress(standing.state, progress),
        actions=standing.actions,
        last_error=last_error,
        pull=PullView.of(progress) if progress is not None else None,
        snapshot=SnapshotView.of(snapshot) if snapshot is not None else None,
        memory=memory,
    )


def _progress(state: ModelState, progress: Progress | None) -> float:
    if state is ModelState.LOADING:
        return 0.0
    if state in (ModelState.DOWNLOADED, ModelState.READY):
        return 1.0
    return progress.fraction if progress is not None else 0.0


def all_facts() -> Iterator[Facts]:
    """Every combination of facts, in a fixed order."""
    flags = (False, True)
    for disk, worker, pull, damaged, hub, ours in product(
        DiskState, WorkerState, PullState, flags, flags, flags
    ):
        yield Facts(disk=disk, worker=worker, pull=pull, damaged=damaged, from_hub=hub, ours=ours)


def table() -> str:
    """The rows for a hub model in the shared cache, to be read by people."""
    lines = [f"{'disk':9} {'worker':9} {'pull':8} {'damaged':8} {'state':15} actions"]
    for facts in all_facts():
        if facts.from_hub and facts.ours:
            seen = judge(facts)
            damaged = "damaged" if facts.damaged else "-"
            lines.append(
                f"{facts.disk:9} {facts.worker:9} {facts.pull:8} {damaged:8} {seen.state:15} "
                f"{', '.join(seen.actions) or '-'}"
            )
    return "\n".join(lines)
