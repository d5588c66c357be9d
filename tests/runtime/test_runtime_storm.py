"""Many clients at once, leaving, unloading, killing: everyone gets an end, and nothing is left behind."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path

import pytest

from ingle.errors import Cancelled, IngleError, LoadFailed, WorkerCrashed
from ingle.generation import Generation
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from tests.runtime.fakes import HANG, World, make_snapshot, text_of, until

pytestmark = pytest.mark.slow

MODELS = ("org/a", "org/b", "org/c")


async def client(runtime: Runtime, world: World, dice: random.Random) -> None:
    """One client that does something, perhaps leaves in the middle, and accepts only ends that make sense."""
    model = dice.choice(MODELS)
    wants = Wants(keep_alive=dice.choice([None, 0.0, -1.0]), context=dice.choice([None, None, None, 2048]))
    asking = asyncio.create_task(text_of(runtime.generate(model, Generation(prompt="x"), wants)))
    for _ in range(dice.randrange(4)):
        await asyncio.to_thread(int)  # as long as one look at the store takes
    match dice.randrange(6):
        case 0:
            asking.cancel()
        case 1:
            await runtime.unload(model)
        case 2:
            living = [worker for worker in world.workers if worker.info and not worker.gone.is_set()]
            if living:
                dice.choice(living).die()
        case 3:
            world.load_error = dice.choice([None, None, LoadFailed("no")])
    try:
        assert await asking == "one two three"
    except (Cancelled, WorkerCrashed, LoadFailed, asyncio.CancelledError):
        pass
    except IngleError as exc:
        assert exc.code == "worker", exc  # a fake that was stopped says no more than that


async def visits(runtime: Runtime, world: World, dice: random.Random) -> None:
    for _ in range(5):
        await client(runtime, world, dice)


async def test_many_clients_that_leave_unload_and_kill_all_come_to_an_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for seed in range(10):
        dice = random.Random(seed)
        world = World(tmp_path, *(make_snapshot(name, tmp_path) for name in MODELS))
        with caplog.at_level(logging.WARNING, "ingle"):
            async with asyncio.timeout(HANG), world.runtime() as runtime:
                await asyncio.gather(*(visits(runtime, world, dice) for _ in range(15)))
                for name in MODELS:
                    await runtime.unload(name)
                await until(lambda runtime=runtime: not runtime.busy)  # type: ignore[misc]  # bound now
        assert all(worker.gone.is_set() for worker in world.workers), f"seed {seed}"
        assert "could not do one thing" not in caplog.text, f"seed {seed}: {caplog.text}"
