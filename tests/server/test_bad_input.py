"""Whatever is wrong with a request: a typed error, its status, and nothing left half-done."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from ingle.catalog.model import ModelRef, Snapshot
from ingle.config import load_config
from ingle.errors import DiskFull, IngleError, NoPermission, PromptTooLong, http_status
from ingle.runtime.runtime import Runtime
from ingle.server.app import create_app
from tests.runtime.fakes import FakeStore, World
from tests.server.conftest import asgi_client

pytestmark = pytest.mark.slow

MODEL = "org/tiny"


def error_of(answer: httpx.Response) -> dict[str, object]:
    error: dict[str, object] = answer.json()["error"]
    assert error["message"]
    return error


HUGE = 10**30
UNKNOWN = [
    ("/load", {"model_path": MODEL, "modle": 1}, "modle"),
    ("/generate", {"prompt": "x", "max_token": 5}, "max_token"),
    ("/ingle/load", {"model": MODEL, "keepalive": 5}, "keepalive"),
    ("/ingle/pull", {"model": MODEL, "force": True}, "force"),
    ("/ingle/generate", {"prompt": "x", "temperature": 1.0}, "temperature"),
    ("/ingle/generate", {"prompt": "x", "sampling": {"topp": 1.0}}, "sampling.topp"),
]
WRONG = [
    ("/load", {}),
    ("/ingle/load", {"model": MODEL, "template": ""}),
    ("/ingle/generate", {"messages": [{"role": "user", "content": "x"}], "template": ""}),
    ("/load", {"model_path": 5}),
    ("/load", {"model_path": ""}),
    ("/generate", {"prompt": ["x"]}),
    ("/generate", {"prompt": "x", "max_tokens": "150"}),
    ("/generate", {"prompt": "x", "max_tokens": 0}),
    ("/generate", {"prompt": "x", "max_tokens": 1.5}),
    ("/generate", {"prompt": "x", "max_tokens": HUGE}),
    ("/ingle/generate", {"prompt": "x", "max_tokens": HUGE}),
    ("/ingle/generate", {"prompt": "x", "sampling": {"top_k": HUGE}}),
    ("/ingle/generate", {"prompt": "x", "sampling": {"logit_bias": {str(HUGE): 1.0}}}),
    ("/ingle/pull", {"model": MODEL, "limit_rate": HUGE}),
    ("/generate", {"prompt": "x", "temperature": -1}),
    ("/generate", {"prompt": "x", "temperature": True}),
    ("/ingle/generate", {}),
    ("/ingle/generate", {"prompt": "x", "messages": [{"role": "user", "content": "x"}]}),
    ("/ingle/generate", {"messages": []}),
    ("/ingle/generate", {"messages": [{"role": "oracle", "content": "x"}]}),
    ("/ingle/generate", {"prompt": "x", "sampling": {"logit_bias": {"word": 1.0}}}),
]


async def test_unknown_fields_are_refused_by_name(client: httpx.AsyncClient, world: World) -> None:
    for path, body, field in UNKNOWN:
        answer = await client.post(path, json=body)
        error = error_of(answer)
        assert (answer.status_code, error["code"]) == (400, "invalid_request")
        assert error["details"] == {"field": field, "unknown": [field]}
        assert field in str(error["message"])
    assert world.workers == []


async def test_what_is_no_json_object_is_refused(client: httpx.AsyncClient) -> None:
    for path in ("/load", "/generate", "/ingle/generate", "/ingle/delete"):
        for body in (b"{", b"", b"[1]", b'"x"', b"\xff\xfe", b"null", b"[" * 100_000):
            answer = await client.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 400, (path, body[:10])
            assert error_of(answer)["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (None, "without a Content-Type"),
        ("application/x-www-form-urlencoded", "as application/x-www-form-urlencoded"),  # what `curl -d` says
        ("text/plain;charset=UTF-8", "as text/plain"),
        ("text/json", "as text/json"),
    ],
)
@pytest.mark.parametrize("path", ["/load", "/warm", "/ingle/generate", "/v1/chat/completions", "/text"])
async def test_a_body_that_does_not_say_it_is_json_is_told_how_to(
    client: httpx.AsyncClient, path: str, kind: str | None, named: str
) -> None:
    headers = {"content-type": kind} if kind else {}
    answer = await client.post(path, content=b'{"model_path": "org/tiny"}', headers=headers)
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert error["details"] == {"field": "Content-Type"}
    said = f"{error['message']} {error.get('hint')}"
    assert named in said
    assert "Content-Type: application/json" in said


@pytest.mark.parametrize(
    ("body", "said"), [(b"[1]", "is no JSON object"), (b'"x"', "is no JSON object"), (b"", "is missing")]
)
async def test_a_body_that_is_no_object_is_said_to_be_none(
    client: httpx.AsyncClient, body: bytes, said: str
) -> None:
    answer = await client.post("/load", content=body, headers={"content-type": "application/json"})
    error = error_of(answer)
    assert error["message"] == f"The request is wrong: the body {said}."
    assert error["details"] == {"field": "the body"}


@pytest.mark.parametrize(
    "kind", ["Application/JSON", "application/json ; charset=utf-8", "application/x+json"]
)
async def test_however_json_is_said_to_be_json_what_is_wrong_is_the_body(
    client: httpx.AsyncClient, kind: str
) -> None:
    answer = await client.post("/load", content=b"[1]", headers={"content-type": kind})
    assert error_of(answer)["message"] == "The request is wrong: the body is no JSON object."


async def test_json_that_does_not_parse_is_placed_by_its_character(client: httpx.AsyncClient) -> None:
    answer = await client.post("/load", content=b'{"a": ', headers={"content-type": "application/json"})
    assert error_of(answer)["details"] == {"field": "the body", "character": 6}


async def test_wrong_types_and_values_are_refused(client: httpx.AsyncClient, world: World) -> None:
    for path, body in WRONG:
        answer = await client.post(path, json=body)
        assert answer.status_code == 400, (path, body, answer.text)
        assert error_of(answer)["code"] == "invalid_request"
    assert world.workers == []


async def test_numbers_that_are_none_are_refused(client: httpx.AsyncClient, world: World) -> None:
    for word in (b"NaN", b"Infinity", b"1e999"):
        body = b'{"model_path": "%s", "keep_alive": %s}' % (MODEL.encode(), word)
        answer = await client.post("/load", content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_request"), word
    assert world.workers == []


async def test_half_a_character_is_refused(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/load", json={"model_path": MODEL})
    for path, body in (
        ("/generate", rb'{"prompt": "a\udfffb"}'),
        ("/text", rb'{"tool": "proofread", "text": "\ud800"}'),
        ("/ingle/generate", rb'{"messages": [{"role": "user", "content": "\ud800"}]}'),
        ("/v1/chat/completions", rb'{"model": "x/y", "messages": [{"role": "user", "content": "\ud800"}]}'),
    ):
        answer = await client.post(path, content=body, headers={"content-type": "application/json"})
        assert (answer.status_code, error_of(answer)["code"]) == (400, "invalid_request"), path
    assert world.workers[0].asked == []
    typed = {"content-type": "application/json"}
    judged = await client.post("/shell/check", content=rb'{"command": "ls \ud800"}', headers=typed)
    assert judged.json()["level"] == "high"
    pair = rb'{"prompt": "\ud83d\ude00"}'
    whole = await client.post("/generate", content=pair, headers=typed)
    assert whole.status_code == 200


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("nonsense", 404, "model_not_found"),
        ("/no/such/file.gguf", 404, "file_missing"),
        ("/" + 300 * "x", 404, "file_missing"),
        ("org/absent", 409, "not_downloaded"),
        ("../../etc/passwd\x00", 400, "invalid_request"),
    ],
)
async def test_models_that_cannot_be_loaded_say_why(
    client: httpx.AsyncClient, name: str, status: int, code: str
) -> None:
    for path, body in (
        ("/load", {"model_path": name}),
        ("/ingle/load", {"model": name}),
        ("/ingle/generate", {"model": name, "prompt": "x"}),
    ):
        answer = await client.post(path, json=body)
        assert (answer.status_code, error_of(answer)["code"]) == (status, code), path


async def test_an_over_long_prompt_is_refused_with_the_numbers(
    client: httpx.AsyncClient, world: World
) -> None:
    world.answer_error = PromptTooLong(5000, 4096)
    await client.post("/load", json={"model_path": MODEL})
    answer = await client.post("/generate", json={"prompt": "x"})
    assert answer.status_code == 400
    assert error_of(answer)["details"] == {"tokens": 5000, "limit": 4096}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DiskFull("/cache", 100, 5), 507),
        (NoPermission("/cache", "write in"), 403),
    ],
)
async def test_a_pull_that_the_disk_refuses_says_so_and_can_be_retried(
    client: httpx.AsyncClient, world: World, error: IngleError, status: int
) -> None:
    world.pull.errors.append(error)
    answer = await client.post("/ingle/pull", json={"model": "org/new"})
    last = answer.text.strip().splitlines()[-1]
    assert error.code in last
    view = (await client.get("/ingle/show", params={"model": "org/new"})).json()
    assert view["last_error"]["code"] == error.code
    assert view["actions"] == ["pull", "retry"]
    assert http_status(error) == status


async def test_a_corrupt_gguf_is_refused_by_the_real_store_and_starts_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x03\x00\x00\x00" + b"\xff" * 64)
    config = load_config({"HOME": str(tmp_path), "INGLE_HOME": str(tmp_path / "home")})
    async with Runtime(config) as runtime, asgi_client(create_app(runtime, config)) as client:
        answer = await client.post("/load", json={"model_path": str(broken)})
        assert (answer.status_code, error_of(answer)["code"]) == (422, "malformed_model")
        status = (await client.get("/status")).json()
        assert status == {"status": "running", "model_loaded": False, "model_path": None}
        assert not runtime.busy


async def test_a_route_that_is_not_there_and_a_wrong_method_are_typed(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nowhere")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    wrong = await client.get("/load")
    assert (wrong.status_code, error_of(wrong)["code"]) == (405, "invalid_request")


class BrokenStore(FakeStore):
    """A store with a defect."""

    def require(self, ref: ModelRef) -> Snapshot:
        raise ZeroDivisionError("secret detail")


async def test_a_defect_of_our_own_tells_nothing_of_the_inside(world: World) -> None:
    async with (
        world.runtime(store=BrokenStore()) as runtime,
        asgi_client(create_app(runtime, world.config)) as client,
    ):
        answer = await client.post("/load", json={"model_path": MODEL})
        assert answer.status_code == 500
        assert error_of(answer)["code"] == "error"
        assert "secret" not in answer.text
