"""A model whose files are replaced while it answers over HTTP: nothing hangs, and nothing is mixed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.runtime.fakes import HANG, World, until

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
TEXT = {"tool": "proofread", "text": "Teh cat.", "model": MODEL}


def replace_files(world: World) -> None:
    (snapshot,) = world.store.scan()
    snapshot.path.parent.mkdir(exist_ok=True)
    Path(snapshot.path).write_bytes(b"mended")


@pytest.mark.parametrize("other", ["files", "context"])
async def test_a_text_is_made_to_its_end_by_the_model_it_began_with(
    client: httpx.AsyncClient, world: World, other: str
) -> None:
    """Its second try is no new request: it would wait behind who waits for the first one's end."""
    world.hold_answers = True
    text = asyncio.create_task(client.post("/text", json=TEXT))
    await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
    if other == "files":
        replace_files(world)
    form = {"context": 2048} if other == "context" else {}
    load = asyncio.create_task(client.post("/ingle/load", json={"model": MODEL, **form}))
    async with asyncio.timeout(HANG):
        while not (await client.get("/ingle/ps")).json()["models"][0]["memory"]["waiting"]:
            pass
    world.hold_answers = False
    world.workers[0].may_answer.set()
    async with asyncio.timeout(HANG):
        assert (await text).json()["text"] == "Teh cat."
        assert (await load).json()["state"] == "ready"
    assert [len(worker.asked) for worker in world.workers] == [2, 0]
