"""The worker's life is a table: every edge it has, and an error for every edge it lacks."""

from __future__ import annotations

import itertools

import pytest

from ingle.errors import IllegalTransition
from ingle.worker.state import TRANSITIONS, WorkerEvent, WorkerState, advance, table

EVERY_PAIR = list(itertools.product(WorkerState, WorkerEvent))


def test_a_load_and_an_unload_go_round() -> None:
    state = WorkerState.STOPPED
    for event, expected in [
        (WorkerEvent.SPAWN, WorkerState.STARTING),
        (WorkerEvent.LOADED, WorkerState.READY),
        (WorkerEvent.STOP, WorkerState.STOPPING),
        (WorkerEvent.EXITED, WorkerState.STOPPED),
    ]:
        state = advance(state, event)
        assert state is expected


def test_a_crash_can_be_loaded_again() -> None:
    failed = advance(WorkerState.READY, WorkerEvent.EXITED)
    assert failed is WorkerState.FAILED
    assert advance(failed, WorkerEvent.SPAWN) is WorkerState.STARTING


@pytest.mark.parametrize(("state", "event"), [pair for pair in EVERY_PAIR if pair not in TRANSITIONS])
def test_an_illegal_transition_names_state_and_event(state: WorkerState, event: WorkerEvent) -> None:
    with pytest.raises(IllegalTransition) as raised:
        advance(state, event)
    assert state.value in raised.value.message
    assert event.value in raised.value.message


def test_every_living_state_reacts_to_the_exit_of_the_process() -> None:
    living = set(WorkerState) - {WorkerState.STOPPED}
    assert all((state, WorkerEvent.EXITED) in TRANSITIONS for state in living)


def test_the_table_prints_a_row_for_every_state() -> None:
    lines = table().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [state.value for state in WorkerState]
    assert lines[0].split() == [event.value for event in WorkerEvent]
