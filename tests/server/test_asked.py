"""What stands around a body is heard too: HEAD, and the query of every route."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from ingle.runtime.runtime import Runtime
from tests.runtime.fakes import HANG
from tests.server.conftest import serving

MODEL = "org/tiny"


@pytest.mark.parametrize("path", ["/status", "/", "/ingle/status", "/v1/models", "/metrics"])
async def test_head_says_what_get_would_without_its_body(client: httpx.AsyncClient, path: str) -> None:
    whole, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize(("path", "status"), [("/load", 405), ("/nowhere", 404), ("/ingle/show", 400)])
async def test_head_is_refused_where_get_is(client: httpx.AsyncClient, path: str, status: int) -> None:
    answer = await client.head(path)
    assert (answer.status_code, answer.content) == (status, b"")


async def test_a_wrong_method_is_told_which_are_right(client: httpx.AsyncClient) -> None:
    assert (await client.post("/status")).headers["Allow"] == "GET, HEAD"
    assert (await client.get("/load")).headers["Allow"] == "POST"


@pytest.mark.slow
async def test_head_of_an_endless_stream_ends_and_keeps_no_listener(app: FastAPI, runtime: Runtime) -> None:
    async with serving(app) as client:
        head = await client.head("/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        assert (await client.get("/status")).status_code == 200  # the connection goes on
        async with asyncio.timeout(HANG):
            while runtime.listeners:
                await client.get("/status")


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/ingle/doctor?offlin=true", "offlin"),
        ("GET", "/ingle/show?model=org/tiny&file=x", "file"),
        ("GET", "/ingle/show?model=org/tiny&model=org/other", "model"),
        ("GET", "/status?model=org/tiny", "model"),
        ("POST", "/warm?model_path=org/tiny", "model_path"),
        ("POST", "/v1/completions?temperature=0", "temperature"),
    ],
)
async def test_a_query_that_would_be_ignored_is_refused_by_name(
    client: httpx.AsyncClient, method: str, path: str, named: str
) -> None:
    body = {"model": MODEL, "prompt": "Hi"} if path.startswith("/v1") else None
    answer = await client.request(method, path, json=body)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["details"]["field"] == named and named in error["message"]
    assert ("belongs into the body" in error["message"]) is (method == "POST")


async def test_marks_that_clients_of_openais_api_add_are_let_through(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/models?client_version=1")).status_code == 200
    asked = {"model": MODEL, "prompt": "Hi"}
    assert (await client.post("/v1/completions?api-version=1", json=asked)).status_code == 200


async def test_an_unload_takes_no_name_and_ignores_none(client: httpx.AsyncClient) -> None:
    refused = await client.post("/unload", json={"model_path": MODEL})
    assert (refused.status_code, refused.json()["error"]["details"]["unknown"]) == (400, ["model_path"])
    assert (await client.post("/unload", json={})).status_code == 200
