"""Over a real socket: events as they happen, and a client that leaves stops the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ingle.errors import HubUnreachable
from ingle.runtime.runtime import Runtime
from ingle.server.stream import Stream
from tests.runtime.fakes import HANG, World, until
from tests.server.conftest import serving

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def server(app: FastAPI, runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as client:
        yield client
        runtime.end_streams()


async def events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream; each one's name and data agree."""
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            event: dict[str, Any] = json.loads(line.removeprefix("data: "))
            assert event["event"] == name
            yield event


async def test_events_tell_of_a_pull_a_load_and_an_unload(server: httpx.AsyncClient) -> None:
    async with server.stream("GET", "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        news = events(answer)
        await server.post("/ingle/pull", json={"model": "org/new"})
        await server.post("/load", json={"model_path": "org/new"})
        await server.post("/unload")
        seen = [await anext(news) for _ in range(6)]
    assert [event["event"] for event in seen] == [
        "download_started",
        "download_progress",
        "download_completed",
        "loading_started",
        "loading_completed",
        "unloaded",
    ]
    for event in seen:
        assert event["model"] == "org/new"
        assert 0.0 <= event["progress"] <= 1.0
        assert event["error"] is None
    assert seen[1]["pull"]["bytes_total"] == 1000
    assert seen[5]["memory_returned"] == 123_000_000


async def test_an_error_event_has_its_text(server: httpx.AsyncClient, world: World) -> None:
    world.pull.errors.append(HubUnreachable("The hub does not answer."))
    async with server.stream("GET", "/events") as answer:
        await server.post("/ingle/pull", json={"model": "org/new"})
        async for event in events(answer):
            if event["event"] == "error":
                break
    assert event["error"] == "The hub does not answer." and event["details"]["code"] == "hub_unreachable"


async def test_a_client_that_joins_late_first_gets_the_current_state(
    server: httpx.AsyncClient, world: World
) -> None:
    await server.post("/load", json={"model_path": MODEL})
    world.pull.go_on.clear()
    await server.post("/ingle/pull", json={"model": "org/new", "stream": False})
    await asyncio.to_thread(world.pull.begun.wait)
    async with server.stream("GET", "/events") as answer:
        news = events(answer)
        first = [await anext(news), await anext(news)]
    assert [(event["event"], event["model"], event["current"]) for event in first] == [
        ("download_progress", "org/new", True),
        ("loading_completed", MODEL, True),
    ]


async def test_a_listener_that_leaves_is_forgotten(server: httpx.AsyncClient, runtime: Runtime) -> None:
    async with server.stream("GET", "/events"):
        assert runtime.listeners == 1
    await until(lambda: runtime.listeners == 0)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {**ASK, "stream": True}),
        ("/v1/chat/completions", ASK),
        ("/ingle/generate", {"model": MODEL, "prompt": "x"}),
        ("/v1/completions", {"model": MODEL, "prompt": "x", "stream": True}),
    ],
)
async def test_a_client_that_leaves_cancels_its_answer_down_to_the_engine(
    server: httpx.AsyncClient, world: World, path: str, body: dict[str, Any]
) -> None:
    world.hold_answers = True
    asking = asyncio.create_task(server.post(path, json=body))
    await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: world.workers[0].cancelled == 1)


async def test_a_sidecar_client_that_leaves_cancels_its_answer(
    server: httpx.AsyncClient, world: World
) -> None:
    world.hold_answers = True
    await server.post("/load", json={"model_path": MODEL})
    asking = asyncio.create_task(server.post("/generate", json={"prompt": "Hi"}))
    await until(world.workers[0].answering.is_set)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await until(lambda: world.workers[0].cancelled == 1)


async def test_a_client_that_leaves_while_the_model_loads_is_no_longer_waited_for(
    server: httpx.AsyncClient, world: World, runtime: Runtime
) -> None:
    world.hold_loads = True
    asking = asyncio.create_task(server.post("/ingle/generate", json={"model": MODEL, "prompt": "x"}))
    await until(lambda: bool(world.workers) and world.workers[0].starting.is_set())
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.wait_for(_nobody_waits(runtime), HANG)
    world.workers[0].may_load.set()
    loaded = await runtime.load(MODEL)
    assert loaded.memory is not None and loaded.memory.active == 0
    assert world.workers[0].asked == []


async def _nobody_waits(runtime: Runtime) -> None:
    while True:
        memory = (await runtime.view(MODEL)).memory
        if memory is not None and memory.waiting == 0:
            return
        await asyncio.sleep(0)


async def test_tokens_come_one_by_one_and_not_at_the_end(server: httpx.AsyncClient, world: World) -> None:
    world.hold_answers = True
    async with server.stream("POST", "/v1/chat/completions", json={**ASK, "stream": True}) as answer:
        lines = answer.aiter_lines()
        first = await anext(lines)
        assert json.loads(first.removeprefix("data: "))["choices"][0]["delta"]["content"] == "one"
        world.workers[0].may_answer.set()
        rest = [line async for line in lines]
    assert "data: [DONE]" in rest


async def test_a_quiet_stream_shows_that_it_lives() -> None:
    go_on = asyncio.Event()
    sent: list[bytes] = []
    filled = asyncio.Event()

    async def source() -> AsyncGenerator[bytes, None]:
        yield b"first"
        await go_on.wait()
        yield b"last"

    async def send(message: Any) -> None:
        sent.append(message.get("body", b"status"))
        if message.get("body") == b"~":
            filled.set()

    async def receive() -> Any:
        await asyncio.Event().wait()

    stream = Stream(source(), lambda error: b"", media_type="text/plain", quiet=0.01, filler=b"~")
    sending = asyncio.create_task(stream({"path": "/", "type": "http"}, receive, send))
    await asyncio.wait_for(filled.wait(), HANG)
    go_on.set()
    await sending
    assert sent[:2] == [b"status", b"first"]
    assert sent[-2:] == [b"last", b""]
