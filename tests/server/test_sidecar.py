"""The sidecar contract, key by key."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from ingle.errors import LoadFailed
from ingle.generation import Generation, Message, Role, SamplingParams, Thinking
from ingle.runtime.runtime import Runtime
from tests.runtime.fakes import World, make_snapshot, until

pytestmark = pytest.mark.slow

MODEL = "org/tiny"


async def test_load_generate_status_and_unload_answer_exactly_the_contract(
    client: httpx.AsyncClient,
) -> None:
    status = await client.get("/status")
    assert status.json() == {"status": "running", "model_loaded": False, "model_path": None}
    loaded = await client.post("/load", json={"model_path": MODEL})
    assert (loaded.status_code, loaded.json()) == (200, {"status": "loaded", "model_path": MODEL})
    status = await client.get("/status")
    assert status.json() == {"status": "running", "model_loaded": True, "model_path": MODEL}
    answer = await client.post("/generate", json={"prompt": "Hi", "max_tokens": 150, "temperature": 0.7})
    assert answer.json() == {"response": "one two three", "tokens_generated": 3}
    gone = await client.post("/unload")
    assert gone.json() == {"status": "unloaded", "model_loaded": False}
    status = await client.get("/status")
    assert status.json() == {"status": "running", "model_loaded": False, "model_path": None}


async def test_the_defaults_are_those_of_the_contract_and_thinking_is_off(
    client: httpx.AsyncClient, world: World
) -> None:
    await client.post("/load", json={"model_path": MODEL})
    await client.post("/generate", json={"prompt": "Hi"})
    assert world.workers[0].asked == [
        Generation(
            messages=(Message(role=Role.USER, content="Hi"),),
            max_tokens=150,
            sampling=SamplingParams(temperature=0.7, top_p=0.8, repetition_penalty=1.15),
            thinking=Thinking(enabled=False),
        )
    ]


async def test_generate_without_a_load_is_a_conflict_with_the_possible_actions(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post("/generate", json={"prompt": "Hi"})
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "nothing_loaded" and error["details"]["actions"] == ["load"]
    assert world.workers == []


async def test_generate_uses_the_model_of_the_last_load(client: httpx.AsyncClient, world: World) -> None:
    world.store.put(make_snapshot("org/other", world.folder))
    await client.post("/load", json={"model_path": MODEL})
    await client.post("/load", json={"model_path": "org/other"})
    await client.post("/generate", json={"prompt": "Hi"})
    assert [worker.name for worker in world.workers if worker.asked] == ["org/other"]
    assert (await client.get("/status")).json()["model_path"] == "org/other"


async def test_generate_loads_again_what_left_for_idleness(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/load", json={"model_path": MODEL, "keep_alive": 0})
    await until(lambda: world.workers[0].stopped)
    status = (await client.get("/status")).json()
    assert status["model_path"] == MODEL
    answer = await client.post("/generate", json={"prompt": "Hi"})
    assert answer.json()["response"] == "one two three"
    assert len(world.workers) == 2


async def test_status_follows_the_model_to_a_newer_version(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/load", json={"model_path": MODEL})
    newer = make_snapshot(MODEL, world.folder, path=world.folder / "newer.gguf")
    world.store.put(newer)
    await client.post("/generate", json={"prompt": "Hi"})
    assert (await client.get("/status")).json()["model_loaded"] is True
    assert len(world.workers) == 2


async def test_a_failed_load_keeps_the_model_before(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/load", json={"model_path": MODEL})
    world.load_error = LoadFailed("It is broken.")
    world.store.put(make_snapshot("org/other", world.folder))
    failed = await client.post("/load", json={"model_path": "org/other"})
    assert (failed.status_code, failed.json()["error"]["code"]) == (500, "load_failed")
    assert (await client.get("/status")).json()["model_path"] == MODEL


async def test_status_answers_while_a_load_and_an_answer_go_on(
    client: httpx.AsyncClient, world: World
) -> None:
    world.hold_loads = world.hold_answers = True
    loading = asyncio.create_task(client.post("/load", json={"model_path": MODEL}))
    await until(lambda: bool(world.workers) and world.workers[0].starting.is_set())
    finds = world.store.finds
    status = (await client.get("/status")).json()
    assert status == {"status": "running", "model_loaded": False, "model_path": MODEL}
    world.workers[0].may_load.set()
    await loading
    finds = world.store.finds
    answering = asyncio.create_task(client.post("/generate", json={"prompt": "Hi"}))
    await until(world.workers[0].answering.is_set)
    assert (await client.get("/status")).json()["model_loaded"] is True
    assert world.store.finds == finds + 1  # the answer looked its model up; the status asked no disk
    world.workers[0].may_answer.set()
    await answering


async def test_unload_without_a_load_is_no_error(client: httpx.AsyncClient) -> None:
    answer = await client.post("/unload")
    assert (answer.status_code, answer.json()) == (200, {"status": "unloaded", "model_loaded": False})


@pytest.mark.parametrize("path", ["/load", "/warm"])
async def test_no_sidecar_route_ever_downloads(client: httpx.AsyncClient, world: World, path: str) -> None:
    answer = await client.post(path, json={"model_path": "org/absent"})
    assert answer.status_code == 409
    assert answer.json()["error"]["details"]["actions"] == ["pull"]
    assert world.pull.times == 0


async def test_generate_does_not_fetch_again_what_was_deleted_since_the_load(
    client: httpx.AsyncClient, world: World
) -> None:
    await client.post("/load", json={"model_path": MODEL, "keep_alive": 0})
    await until(lambda: world.workers[0].stopped)
    assert (await client.post("/ingle/delete", json={"model": MODEL})).status_code == 200
    answer = await client.post("/generate", json={"prompt": "Hi"})
    assert (answer.status_code, answer.json()["error"]["details"]["actions"]) == (409, ["pull"])
    assert world.pull.times == 0


async def test_warm_begins_the_load_and_returns_at_once(client: httpx.AsyncClient, world: World) -> None:
    world.hold_loads = True
    begun = await client.post("/warm", json={"model_path": MODEL})
    assert begun.json() == {"status": "warming", "model_path": MODEL}
    world.workers[0].may_load.set()
    loaded = await client.post("/load", json={"model_path": MODEL})
    assert loaded.status_code == 200 and len(world.workers) == 1
    again = await client.post("/warm")
    assert again.json() == {"status": "loaded", "model_path": MODEL}


async def test_a_model_that_is_warm_is_called_loaded_only_where_the_status_says_so_too(
    client: httpx.AsyncClient, world: World
) -> None:
    """What other routes brought into memory is at hand, but `/generate` does not answer with it before a `/load`."""
    await client.post("/ingle/load", json={"model": MODEL})
    assert (await client.post("/warm", json={"model_path": MODEL})).json()["status"] == "warm"
    assert (await client.get("/status")).json()["model_loaded"] is False
    assert (await client.post("/generate", json={"prompt": "Hi"})).status_code == 409
    await client.post("/load", json={"model_path": MODEL})
    assert (await client.post("/warm", json={"model_path": MODEL})).json()["status"] == "loaded"
    assert (await client.get("/status")).json()["model_loaded"] is True
    world.store.put(make_snapshot("org/other", world.folder))
    await client.post("/ingle/load", json={"model": "org/other"})
    assert (await client.post("/warm", json={"model_path": "org/other"})).json()["status"] == "warm"


async def test_warming_what_cannot_be_is_an_error_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/warm", json={"model_path": "nonsense"})
    assert answer.status_code == 404


async def test_a_warm_load_that_fails_later_shows_in_the_view(
    client: httpx.AsyncClient, world: World, runtime: Runtime
) -> None:
    world.load_error = LoadFailed("It is broken.")
    world.hold_loads = True
    await client.post("/warm", json={"model_path": MODEL})
    world.workers[0].may_load.set()
    await until(lambda: not runtime.busy)
    assert (await client.get("/ingle/show", params={"model": MODEL})).json()["last_error"]["code"] == (
        "load_failed"
    )
