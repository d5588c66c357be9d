"""What is wrong with a body is said in Ingle's own words, with the field as the request named it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from ingle.errors import IngleError, InvalidRequest, NoChatTemplate, OutOfMemory, PromptTooLong
from ingle.server.native_schema import GenerateBody, LoadBody, PullBody
from ingle.server.openai_schema import ChatRequest
from ingle.server.schema import Body
from ingle.server.wrong import invalid
from tests.runtime.fakes import World, make_snapshot

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
SAID: list[tuple[type[Body], dict[str, Any], str, str]] = [
    (ChatRequest, CHAT | {"messages": []}, "messages", "messages must not be empty"),
    (ChatRequest, CHAT | {"messages": "x"}, "messages", "messages must be a list"),
    (ChatRequest, CHAT | {"messages": [1]}, "messages.0", "messages.0 must be an object"),
    (
        ChatRequest,
        CHAT | {"messages": [{"role": "x", "content": "Hi"}]},
        "messages.0.role",
        "messages.0.role must be 'system', 'developer', 'user', 'assistant' or 'tool'",
    ),
    (ChatRequest, CHAT | {"stop": 5}, "stop", "stop must be text or a list"),
    (ChatRequest, CHAT | {"n": 0}, "n", "n must be at least 1"),
    (ChatRequest, CHAT | {"n": 99}, "n", "n must be at most 16"),
    (ChatRequest, CHAT | {"n": 1.5}, "n", "n must be a whole number"),
    (ChatRequest, CHAT | {"seed": 2**40}, "seed", "seed must be less than 4294967296"),
    (ChatRequest, CHAT | {"top_p": 0}, "top_p", "top_p must be more than 0"),
    (ChatRequest, CHAT | {"temperature": "warm"}, "temperature", "temperature must be a number"),
    (
        ChatRequest,
        CHAT | {"temperature": float("inf")},
        "temperature",
        "temperature must be a finite number",
    ),
    (ChatRequest, CHAT | {"stream": 1}, "stream", "stream must be true or false"),
    (ChatRequest, CHAT | {"logit_bias": {"word": 1}}, "logit_bias.word", "must match ^[0-9]{1,9}$"),
    (ChatRequest, CHAT | {"tool_choice": "x"}, "tool_choice", "'required' or an object"),
    (
        ChatRequest,
        CHAT | {"stream_options": {"include_obfuscation": True}},
        "stream_options.include_obfuscation",
        "stream_options.include_obfuscation must be false",
    ),
    (
        ChatRequest,
        CHAT | {"messages": [{"role": "assistant", "refusal": "no", "annotations": [None]}]},
        "messages.0.refusal",
        "messages.0.refusal must be null; messages.0.annotations must be empty",
    ),
    (LoadBody, {"model": ""}, "model", "model must not be empty"),
    (LoadBody, {"model": "m" * 5000}, "model", "model must have at most 4096 characters"),
    (LoadBody, {"context": 5}, "context", "context must be at least 16"),
    (GenerateBody, {"prompt": "x", "stop": ["a"] * 17}, "stop", "stop must have at most 16 entries"),
    (GenerateBody, {"prompt": ["x"]}, "prompt", "prompt must be text"),
    (PullBody, {}, "model", "model is missing"),
    (PullBody, {"model": "m", "str": 1}, "str", "there is no field str"),
    (ChatRequest, CHAT | {"ChatRequest": 1}, "ChatRequest", "there is no field ChatRequest"),
    (PullBody, {"model": "m", "force": True}, "force", "there is no field force"),
]


@pytest.mark.parametrize(("kind", "body", "field", "said"), SAID)
def test_what_is_wrong_is_said_in_one_sentence_of_our_own(
    kind: type[Body], body: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(body)
    error = invalid(caught.value.errors())
    assert isinstance(error, InvalidRequest)
    assert said in error.message and error.details["field"] == field
    assert not any(word in error.message for word in ("nput", "valid ", "validation", "ictionary", "String"))


async def test_a_wrong_method_is_named_with_those_that_are_right(client: httpx.AsyncClient) -> None:
    said = (await client.get("/v1/chat/completions")).json()["error"]["message"]
    assert said.startswith("/v1/chat/completions takes no GET, only POST.")
    said = (await client.post("/ingle/ps")).json()["error"]["message"]
    assert said == "/ingle/ps takes no POST, only GET and HEAD."


async def test_who_sends_requests_is_not_told_of_the_options_of_commands(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/chat/completions", json=CHAT | {"stream_options": {}})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "stream_options needs stream: true. /docs lists what is accepted."
    )


@pytest.mark.parametrize("error", [PromptTooLong(5, 4), NoChatTemplate("m"), OutOfMemory("m is too large.")])
def test_errors_of_a_request_name_no_option_of_a_command(error: IngleError) -> None:
    """They reach apps and editors as well, which have fields and no options; a whole command anybody can type."""
    assert " --" not in re.sub("`ingle [^`]*`", "", error.hint)


async def test_v1_without_a_model_asks_the_one_that_is_here_and_says_which(
    client: httpx.AsyncClient, world: World
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v1/chat/completions", {"messages": CHAT["messages"]}),
        ("/v1/completions", {"prompt": "Hi"}),
        ("/v1/completions", {"prompt": "Hi", "model": None}),
    ]
    for path, body in asked:
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["model"]) == (200, "org/tiny")
        streamed = (await client.post(path, json=body | {"stream": True})).text
        assert '"model":"org/tiny"' in streamed and "[DONE]" in streamed
    world.store.put(make_snapshot("org/other", world.folder))
    refused = (await client.post("/v1/completions", json={"prompt": "Hi"})).json()["error"]
    assert refused["type"] == "invalid_request_error" and refused["param"] == "model"
    assert "org/tiny" in refused["message"] and "org/other" in refused["message"]
