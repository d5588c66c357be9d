"""What loads, what waits and what leaves, event by event."""

from __future__ import annotations

import pytest

from ingle.engines.base import EngineOptions
from ingle.errors import Cancelled, IllegalTransition, LoadFailed, OutOfMemory
from ingle.runtime.needs import Need, Spec
from ingle.runtime.news import (
    Ask,
    Check,
    Effect,
    Event,
    Gone,
    Grant,
    Loaded,
    Pressure,
    Refuse,
    Release,
    Start,
    Stop,
    Tick,
    Unload,
)
from ingle.runtime.news import LoadFailed as LoadFailedNews
from ingle.runtime.scheduler import ALONE_PATIENCE, PRESSURE_PATIENCE, Scheduler
from ingle.worker.state import WorkerState

GB = 1_000_000_000


def need(model: str, size: int = GB, *, context: int | None = None, least: int | None = None) -> Need:
    spec = Spec(engine="llamacpp", options=EngineOptions(context=context or 4096))
    return Need(model=model, bytes=size, spec=spec, explicit=context is not None, least=least)


class Desk:
    """A scheduler with a clock and a memory that the test turns by hand."""

    def __init__(self, keep_alive: float = 300.0, free: int | None = None) -> None:
        self.scheduler = Scheduler(keep_alive)
        self.now = 0.0
        self.free = free
        self.asked = 0

    def tell(self, event: Event) -> list[Effect]:
        return self.scheduler.handle(event, now=self.now, free=self.free)

    def ask(
        self,
        key: str,
        size: int = GB,
        *,
        keep_alive: float | None = None,
        context: int | None = None,
        request: str | None = None,
        least: int | None = None,
    ) -> list[Effect]:
        self.asked += 1
        request = request or f"r{self.asked}"
        wanted = need(key, size, context=context, least=least)
        return self.tell(Ask(request=request, key=key, need=wanted, keep_alive=keep_alive))

    def loaded(self, key: str, size: int = GB, **options: float) -> None:
        """Have `key` in memory and idle; its bytes are gone from what is free."""
        self.ask(key, size, request=f"load {key}", keep_alive=options.get("keep_alive"))
        self.tell(Loaded(key=key))
        if self.free is not None:
            self.free -= size
        self.tell(Release(request=f"load {key}"))

    def state(self, key: str) -> WorkerState:
        slot = self.scheduler.slot(key)
        return slot.state if slot is not None else WorkerState.STOPPED


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def test_the_first_request_starts_the_load_and_is_granted_when_it_is_done() -> None:
    desk = Desk()
    assert desk.ask("a") == [Start(key="a", need=need("a"))]
    assert desk.tell(Loaded(key="a")) == [Grant(request="r1", key="a")]


def test_requests_for_one_model_join_the_same_load() -> None:
    desk = Desk()
    desk.ask("a")
    assert desk.ask("a") == []
    assert desk.ask("a") == []
    granted = desk.tell(Loaded(key="a"))
    assert granted == [Grant(request=f"r{n}", key="a") for n in (1, 2, 3)]


def test_a_ready_model_grants_at_once() -> None:
    desk = Desk()
    desk.loaded("a")
    assert desk.ask("a", request="x") == [Grant(request="x", key="a")]


def test_an_idle_model_leaves_after_its_keep_alive() -> None:
    desk = Desk(keep_alive=300)
    desk.loaded("a")
    assert desk.scheduler.next_wake() == 300
    desk.now = 299.9
    assert desk.tell(Tick()) == []
    desk.now = 300.0
    assert kinds(desk.tell(Tick())) == ["Stop"]
    assert desk.state("a") is WorkerState.STOPPING
    desk.tell(Gone(key="a"))
    assert desk.scheduler.slot("a") is None
    assert desk.scheduler.next_wake() is None


def test_a_busy_model_does_not_leave() -> None:
    desk = Desk(keep_alive=10)
    desk.loaded("a")
    desk.ask("a", request="x")
    assert desk.scheduler.next_wake() is None
    desk.now = 1000
    assert desk.tell(Tick()) == []
    desk.tell(Release(request="x"))
    assert desk.scheduler.next_wake() == 1010


def test_keep_alive_zero_leaves_at_once_after_the_answer() -> None:
    desk = Desk()
    desk.ask("a", keep_alive=0)
    desk.tell(Loaded(key="a"))
    assert kinds(desk.tell(Release(request="r1"))) == ["Stop"]


def test_a_negative_keep_alive_stays_for_ever() -> None:
    desk = Desk()
    desk.loaded("a", keep_alive=-1)
    assert desk.scheduler.next_wake() is None
    desk.now = 1e9
    assert desk.tell(Tick()) == []


def test_a_waiting_request_that_is_cancelled_is_not_granted() -> None:
    desk = Desk()
    desk.ask("a")
    desk.ask("a")
    assert desk.tell(Release(request="r1")) == []
    assert desk.tell(Loaded(key="a")) == [Grant(request="r2", key="a")]


def test_a_load_that_nobody_waits_for_any_more_still_ends_and_idles() -> None:
    desk = Desk(keep_alive=5)
    desk.ask("a")
    desk.tell(Release(request="r1"))
    assert desk.tell(Loaded(key="a")) == []
    assert desk.scheduler.next_wake() == 5


def test_a_failed_load_refuses_all_who_waited_and_has_the_files_checked() -> None:
    desk = Desk()
    desk.ask("a")
    desk.ask("a")
    error = LoadFailed("no")
    effects = desk.tell(LoadFailedNews(key="a", error=error))
    assert effects == [
        Refuse(request="r1", error=error),
        Refuse(request="r2", error=error),
        Check(key="a"),
    ]
    assert desk.state("a") is WorkerState.FAILED
    assert kinds(desk.ask("a")) == ["Start"]


def test_a_load_that_runs_out_of_memory_is_tried_once_more_when_idle_models_have_left() -> None:
    desk = Desk(free=9 * GB)
    desk.loaded("idle")
    desk.ask("a", request="x")
    failed = LoadFailedNews(key="a", error=OutOfMemory("no room on the device"))
    assert kinds(desk.tell(failed)) == ["Stop"]
    assert kinds(desk.tell(Gone(key="idle"))) == ["Start"]
    assert kinds(desk.tell(failed)) == ["Refuse", "Check"]


def test_a_load_that_runs_out_of_memory_alone_is_refused_at_once() -> None:
    desk = Desk(free=9 * GB)
    desk.ask("a", request="x")
    assert kinds(desk.tell(LoadFailedNews(key="a", error=OutOfMemory("no")))) == ["Refuse", "Check"]


def test_a_worker_that_died_is_started_again_by_the_next_request() -> None:
    desk = Desk()
    desk.loaded("a")
    desk.ask("a", request="x")
    assert desk.tell(Gone(key="a")) == []
    assert desk.state("a") is WorkerState.FAILED
    assert desk.tell(Release(request="x")) == []
    assert kinds(desk.ask("a")) == ["Start"]


def test_an_unload_ends_a_worker_in_use_and_a_later_request_waits_for_the_exit() -> None:
    desk = Desk()
    desk.loaded("a")
    desk.ask("a", request="x")
    assert kinds(desk.tell(Unload(key="a"))) == ["Stop"]
    assert desk.ask("a", request="y") == []
    assert kinds(desk.tell(Gone(key="a"))) == ["Start"]


def test_an_unload_in_the_middle_of_a_load_refuses_who_waited() -> None:
    desk = Desk()
    desk.ask("a")
    effects = desk.tell(Unload(key="a"))
    assert kinds(effects) == ["Refuse", "Stop"]
    assert isinstance(effects[0], Refuse) and isinstance(effects[0].error, Cancelled)
    assert desk.tell(Loaded(key="a")) == []
    assert desk.tell(Gone(key="a")) == []
    assert desk.scheduler.slot("a") is None


def test_an_unload_of_what_is_not_there_does_nothing() -> None:
    assert Desk().tell(Unload(key="a")) == []


def test_idle_models_make_room_the_longest_idle_first() -> None:
    desk = Desk(free=4 * GB)
    desk.loaded("old", 2 * GB)
    desk.now = 1.0
    desk.loaded("new", 1 * GB)
    effects = desk.ask("next", 3 * GB)
    assert effects == [Stop(key="old", why="another model needs the memory")]
    desk.free = 3 * GB
    assert kinds(desk.tell(Gone(key="old"))) == ["Start"]


def test_models_that_should_stay_for_ever_make_room_last() -> None:
    desk = Desk(free=4 * GB)
    desk.loaded("pinned", 2 * GB, keep_alive=-1)
    desk.now = 1.0
    desk.loaded("other", 2 * GB)
    assert [e.key for e in desk.ask("next", 2 * GB) if isinstance(e, Stop)] == ["other"]


def test_a_busy_model_is_never_evicted_and_the_new_load_waits_for_it() -> None:
    desk = Desk(free=4 * GB)
    desk.loaded("busy", 3 * GB)
    desk.ask("busy", request="x")
    assert desk.ask("next", 2 * GB, request="y") == []
    assert [e.key for e in desk.tell(Release(request="x")) if isinstance(e, Stop)] == ["busy"]
    desk.free = 4 * GB
    assert kinds(desk.tell(Gone(key="busy"))) == ["Start"]


def test_a_model_that_could_never_fit_is_refused_with_the_numbers_and_nothing_leaves() -> None:
    desk = Desk(free=4 * GB)
    desk.loaded("a", 1 * GB)
    (refusal,) = desk.ask("huge", 9 * GB)
    assert isinstance(refusal, Refuse) and isinstance(refusal.error, OutOfMemory)
    assert refusal.error.details["needed"] == 9 * GB
    assert desk.state("a") is WorkerState.READY


def test_what_can_shorten_its_context_gets_all_that_could_be_free_and_is_refused_below_its_least() -> None:
    desk = Desk(free=4 * GB)
    desk.loaded("a", 1 * GB)
    (refusal,) = desk.ask("huge", 9 * GB, least=5 * GB)
    assert isinstance(refusal, Refuse) and desk.state("a") is WorkerState.READY
    assert kinds(desk.ask("long", 9 * GB, least=2 * GB)) == ["Stop"]
    desk.free = 4 * GB
    (start,) = desk.tell(Gone(key="a"))
    assert isinstance(start, Start) and start.need.bytes == 4 * GB


def test_a_load_that_runs_has_its_memory_reserved() -> None:
    desk = Desk(free=4 * GB)
    assert kinds(desk.ask("a", 3 * GB)) == ["Start"]
    assert desk.ask("b", 2 * GB) == []
    desk.free = 1 * GB
    desk.tell(Loaded(key="a"))
    assert [e.key for e in desk.tell(Release(request="r1")) if isinstance(e, Stop)] == ["a"]


def test_mapped_weights_count_although_the_system_calls_them_free() -> None:
    desk = Desk(free=9 * GB)
    desk.scheduler = Scheduler(limit=4 * GB)
    assert kinds(desk.ask("a", 3 * GB)) == ["Start"]
    desk.tell(Loaded(key="a"))
    desk.tell(Release(request="r1"))
    assert kinds(desk.ask("b", 2 * GB)) == ["Stop"]


def test_another_context_is_loaded_when_the_model_is_idle() -> None:
    desk = Desk()
    desk.loaded("a")
    desk.ask("a", request="running")
    assert desk.ask("a", context=8192, request="wide") == []
    assert desk.ask("a", request="later") == []
    assert kinds(desk.tell(Release(request="running"))) == ["Stop"]
    started = desk.tell(Gone(key="a"))
    assert isinstance(started[0], Start) and started[0].need.spec.options.context == 8192
    granted = desk.tell(Loaded(key="a"))
    assert [e.request for e in granted if isinstance(e, Grant)] == ["wide", "later"]


def test_under_pressure_idle_models_leave_and_new_loads_wait() -> None:
    desk = Desk(free=9 * GB)
    desk.loaded("idle")
    desk.loaded("busy")
    desk.ask("busy", request="x")
    assert [e.key for e in desk.tell(Pressure(high=True)) if isinstance(e, Stop)] == ["idle"]
    desk.tell(Gone(key="idle"))
    assert desk.ask("next") == []
    assert kinds(desk.tell(Pressure(high=False))) == ["Start"]


def test_under_pressure_a_load_waits_also_when_no_model_is_in_memory_and_then_begins() -> None:
    desk = Desk(free=9 * GB)
    desk.tell(Pressure(high=True))
    assert desk.ask("next") == [] and desk.scheduler.next_wake() == ALONE_PATIENCE
    desk.now = ALONE_PATIENCE
    assert kinds(desk.tell(Tick())) == ["Start"]


def test_a_load_that_waits_too_long_under_pressure_is_refused() -> None:
    desk = Desk(free=9 * GB)
    desk.loaded("busy")
    desk.ask("busy", request="x")
    desk.tell(Pressure(high=True))
    desk.ask("next", request="y")
    assert desk.scheduler.next_wake() == PRESSURE_PATIENCE
    desk.now = PRESSURE_PATIENCE
    (refusal,) = desk.tell(Tick())
    assert isinstance(refusal, Refuse) and refusal.request == "y"


def test_an_impossible_order_of_events_names_state_and_event() -> None:
    desk = Desk()
    desk.loaded("a")
    with pytest.raises(IllegalTransition) as raised:
        desk.tell(Loaded(key="a"))
    assert raised.value.details == {
        "actions": [],
        "machine": "worker",
        "state": "ready",
        "event": "loaded",
    }


def test_the_release_of_an_unknown_request_does_nothing() -> None:
    assert Desk().tell(Release(request="?")) == []
