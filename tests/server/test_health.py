"""Search, outdated models and the doctor over HTTP, against the test hub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from ingle.config import Config
from ingle.server.app import create_app
from tests.fakes.hub import FakeHub
from tests.runtime.fakes import World, make_config
from tests.server.conftest import asgi_client

pytestmark = pytest.mark.slow

REPO = "org/tiny-model"


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose hub is the test hub."""
    world = World(tmp_path)
    with FakeHub() as hub:
        hub.add_repo(REPO, {"config.json": b"{}", "model.safetensors": b"x" * 100})
        config = msgspec.structs.replace(make_config(tmp_path), endpoints=(hub.url,))
        async with world.runtime() as runtime, asgi_client(create_app(runtime, config)) as client:
            yield client


async def test_search_lists_what_the_hub_has(asking: httpx.AsyncClient) -> None:
    answer = await asking.get("/ingle/search", params={"q": "tiny"})
    assert answer.status_code == 200, answer.text
    assert REPO in [one["repo_id"] for one in answer.json()["models"]]


async def test_a_search_that_makes_no_sense_is_refused(asking: httpx.AsyncClient) -> None:
    for params in ({}, {"q": ""}, {"q": "x", "format": "zip"}, {"q": "x", "limit": "0"}):
        answer = await asking.get("/ingle/search", params=params)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), params


async def test_the_doctor_tells_findings_with_their_gravest_level(asking: httpx.AsyncClient) -> None:
    told = (await asking.get("/ingle/doctor")).json()
    checks = {finding["check"] for finding in told["findings"]}
    assert {"python", "engine", "accelerator", "endpoint"} <= checks
    assert told["level"] in ("ok", "note", "warning", "problem")
    offline = (await asking.get("/ingle/doctor", params={"offline": True})).json()
    assert "endpoint" not in {finding["check"] for finding in offline["findings"]}


async def test_nothing_is_outdated_in_an_empty_cache(asking: httpx.AsyncClient) -> None:
    assert (await asking.get("/ingle/outdated")).json() == {"models": []}


async def test_a_hub_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    world = World(tmp_path)
    config: Config = msgspec.structs.replace(make_config(tmp_path), offline=True)
    async with world.runtime() as runtime, asgi_client(create_app(runtime, config)) as client:
        answer = await client.get("/ingle/search", params={"q": "tiny"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "offline")
