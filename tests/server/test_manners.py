"""Small things that programs rely on: what a refusal says in its headers, and which model is warmed where none is named."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from ingle.server.app import create_app
from tests.runtime.fakes import World, make_snapshot
from tests.server.conftest import asgi_client


@pytest.mark.slow
async def test_a_refusal_for_want_of_a_token_says_which_kind_is_wanted(world: World) -> None:
    async with world.runtime() as runtime:
        app = create_app(runtime, world.config, token="secret")
        async with asgi_client(app) as client:
            refused = await client.get("/status")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")


async def test_warming_no_model_in_particular_warms_the_one_that_is_here(client: httpx.AsyncClient) -> None:
    answer = await client.post("/warm")
    assert (answer.status_code, answer.json()["model_path"]) == (200, "org/tiny")


async def test_where_several_could_be_meant_they_are_named(
    client: httpx.AsyncClient, world: World, tmp_path: Path
) -> None:
    world.store.put(make_snapshot("org/other", tmp_path))
    answer = await client.post("/warm")
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["models"] == ["org/tiny", "org/other"]
