"""Random orders of everything that can happen: the promises of the scheduler hold in all of them."""

from __future__ import annotations

import random

import pytest

from ingle.engines.base import EngineOptions
from ingle.errors import LoadFailed, OutOfMemory
from ingle.runtime.needs import Need, Spec
from ingle.runtime.news import (
    Ask,
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
from ingle.runtime.news import (
    LoadFailed as LoadFailedNews,
)
from ingle.runtime.scheduler import Scheduler
from ingle.runtime.stamp import Stamp
from ingle.worker.state import WorkerState

pytestmark = pytest.mark.slow

GB = 1_000_000_000
TOTAL = 8 * GB
SIZES = {"a": 1 * GB, "b": 3 * GB, "c": 5 * GB, "d": 9 * GB}


class Storm:
    """A world of processes and clients around one scheduler; it checks every effect it carries out."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.scheduler = Scheduler(keep_alive=5.0)
        self.now = 0.0
        self.processes: dict[str, str] = {}  # "loading", "ready", "ending"
        self.waiting: dict[str, str] = {}
        self.granted: dict[str, str] = {}
        self.stamps: dict[str, Stamp] = {}  # of the files that a request is about
        self.opened: dict[str, Stamp] = {}  # of those that a process opened
        self.asked = 0

    def free(self) -> int:
        return TOTAL - sum(SIZES[key] for key in self.processes if self.processes[key] != "loading")

    def tell(self, event: Event) -> None:
        for effect in self.scheduler.handle(event, now=self.now, free=self.free()):
            self.perform(effect)
        running = {
            slot.key
            for slot in self.scheduler.slots
            if slot.state not in (WorkerState.STOPPED, WorkerState.FAILED)
        }
        assert running == set(self.processes), "the scheduler knows exactly the processes there are"
        assert sum(SIZES[key] for key in self.processes) <= TOTAL, "memory was promised twice"

    def perform(self, effect: Effect) -> None:
        match effect:
            case Start(key=key, need=need):
                assert key not in self.processes, "a second process for one model"
                self.processes[key] = "loading"
                self.opened[key] = need.stamp
            case Stop(key=key):
                assert self.processes[key] in ("loading", "ready"), "a stop of what already ends"
                self.processes[key] = "ending"
            case Grant(request=request, key=key):
                assert self.processes[key] == "ready", "a grant of what is not ready"
                assert self.waiting.pop(request) == key
                assert self.opened[key] == self.stamps[request], "an answer of files that are others by now"
                self.granted[request] = key
            case Refuse(request=request):
                self.waiting.pop(request)

    def step(self) -> None:
        self.now += self.random.random()
        choices = ["ask", "ask", "ask", "release", "release", "tick", "unload", "pressure", "calm", "calm"]
        choices += ["process"] * 4 + ["death"]
        getattr(self, self.random.choice(choices))()

    def ask(self) -> None:
        self.asked += 1
        key, request = self.random.choice(list(SIZES)), f"r{self.asked}"
        context = self.random.choice([None, None, None, 2048])
        spec = Spec(engine="e", options=EngineOptions(context=context or 4096))
        stamp: Stamp = (
            ("weights", 1, self.random.choice([0, 0, 0, 0, 1]), 1),
        )  # the files may be others by now
        need = Need(model=key, bytes=SIZES[key], spec=spec, explicit=context is not None, stamp=stamp)
        self.waiting[request] = key
        self.stamps[request] = stamp
        keep_alive = self.random.choice([None, None, 0.0, -1.0, 3.0])
        self.tell(Ask(request=request, key=key, need=need, keep_alive=keep_alive))

    def release(self) -> None:
        requests = [*self.granted, *self.waiting]
        if requests:
            request = self.random.choice(requests)
            self.granted.pop(request, None)
            self.waiting.pop(request, None)
            self.tell(Release(request=request))

    def tick(self) -> None:
        self.now += self.random.choice([0.0, 5.0, 70.0])
        self.tell(Tick())

    def unload(self) -> None:
        self.tell(Unload(key=self.random.choice(list(SIZES))))

    def pressure(self) -> None:
        self.tell(Pressure(high=True))

    def calm(self) -> None:
        self.tell(Pressure(high=False))

    def process(self) -> None:
        """Some process comes to its next point: a load ends or fails, an exit is confirmed."""
        moving = [key for key, state in self.processes.items() if state != "ready"]
        if not moving:
            return
        key = self.random.choice(moving)
        if self.processes[key] == "ending":
            self.end(key)
        elif self.random.random() < 0.2:
            del self.processes[key]
            error = self.random.choice([LoadFailed("no"), OutOfMemory("no")])
            self.tell(LoadFailedNews(key=key, error=error))
        else:
            self.processes[key] = "ready"
            self.tell(Loaded(key=key))

    def death(self) -> None:
        ready = [key for key, state in self.processes.items() if state == "ready"]
        if ready and self.random.random() < 0.3:
            self.end(self.random.choice(ready))

    def end(self, key: str) -> None:
        del self.processes[key]
        for request in [request for request, model in self.granted.items() if model == key]:
            del self.granted[request]
            self.tell_quietly(Release(request=request))
        self.tell(Gone(key=key))

    def tell_quietly(self, event: Event) -> None:
        """Between an exit and the news of it the scheduler may still believe in the process."""
        for effect in self.scheduler.handle(event, now=self.now, free=self.free()):
            if isinstance(effect, Stop) and effect.key not in self.processes:
                continue
            self.perform(effect)

    def settle(self) -> None:
        """Let every load end well and every answer be finished: nobody may be left waiting."""
        self.calm()
        for _ in range(200):
            if not self.waiting and not self.granted:
                return
            for request in list(self.granted):
                del self.granted[request]
                self.tell(Release(request=request))
            for key, state in list(self.processes.items()):
                if state == "loading":
                    self.processes[key] = "ready"
                    self.tell(Loaded(key=key))
                elif state == "ending":
                    self.end(key)
        raise AssertionError(f"left waiting: {self.waiting}")


def test_in_any_order_of_events_memory_is_never_promised_twice_and_nobody_waits_for_ever() -> None:
    for seed in range(100):
        storm = Storm(seed)
        try:
            for _ in range(120):
                storm.step()
            storm.settle()
        except Exception as exc:
            raise AssertionError(f"seed {seed}") from exc
