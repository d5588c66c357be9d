"""Who is let in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from ingle.runtime.runtime import Runtime
from ingle.server.app import create_app
from ingle.server.gate import MAX_BODY, Activity
from tests.server.conftest import asgi_client

pytestmark = pytest.mark.slow

TOKEN = "a-token"


@pytest.fixture
async def guarded(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with asgi_client(create_app(runtime, runtime.config, token=TOKEN)) as client:
        yield client


async def test_foreign_web_pages_are_refused(client: httpx.AsyncClient) -> None:
    for origin in ["https://evil.example", "http://127.0.0.1.evil.example", "null"]:
        answer = await client.get("/status", headers={"origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "access_refused"), origin
        assert "Origin" in answer.json()["error"]["hint"]


async def test_pages_of_this_machine_are_let_in(client: httpx.AsyncClient) -> None:
    for origin in ["http://localhost:5173", "http://127.0.0.1:11500", "http://[::1]:80"]:
        assert (await client.get("/status", headers={"origin": origin})).status_code == 200, origin


async def test_a_host_that_is_not_this_machine_is_refused(client: httpx.AsyncClient) -> None:
    for host in ["evil.example", "evil.example:11500", "192.168.1.5:11500", "", "[::"]:
        answer = await client.get("/status", headers={"host": host})
        assert answer.status_code == 403, host


async def test_every_name_of_this_machine_is_let_in(client: httpx.AsyncClient) -> None:
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:11500", "[::1]:11500"]:
        assert (await client.get("/status", headers={"host": host})).status_code == 200, host


async def test_a_server_bound_beyond_loopback_answers_to_addresses_but_to_no_foreign_name(
    runtime: Runtime,
) -> None:
    config = msgspec.structs.replace(runtime.config, host="0.0.0.0")
    async with asgi_client(create_app(runtime, config)) as client:
        assert (await client.get("/status", headers={"host": "192.168.1.5:11500"})).status_code == 200
        assert (await client.get("/status", headers={"host": "evil.example"})).status_code == 403


async def test_without_the_token_nothing_is_answered(guarded: httpx.AsyncClient) -> None:
    wrong = [None, "", "Bearer", "Bearer wrong", "Basic a-token", "Bearer a-token-and-more", "Bearer \u00e9"]
    for path in ("/status", "/events", "/v1/models", "/docs", "/openapi.json"):
        for header in wrong:
            headers = [(b"authorization", header.encode())] if header is not None else []
            answer = await guarded.get(path, headers=headers)
            assert answer.status_code == 401, (path, header)
            assert answer.json()["error"]["code"] == "token_required"


async def test_with_the_token_requests_are_answered(guarded: httpx.AsyncClient) -> None:
    answer = await guarded.get("/status", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200


async def test_a_body_that_says_it_is_too_big_is_refused_unread(client: httpx.AsyncClient) -> None:
    answer = await client.post("/load", content=b"{}", headers={"content-length": str(MAX_BODY + 1)})
    assert answer.status_code == 413
    assert answer.json()["error"]["details"]["limit"] == MAX_BODY


async def test_a_body_that_does_not_say_how_big_it_is_is_bounded_too(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // (1 << 20) + 2):
            yield b" " * (1 << 20)

    answer = await client.post("/load", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_errors_under_v1_have_openais_shape_at_the_gate_too(guarded: httpx.AsyncClient) -> None:
    error = (await guarded.get("/v1/models")).json()["error"]
    assert set(error) == {"message", "type", "param", "code"}


async def test_the_gate_tells_of_each_request(runtime: Runtime) -> None:
    activity = Activity()
    before = activity.last
    async with asgi_client(create_app(runtime, runtime.config, activity=activity)) as client:
        await client.get("/status")
    assert activity.last > before and activity.inside == 0
