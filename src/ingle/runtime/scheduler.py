"""Decides what loads, what waits and what leaves; starts nothing: events in, effects out.

One `Scheduler` knows every model by an opaque key. The caller tells it what happened (`handle`), with the
time and the free memory of that moment, and carries out the effects it gets back. Workers change state only
through the table of `worker/state.py`, so that an impossible order of events is an `IllegalTransition`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingle.errors import Cancelled, IngleError, OutOfMemory
from ingle.runtime.needs import Need
from ingle.runtime.news import (
    Ask,
    Check,
    Effect,
    Event,
    Gone,
    Grant,
    Loaded,
    LoadFailed,
    Pressure,
    Refuse,
    Release,
    Start,
    Stop,
    Tick,
    Unload,
)
from ingle.worker.state import WorkerEvent, WorkerState, advance

PRESSURE_PATIENCE = 60.0
"""Seconds a load waits for the machine to recover from memory pressure before it is refused."""
ALONE_PATIENCE = 10.0
"""Seconds it waits when no model is in memory, so that none of ours is the cause; then it begins where it
fits. The system's averages look back ten seconds."""


@dataclass
class Slot:
    """What the scheduler knows of one model. `waiting` is in order of arrival, `running` what its process
    was started as (None: there is none), `loaded` whether that process has taken its memory,
    `second_try` whether its last load ran out of memory, so that it waits until others have left."""

    key: str
    need: Need
    keep_alive: float
    state: WorkerState = WorkerState.STOPPED
    running: Need | None = None
    loaded: bool = False
    second_try: bool = False
    active: set[str] = field(default_factory=set)
    waiting: list[Ask] = field(default_factory=list)
    since: float = 0.0
    queued_at: float = 0.0

    @property
    def idle(self) -> bool:
        return self.state is WorkerState.READY and not self.active and not self.waiting

    @property
    def pending(self) -> bool:
        """Somebody waits for a load that has not begun."""
        return bool(self.waiting) and self.state in (WorkerState.STOPPED, WorkerState.FAILED)

    @property
    def held(self) -> int:
        """Bytes that come back when it leaves."""
        return self.running.bytes if self.running is not None else 0

    def expires_at(self) -> float | None:
        """When an idle worker leaves; None when it never does by time."""
        return self.since + self.keep_alive if self.idle and self.keep_alive >= 0 else None


class Scheduler:
    """`keep_alive` is the default idle time of a model, in seconds (negative: for ever). `limit` is what
    all models together may hold, in bytes: mapped weights count as free to the system, and are not."""

    def __init__(self, keep_alive: float = 300.0, limit: int | None = None) -> None:
        self._keep_alive = keep_alive
        self._limit = limit
        self._slots: dict[str, Slot] = {}
        self._where: dict[str, str] = {}
        self._pressure = False
        self._now = 0.0
        self._free: int | None = None

    @property
    def slots(self) -> Iterable[Slot]:
        return self._slots.values()

    @property
    def pressure(self) -> bool:
        return self._pressure

    def slot(self, key: str) -> Slot | None:
        return self._slots.get(key)

    def next_wake(self) -> float | None:
        """When `Tick` is due; None when time alone changes nothing."""
        times = [at for slot in self._slots.values() if (at := slot.expires_at()) is not None]
        if self._pressure:
            patience = self._patience()
            times += [slot.queued_at + patience for slot in self._slots.values() if slot.pending]
        return min(times, default=None)

    def handle(self, event: Event, *, now: float, free: int | None) -> list[Effect]:
        """Take one event. `now` is monotonic seconds, `free` bytes a load may take (None: unknown)."""
        self._now, self._free = now, free
        effects: list[Effect] = []
        match event:
            case Ask():
                effects += self._ask(event)
            case Release():
                effects += self._release(event.request)
            case Unload():
                effects += self._unload(event.key)
            case Loaded():
                effects += self._loaded(self._slots[event.key])
            case LoadFailed():
                effects += self._load_failed(self._slots[event.key], event.error)
            case Gone():
                effects += self._gone(self._slots[event.key])
            case Pressure():
                self._pressure = event.high
                effects += self._relieve() if event.high else []
            case Tick():
                effects += self._expire()
        effects += self._start_what_fits()
        for key in [slot.key for slot in self._slots.values() if _forgettable(slot)]:
            del self._slots[key]
        return effects

    def _ask(self, ask: Ask) -> list[Effect]:
        slot = self._slots.get(ask.key)
        if slot is None:
            slot = self._slots[ask.key] = Slot(ask.key, ask.need, self._keep_alive)
        if ask.keep_alive is not None:
            slot.keep_alive = ask.keep_alive
        if not slot.waiting:
            slot.queued_at = self._now
        self._where[ask.request] = ask.key
        slot.waiting.append(ask)
        return self._serve(slot)

    def _serve(self, slot: Slot) -> list[Effect]:
        """Grant what waits at a ready worker, in order; one that wants another form, or newer files, waits until it is idle."""
        effects: list[Effect] = []
        while slot.state is WorkerState.READY and slot.waiting:
            ask = slot.waiting[0]
            if slot.running is not None and (why := slot.running.hinders(ask.need)):
                if not slot.active:
                    effects.append(self._stop(slot, why))
                break
            slot.waiting.pop(0)
            slot.active.add(ask.request)
            effects.append(Grant(request=ask.request, key=slot.key))
        return effects

    def _release(self, request: str) -> list[Effect]:
        slot = self._slots.get(self._where.pop(request, ""))
        if slot is None:
            return []
        slot.waiting = [ask for ask in slot.waiting if ask.request != request]
        slot.active.discard(request)
        if slot.state is not WorkerState.READY:
            return []
        if slot.waiting:
            return self._serve(slot)
        if slot.idle:
            slot.since = self._now
        return self._relieve() if self._pressure else self._expire()

    def _unload(self, key: str) -> list[Effect]:
        slot = self._slots.get(key)
        if slot is None:
            return []
        refused = self._refuse_all(slot, Cancelled("The model was unloaded before this request began."))
        if slot.state in (WorkerState.STARTING, WorkerState.READY):
            refused.append(self._stop(slot, "it was asked to"))
        return refused

    def _loaded(self, slot: Slot) -> list[Effect]:
        if slot.state is WorkerState.STOPPING:
            return []  # an unload overtook the load; its exit follows
        slot.state = advance(slot.state, WorkerEvent.LOADED)
        slot.loaded, slot.second_try = True, False
        slot.since = self._now
        served = self._serve(slot)
        return served or self._expire()

    def _load_failed(self, slot: Slot, error: IngleError) -> list[Effect]:
        if slot.state is WorkerState.STOPPING:
            return self._gone(slot)
        slot.state = advance(slot.state, WorkerEvent.LOAD_FAILED)
        slot.running = None
        idle = [other for other in self._slots.values() if other.idle]
        if isinstance(error, OutOfMemory) and idle and slot.waiting and not slot.second_try:
            slot.second_try = True  # it begins when those have gone
            return [self._stop(other, "a load ran out of memory") for other in idle]
        slot.second_try = False
        return [*self._refuse_all(slot, error), Check(key=slot.key)]

    def _gone(self, slot: Slot) -> list[Effect]:
        slot.state = advance(slot.state, WorkerEvent.EXITED)
        slot.running = None
        for request in slot.active:  # their streams end with the worker's own error
            self._where.pop(request, None)
        slot.active.clear()
        return []

    def _expire(self) -> list[Effect]:
        due = [(slot, slot.expires_at()) for slot in self._slots.values()]
        effects: list[Effect] = [
            self._stop(slot, f"it was idle for {slot.keep_alive:g} s")
            for slot, at in due
            if at is not None and at <= self._now
        ]
        if self._pressure and self._patience() == PRESSURE_PATIENCE:
            for slot in self._slots.values():
                if slot.pending and slot.queued_at + PRESSURE_PATIENCE <= self._now:
                    effects += self._refuse_all(slot, _too_much(slot.need, self._free, "memory is short"))
        return effects

    def _relieve(self) -> list[Effect]:
        """Under memory pressure idle models leave first."""
        return [
            self._stop(slot, "the system is short of memory") for slot in self._slots.values() if slot.idle
        ]

    def _start_what_fits(self) -> list[Effect]:
        """Loads begin in order of arrival; the first one that must wait holds back the others."""
        effects: list[Effect] = []
        for slot in sorted((s for s in self._slots.values() if s.pending), key=lambda s: s.queued_at):
            if self._pressure and not self._waited_alone(slot):
                break
            if slot.second_try and any(s.state is WorkerState.STOPPING for s in self._slots.values()):
                break
            need, room = slot.waiting[0].need, self._room()
            others = [other for other in self._slots.values() if other is not slot]
            if room is not None:
                most = room + sum(other.held for other in others)
                need = need.within(most)
            if room is None or need.bytes <= room:
                effects.append(self._start(slot, need, room))
                continue
            if most < need.bytes:
                effects += self._refuse_all(slot, _too_much(need, most, "also when all others have left"))
                continue
            if not any(other.state is WorkerState.STOPPING for other in others):
                effects += self._make_room(need.bytes - room, [other for other in others if other.idle])
            break
        return effects

    def _patience(self) -> float:
        """How long a load waits while the system is short of memory."""
        return PRESSURE_PATIENCE if any(slot.held for slot in self._slots.values()) else ALONE_PATIENCE

    def _waited_alone(self, slot: Slot) -> bool:
        return self._patience() == ALONE_PATIENCE and slot.queued_at + ALONE_PATIENCE <= self._now

    def _room(self) -> int | None:
        """Free bytes, less what loads have not taken yet (also loads that are being stopped)."""
        if self._free is None:
            return None
        starting = (slot.held for slot in self._slots.values() if not slot.loaded)
        room = self._free - sum(starting)
        if self._limit is None:
            return room
        return min(room, self._limit - sum(slot.held for slot in self._slots.values()))

    def _make_room(self, short: int, idle: list[Slot]) -> list[Effect]:
        """The longest idle leave first, those that were to stay for ever last."""
        effects: list[Effect] = []
        for slot in sorted(idle, key=lambda s: (s.keep_alive < 0, s.since)):
            if short <= 0:
                break
            short -= slot.held
            effects.append(self._stop(slot, "another model needs the memory"))
        return effects

    def _start(self, slot: Slot, need: Need, room: int | None) -> Effect:
        slot.state = advance(slot.state, WorkerEvent.SPAWN)
        slot.need = slot.running = need
        slot.loaded = False
        return Start(key=slot.key, need=need, room=room)

    def _stop(self, slot: Slot, why: str) -> Effect:
        slot.state = advance(slot.state, WorkerEvent.STOP)
        return Stop(key=slot.key, why=why)

    def _refuse_all(self, slot: Slot, error: IngleError) -> list[Effect]:
        refused: list[Effect] = [Refuse(request=ask.request, error=error) for ask in slot.waiting]
        for ask in slot.waiting:
            self._where.pop(ask.request, None)
        slot.waiting.clear()
        return refused


def _forgettable(slot: Slot) -> bool:
    return slot.state is WorkerState.STOPPED and not slot.waiting and not slot.active


def _too_much(need: Need, free: int | None, why: str) -> OutOfMemory:
    return OutOfMemory(
        f"{need.model} needs about {need.bytes:,} bytes of memory and {max(0, free or 0):,} are free ({why}).",
        hint="Close other programs, choose a smaller model or quantisation, or a shorter context.",
        model=need.model,
        needed=need.bytes,
        free=max(0, free or 0),
    )
