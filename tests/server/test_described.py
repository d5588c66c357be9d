"""The description states the answer of every route, and the real routes answer so.

All tests of this room ask through a client that holds each answer against the description (`conftest.client`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from ingle.catalog.model import ModelRef
from ingle.errors import DigestMismatch, HubUnreachable
from ingle.generation import Chunk, FinishReason, TokenLogprob, Usage
from ingle.hub.health.finding import Fix, ok, problem
from ingle.hub.outdated import Outdated
from ingle.server import described
from ingle.server.app import create_app
from tests.fakes.hub import FakeHub
from tests.runtime.fakes import World, make_config
from tests.server.conftest import asgi_client, serving
from tests.server.schemas import Description, faults

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "logprobs": True}
PLAIN = {"model": MODEL, "prompt": "Hi", "logprobs": 2}
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
TEXT = {"tool": "proofread", "text": "Teh cat sat.", "model": MODEL}
TOUR: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/ingle/pull", {"model": "org/new"}),
    ("POST", "/ingle/pull", {"model": "org/newer", "stream": False}),
    ("POST", "/ingle/retry", {"model": "org/new"}),
    ("POST", "/ingle/retry", {"model": "org/new", "stream": False}),
    ("POST", "/ingle/cancel", {"model": "org/new"}),
    ("POST", "/ingle/verify", {"model": MODEL}),
    ("POST", "/ingle/repair", {"model": MODEL}),
    ("POST", "/ingle/load", {"model": MODEL}),
    ("GET", "/ingle/models", None),
    ("GET", "/ingle/ps", None),
    ("GET", f"/ingle/show?model={MODEL}", None),
    ("GET", "/ingle/status", None),
    ("POST", "/ingle/generate", {"model": MODEL, "prompt": "Hi"}),
    ("POST", "/load", {"model_path": MODEL}),
    ("POST", "/warm", {"model_path": MODEL}),
    ("POST", "/generate", {"prompt": "Hi"}),
    ("GET", "/status", None),
    ("POST", "/v1/chat/completions", CHAT),
    ("POST", "/v1/chat/completions", CHAT | STREAMED),
    ("POST", "/v1/completions", PLAIN),
    ("POST", "/v1/completions", PLAIN | STREAMED),
    ("GET", "/v1/models", None),
    ("GET", f"/v1/models/{MODEL}", None),
    ("GET", "/metrics", None),
    ("GET", "/text/tools", None),
    ("POST", "/text", TEXT),
    ("POST", "/text", TEXT | {"stream": True}),
    ("POST", "/process", {"prompt": "Mend: ${output}", "text": "Teh cat sat.", "model": MODEL}),
    ("POST", "/shell/check", {"command": "rm -rf /"}),
    ("POST", "/unload", None),
    ("POST", "/ingle/unload", {"model": MODEL}),
    ("POST", "/ingle/delete", {"model": MODEL}),
]
ASKED_BESIDE = {"/events", "/ingle/search", "/ingle/outdated", "/ingle/doctor"}


def test_every_route_states_an_answer_and_every_stated_answer_is_of_a_route(description: Description) -> None:
    stated = description.stated()
    routes = {(method.upper(), path) for path, methods in description.paths.items() for method in methods}
    assert {(method, path) for method, path, _, _ in stated} == routes
    assert set(described.ROUTES) == {f"{method} {path}" for method, path in routes}
    for method, path, status, media in stated:
        schema = description.paths[path][method.lower()]["responses"][status]["content"][media]["schema"]
        assert schema and schema != {"type": "object"}, (method, path, media)


def test_streams_and_plain_text_are_stated_as_what_they_are(description: Description) -> None:
    media = {path: media for _, path, _, media in description.stated()}
    assert (media["/events"], media["/metrics"]) == ("text/event-stream", "text/plain")
    assert ("POST", "/ingle/pull", "202", "application/json") in description.stated()
    assert ("POST", "/ingle/generate", "200", "application/x-ndjson") in description.stated()


def test_every_way_to_fail_has_the_shape_of_its_routes(description: Description) -> None:
    for path, methods in description.paths.items():
        for route in methods.values():
            for status in ("4XX", "5XX"):
                (schema,) = (one["schema"] for one in route["responses"][status]["content"].values())
                assert schema["$ref"].endswith("/OpenAIError" if path.startswith("/v1/") else "/ErrorAnswer")


def test_every_field_and_parameter_says_what_it_means(description: Description) -> None:
    for name, schema in description.components.items():
        for field, kind in schema.get("properties", {}).items():
            assert kind.get("description"), (name, field)
        if "enum" in schema:
            assert "description" not in schema, name
    for path, methods in description.paths.items():
        for route in methods.values():
            assert all(one.get("description") for one in route.get("parameters", ())), path


def test_no_word_is_written_for_what_is_not_there(description: Description) -> None:
    words = tomllib.loads((files("ingle.server") / "words.toml").read_text(encoding="utf-8"))
    fields = {name: set(one.get("properties", {})) for name, one in description.components.items()}
    used = {
        *(field for own in fields.values() for field in own),
        *(
            one["name"]
            for path in description.paths.values()
            for r in path.values()
            for one in r.get("parameters", ())
        ),
    }
    assert set(words.pop("fields")) - used == set()
    assert set(words.pop("objects")) - set(fields) == set()
    for name, own in words.items():
        assert set(own) - fields[name] == set(), name


async def test_every_route_answers_in_each_way_that_is_stated(
    client: httpx.AsyncClient, world: World, app: FastAPI
) -> None:
    description = Description(app.openapi())
    odds = (TokenLogprob(token="Yes", logprob=-0.5, top=(("Yes", -0.5), ("No", -1.0))),)
    usage = Usage(prompt_tokens=9, completion_tokens=4)
    world.chunks = (
        Chunk(text="Yes", reasoning="Hm.", logprobs=odds, tokens=1),
        Chunk(finish_reason=FinishReason.STOP, usage=usage),
    )
    (snapshot,) = world.store.scan()
    world.check.found[str(snapshot.path)] = DigestMismatch(Path("/models/a.gguf"), "aa", "bb")
    for method, path, body in TOUR:
        if path == "/ingle/retry":
            world.pull.errors.append(HubUnreachable("The hub does not answer."))
            await client.post("/ingle/pull", json=body)
        answer = await client.request(method, path, json=body) if body else await client.request(method, path)
        assert answer.is_success, (path, answer.text)
        assert description.faults(answer) == []
    missed = {way for way in description.stated() - description.seen if way[1] not in ASKED_BESIDE}
    assert missed == set()


async def test_each_event_is_as_the_description_has_it(app: FastAPI, world: World) -> None:
    description = Description(app.openapi())
    told = description.paths["/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    world.pull.errors.append(HubUnreachable("The hub does not answer."))
    kinds = set()
    async with serving(app) as server, server.stream("GET", "/events") as answer:
        for path, body in (
            ("/ingle/pull", {"model": "org/bad"}),
            ("/ingle/pull", {"model": "org/new"}),
            ("/ingle/load", {"model": "org/new"}),
            ("/ingle/unload", {"model": "org/new"}),
        ):
            await server.post(path, json=body)
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                assert faults(event, told, description.components) == []
                kinds.add(event["event"])
                if event["event"] == "unloaded":
                    break
    assert kinds >= {"download_started", "download_completed", "loading_completed", "unloaded", "error"}


async def test_what_looks_further_than_this_machine_answers_as_stated(tmp_path: Path) -> None:
    world = World(tmp_path)
    with FakeHub() as hub:
        hub.add_repo("org/tiny-model", {"config.json": b"{}", "model.safetensors": b"x" * 100})
        config = msgspec.structs.replace(make_config(tmp_path), endpoints=(hub.url,), unknown=("INGLE_X",))
        async with world.runtime() as runtime:
            app = create_app(runtime, config)
            description = Description(app.openapi())
            async with asgi_client(app) as client:
                for path in ("/ingle/search?q=tiny", "/ingle/outdated", "/ingle/doctor"):
                    answer = await client.get(path)
                    assert answer.is_success and description.faults(answer) == []
    assert {path for _, path, _, _ in description.seen} == ASKED_BESIDE - {"/events"}


def test_a_model_that_is_outdated_and_a_finding_travel_as_stated(description: Description) -> None:
    behind = Outdated(ref=ModelRef(name="a", path=Path("/a")), commit="c", newest="d", changed=("f",))
    bad = problem("cache", says="a", means="b", command="c", fix=Fix.MAKE_CACHE)
    for value, name in ((behind, "OutdatedModel"), (ok("x", "y"), "HealthFinding"), (bad, "HealthFinding")):
        wire = json.loads(msgspec.json.encode(value, enc_hook=str))
        assert faults(wire, description.components[name], description.components) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"status": "loaded"}, "model_path is missing"),
        ({"status": "loaded", "model_path": 1}, "1 is no string"),
        ({"status": "lost", "model_path": "a"}, "'lost' is none of"),
        ({"status": "loaded", "model_path": "a", "more": 1}, "more is not described"),
        (["loaded"], "is no object"),
    ],
)
def test_an_answer_of_another_shape_would_be_noticed(
    description: Description, value: object, said: str
) -> None:
    (fault,) = faults(value, description.components["LoadAnswer"], description.components)
    assert said in fault


def test_the_daemon_starts_without_the_description() -> None:
    code = (
        "import sys; from ingle.config import load_config; from ingle.server.app import create_app\n"
        "app = create_app(None, load_config())\n"
        "print([name for name in sys.modules if name.startswith('ingle.server.') and name.endswith(('answers', 'described'))])\n"
        "app.openapi(); print('ingle.server.described' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
