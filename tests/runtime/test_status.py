"""Every row of what people see."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.hub.progress import Phase, Progress
from ingle.runtime.status import Action, Facts, ModelState, PullState, all_facts, judge, table, view
from ingle.worker.state import WorkerState
from tests.runtime.fakes import make_snapshot

ABSENT, PARTIAL, COMPLETE = DiskState.ABSENT, DiskState.PARTIAL, DiskState.COMPLETE
STOPPED, STARTING, READY = WorkerState.STOPPED, WorkerState.STARTING, WorkerState.READY
STOPPING, FAILED = WorkerState.STOPPING, WorkerState.FAILED

ROWS = [
    # disk, worker, pull, state, actions
    (ABSENT, STOPPED, PullState.NONE, "not_downloaded", "pull"),
    (ABSENT, STOPPED, PullState.RUNNING, "downloading", "cancel"),
    (ABSENT, STOPPED, PullState.PAUSED, "not_downloaded", "pull"),
    (ABSENT, STOPPED, PullState.FAILED, "not_downloaded", "pull retry"),
    (ABSENT, STOPPED, PullState.REFUSED, "not_downloaded", "pull"),
    (PARTIAL, STOPPED, PullState.NONE, "not_downloaded", "pull delete"),
    (PARTIAL, STOPPED, PullState.RUNNING, "downloading", "cancel"),
    (PARTIAL, STOPPED, PullState.PAUSED, "not_downloaded", "pull delete"),
    (PARTIAL, STOPPED, PullState.FAILED, "not_downloaded", "pull retry delete"),
    (PARTIAL, STOPPED, PullState.REFUSED, "not_downloaded", "pull delete"),
    (COMPLETE, STOPPED, PullState.NONE, "downloaded", "load verify delete"),
    (COMPLETE, STOPPED, PullState.RUNNING, "downloaded", "cancel load"),
    (COMPLETE, STARTING, PullState.NONE, "loading", "unload verify"),
    (COMPLETE, READY, PullState.NONE, "ready", "unload verify"),
    (COMPLETE, READY, PullState.RUNNING, "ready", "cancel unload"),
    (COMPLETE, STOPPING, PullState.NONE, "downloaded", "load verify"),
    (COMPLETE, FAILED, PullState.NONE, "downloaded", "load verify delete"),
    (ABSENT, READY, PullState.NONE, "ready", "pull unload"),
]


@pytest.mark.parametrize(("disk", "worker", "pull", "state", "actions"), ROWS)
def test_each_row_has_its_state_and_its_actions(
    disk: DiskState, worker: WorkerState, pull: PullState, state: str, actions: str
) -> None:
    seen = judge(Facts(disk=disk, worker=worker, pull=pull))
    assert seen.state.value == state
    assert " ".join(seen.actions) == actions


def test_every_combination_of_facts_leaves_a_way_on() -> None:
    for facts in all_facts():
        seen = judge(facts)
        assert seen.partial is (facts.disk is DiskState.PARTIAL)
        if facts.disk is DiskState.COMPLETE:
            assert Action.LOAD in seen.actions or Action.UNLOAD in seen.actions, facts
        elif facts.from_hub:
            assert Action.PULL in seen.actions or Action.CANCEL in seen.actions, facts
        assert (Action.CANCEL in seen.actions) is (facts.pull is PullState.RUNNING), facts


def test_nothing_that_is_used_or_foreign_can_be_deleted() -> None:
    for facts in all_facts():
        if Action.DELETE in judge(facts).actions:
            at_rest = facts.worker in (STOPPED, FAILED) and facts.pull is not PullState.RUNNING
            assert facts.ours and at_rest, facts


def test_a_damaged_model_can_be_repaired_also_while_it_is_in_memory() -> None:
    for facts in all_facts():
        mendable = facts.damaged and facts.ours and facts.from_hub and facts.pull is not PullState.RUNNING
        assert (Action.REPAIR in judge(facts).actions) is mendable, facts


def test_a_damaged_model_of_another_tool_is_not_repaired() -> None:
    facts = Facts(disk=COMPLETE, damaged=True, ours=False)
    assert Action.REPAIR not in judge(facts).actions


def test_what_another_tool_put_there_is_never_deleted() -> None:
    assert Action.DELETE not in judge(Facts(disk=COMPLETE, ours=False)).actions


def test_a_path_cannot_be_pulled() -> None:
    assert judge(Facts(disk=ABSENT, from_hub=False)).actions == ()


def test_a_paused_pull_says_how_far_it_came(tmp_path: Path) -> None:
    seen = view(
        "m",
        Facts(disk=PARTIAL, pull=PullState.PAUSED),
        snapshot=make_snapshot("m", tmp_path, state=PARTIAL, missing=("a",)),
        progress=Progress(phase=Phase.FETCHING, bytes_done=25, bytes_total=100),
    )
    assert (seen.state, seen.partial, seen.paused, seen.progress) == (
        ModelState.NOT_DOWNLOADED,
        True,
        True,
        0.25,
    )


def test_progress_is_whole_for_what_is_here_and_nothing_while_loading() -> None:
    assert view("m", Facts(disk=COMPLETE)).progress == 1.0
    assert view("m", Facts(disk=COMPLETE, worker=READY)).progress == 1.0
    assert view("m", Facts(disk=COMPLETE, worker=STARTING)).progress == 0.0
    assert view("m", Facts(disk=ABSENT)).progress == 0.0


def test_the_table_can_be_read_by_people() -> None:
    printed = table().splitlines()
    assert "actions" in printed[0]
    assert len(printed) == 1 + 3 * 5 * 5 * 2
