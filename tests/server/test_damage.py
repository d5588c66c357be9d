"""A model whose files are known to be damaged answers over HTTP as on the command line: with the word beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ingle.client.chat import Gathering
from ingle.client.views import Line
from ingle.errors import DigestMismatch
from tests.runtime.fakes import World

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
DAMAGE = DigestMismatch(Path("/models/größe.gguf"), "aa", "bb")
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
SAID = r"org/tiny is damaged. /models/gr\xf6\xdfe.gguf is damaged: its digest is bb, it should be aa."
HEADED: list[tuple[str, dict[str, Any]]] = [
    ("/load", {"model_path": MODEL}),
    ("/warm", {"model_path": MODEL}),
    ("/generate", {"prompt": "Hi"}),
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", CHAT | {"stream": True}),
    ("/v1/completions", {"model": MODEL, "prompt": "Hi"}),
    ("/v1/completions", {"model": MODEL, "prompt": "Hi", "stream": True}),
]


def damage(world: World) -> None:
    """As a check by whatever process found it."""
    (snapshot,) = world.store.scan()
    world.check.found[str(snapshot.path)] = DAMAGE


@pytest.mark.parametrize(("path", "body"), HEADED)
async def test_contracts_without_a_place_for_it_say_it_in_a_header(
    client: httpx.AsyncClient, world: World, path: str, body: dict[str, Any]
) -> None:
    await client.post("/load", json={"model_path": MODEL})
    whole = await client.post(path, json=body)
    assert whole.status_code == 200 and "Ingle-Warning" not in whole.headers
    damage(world)
    told = await client.post(path, json=body)
    assert told.status_code == 200
    assert told.headers["Ingle-Warning"].startswith(SAID)
    assert set(told.json() if "stream" not in body else ()) == set(
        whole.json() if "stream" not in body else ()
    )


async def test_the_native_answer_says_it_before_the_first_word(
    client: httpx.AsyncClient, world: World
) -> None:
    asked = {"model": MODEL, "prompt": "Hi"}
    lines = (await client.post("/ingle/generate", json=asked)).text.splitlines()
    assert "damage" not in json.loads(lines[1])["ready"]
    damage(world)
    lines = (await client.post("/ingle/generate", json=asked)).text.splitlines()
    (ready,) = [found["ready"] for line in lines if (found := json.loads(line)).get("ready")]
    assert ready["damage"]["code"] == "digest_mismatch"
    assert list(json.loads(lines[1])) == ["chunk"]


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/text", "/process"])
async def test_so_does_a_text_tool_in_its_result(client: httpx.AsyncClient, world: World, path: str) -> None:
    asked = {"text": "Teh cat.", "model": MODEL}
    asked |= {"tool": "proofread"} if path == "/text" else {"prompt": "Correct: ${output}"}
    assert (await client.post(path, json=asked)).json()["damage"] is None
    damage(world)
    assert (await client.post(path, json=asked)).json()["damage"]["code"] == "digest_mismatch"


async def test_a_load_shows_it(client: httpx.AsyncClient, world: World) -> None:
    damage(world)
    view = (await client.post("/ingle/load", json={"model": MODEL})).json()
    assert view["damaged"] and view["last_error"]["code"] == "digest_mismatch"


def test_python_is_told_beside_the_answer() -> None:
    gathering = Gathering()
    engine = {"name": "fake"}
    ready = {"model": MODEL, "engine": engine, "damage": DAMAGE.to_dict()}
    gathering.take(msgspec.convert({"ready": ready}, Line))
    gathering.take(msgspec.convert({"done": {}}, Line))
    assert gathering.answer.damage is not None and gathering.answer.damage["code"] == "digest_mismatch"
