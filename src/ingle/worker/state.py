"""The life of a worker as a table one can print; decides nothing else and starts nothing."""

from __future__ import annotations

from enum import StrEnum

from ingle.errors import IllegalTransition


class WorkerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


class WorkerEvent(StrEnum):
    """What can happen to a worker. `EXITED` is the operating system's word that the process is gone."""

    SPAWN = "spawn"
    LOADED = "loaded"
    LOAD_FAILED = "load_failed"
    STOP = "stop"
    EXITED = "exited"


TRANSITIONS: dict[tuple[WorkerState, WorkerEvent], WorkerState] = {
    (WorkerState.STOPPED, WorkerEvent.SPAWN): WorkerState.STARTING,
    (WorkerState.STARTING, WorkerEvent.LOADED): WorkerState.READY,
    (WorkerState.STARTING, WorkerEvent.LOAD_FAILED): WorkerState.FAILED,
    (WorkerState.STARTING, WorkerEvent.STOP): WorkerState.STOPPING,
    (WorkerState.STARTING, WorkerEvent.EXITED): WorkerState.FAILED,
    (WorkerState.READY, WorkerEvent.STOP): WorkerState.STOPPING,
    (WorkerState.READY, WorkerEvent.EXITED): WorkerState.FAILED,
    (WorkerState.STOPPING, WorkerEvent.STOP): WorkerState.STOPPING,
    (WorkerState.STOPPING, WorkerEvent.EXITED): WorkerState.STOPPED,
    (WorkerState.FAILED, WorkerEvent.STOP): WorkerState.FAILED,
    (WorkerState.FAILED, WorkerEvent.EXITED): WorkerState.FAILED,
    (WorkerState.FAILED, WorkerEvent.SPAWN): WorkerState.STARTING,
}


def advance(state: WorkerState, event: WorkerEvent) -> WorkerState:
    """The state after `event`. Raises `IllegalTransition`, which names both."""
    after = TRANSITIONS.get((state, event))
    if after is None:
        raise IllegalTransition("worker", state.value, event.value)
    return after


def table() -> str:
    """The whole table, one row a state and one column an event, for people."""
    events = list(WorkerEvent)
    rows = [["", *(event.value for event in events)]]
    for state in WorkerState:
        cells = (TRANSITIONS.get((state, event)) for event in events)
        rows.append([state.value, *(cell.value if cell else "-" for cell in cells)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
