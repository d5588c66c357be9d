"""Memory pressure from the system's own file through to real workers: idle ones leave, new loads wait."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import Snapshot
from ingle.engines.scripted import Script
from ingle.generation import Generation
from ingle.runtime.events import EventKind
from ingle.runtime.memory import under_pressure
from ingle.runtime.runtime import Runtime
from ingle.worker.memory import process_memory
from ingle.worker.process import WorkerProcess
from tests.runtime.fakes import HANG, World, make_snapshot, text_of, until

pytestmark = pytest.mark.slow

CALM = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
STALLED = CALM.replace("full avg10=0.00", "full avg10=35.10")


class System:
    """A PSI file like the kernel's, and how much of the memory is free."""

    def __init__(self, folder: Path) -> None:
        self.psi = folder / "memory"
        self.free = 0.05
        self.say(CALM)

    def say(self, text: str) -> None:
        staged = self.psi.with_suffix(".new")  # a file of the kernel is never seen half written
        staged.write_text(text)
        staged.rename(self.psi)

    def runtime(self, world: World) -> Runtime:
        pressure = partial(under_pressure, psi=self.psi, free_share=lambda: self.free)
        return world.runtime(worker=WorkerProcess, memory_of=process_memory, pressure=pressure)


def scripted(folder: Path, name: str) -> Snapshot:
    path = folder / f"{name}.json"
    path.write_bytes(msgspec.json.encode(Script(answer=name, on={"endless": "forever"}, token_seconds=0.001)))
    return make_snapshot(f"org/{name}", folder, path=path, root=folder, files=(path.name,))


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, *(scripted(tmp_path, name) for name in ("idle", "busy", "next")))


async def pid_of(runtime: Runtime, name: str) -> int:
    memory = (await runtime.view(name)).memory
    assert memory is not None and memory.pid is not None
    return memory.pid


async def pressed(runtime: Runtime) -> None:
    async with asyncio.timeout(HANG):
        while not (await runtime.status()).memory.pressure:  # noqa: ASYNC110 - only the status tells it
            await asyncio.sleep(0)


async def test_an_idle_worker_leaves_a_busy_one_stays_and_a_new_load_waits_for_calm(
    system: System, world: World
) -> None:
    async with system.runtime(world) as runtime, runtime.events() as events:
        await runtime.load("org/idle")
        idle = await pid_of(runtime, "org/idle")
        answer = runtime.generate("org/busy", Generation(prompt="endless"))
        await anext(answer)
        system.say(STALLED)
        async with asyncio.timeout(HANG):
            async for event in events:
                if event.event is EventKind.UNLOADED:
                    break
        assert (event.model, event.reason) == ("org/idle", "the system is short of memory")
        assert event.memory_returned is not None and event.memory_returned > 1_000_000
        with pytest.raises(ProcessLookupError):
            os.kill(idle, 0)
        assert (await runtime.status()).memory.pressure
        waiting = asyncio.create_task(text_of(runtime.generate("org/next", Generation(prompt="x"))))
        for _ in range(3):
            await anext(answer)  # the one that is busy goes on
        await runtime.view("org/next")
        assert not waiting.done()
        assert {row.model for row in (await runtime.status()).models} == {"org/busy"}
        system.say(CALM)
        assert await asyncio.wait_for(waiting, HANG) == "next"
        await answer.aclose()


async def test_a_worker_that_becomes_idle_under_pressure_leaves_at_once(system: System, world: World) -> None:
    async with system.runtime(world) as runtime:
        answer = runtime.generate("org/busy", Generation(prompt="endless"))
        await anext(answer)
        system.say(STALLED)
        await pressed(runtime)
        await answer.aclose()
        await until(lambda: not runtime.busy)


async def test_stalls_of_others_while_much_is_free_are_not_ours(system: System, world: World) -> None:
    system.free = 0.5
    system.say(STALLED)
    async with system.runtime(world) as runtime:
        await runtime.load("org/idle")
        assert await text_of(runtime.generate("org/next", Generation(prompt="x"))) == "next"
        assert not (await runtime.status()).memory.pressure
