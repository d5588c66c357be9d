"""OpenAI's routes: the shapes of answers, deltas, usage, errors."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ingle.catalog.model import DiskState
from ingle.errors import GenerationFailed, PromptTooLong, Unsupported
from ingle.generation import (
    CallPart,
    Chunk,
    FinishReason,
    SamplingParams,
    TokenLogprob,
    Usage,
)
from tests.runtime.fakes import World, make_snapshot

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
END = Chunk(
    finish_reason=FinishReason.STOP,
    usage=Usage(prompt_tokens=7, completion_tokens=3, cached_tokens=2, reasoning_tokens=1),
)


def frames(answer: httpx.Response) -> list[Any]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    data = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    return [json.loads(one) for one in data[:-1]]


async def test_a_whole_answer_has_openais_shape(client: httpx.AsyncClient) -> None:
    body = (await client.post(CHAT, json=ASK)).json()
    assert body["object"] == "chat.completion" and body["id"].startswith("chatcmpl-")
    assert body["model"] == MODEL and isinstance(body["created"], int)
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "one two three"},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    assert body["usage"] == {
        "prompt_tokens": 2,
        "completion_tokens": 3,
        "total_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }


async def test_a_streamed_answer_has_a_role_deltas_one_end_and_usage_when_asked(
    client: httpx.AsyncClient,
) -> None:
    asked = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
    told = frames(await client.post(CHAT, json=asked))
    assert {frame["object"] for frame in told} == {"chat.completion.chunk"}
    assert len({frame["id"] for frame in told}) == 1
    deltas = [frame["choices"][0] for frame in told[:-1]]
    assert deltas[0]["delta"]["role"] == "assistant"
    assert all("role" not in choice["delta"] for choice in deltas[1:])
    assert "".join(choice["delta"].get("content", "") for choice in deltas) == "one two three"
    assert [choice["finish_reason"] for choice in deltas] == [None, None, None, "stop"]
    assert all(frame["usage"] is None for frame in told[:-1])
    assert told[-1]["choices"] == [] and told[-1]["usage"]["total_tokens"] == 5


async def test_without_stream_options_no_usage_is_streamed(client: httpx.AsyncClient) -> None:
    told = frames(await client.post(CHAT, json={**ASK, "stream": True}))
    assert all("usage" not in frame for frame in told)


async def test_several_choices_keep_their_order(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (
        Chunk(index=1, text="b"),
        Chunk(index=0, text="a"),
        Chunk(index=1, finish_reason=FinishReason.LENGTH),
        END,
    )
    body = (await client.post(CHAT, json={**ASK, "n": 2})).json()
    assert [choice["message"]["content"] for choice in body["choices"]] == ["a", "b"]
    assert [choice["finish_reason"] for choice in body["choices"]] == ["stop", "length"]


async def test_tool_calls_and_reasoning_are_told_whole_and_streamed(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (
        Chunk(reasoning="hm"),
        Chunk(tool_calls=(CallPart(index=0, id="call_1", name="f", arguments='{"a'),)),
        Chunk(tool_calls=(CallPart(index=0, arguments='":'),)),
        Chunk(
            tool_calls=(
                CallPart(index=0, arguments="1}"),
                CallPart(index=1, id="call_2", name="g", arguments="{}"),
            )
        ),
        Chunk(finish_reason=FinishReason.TOOL_CALLS),
        Chunk(usage=END.usage),
    )
    tool = {"type": "function", "function": {"name": "f"}}
    whole = (await client.post(CHAT, json={**ASK, "tools": [tool]})).json()["choices"][0]
    assert whole["message"]["content"] is None and whole["message"]["reasoning_content"] == "hm"
    assert whole["message"]["tool_calls"] == [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert whole["finish_reason"] == "tool_calls"
    told = frames(await client.post(CHAT, json={**ASK, "tools": [tool], "stream": True}))
    calls = [call for frame in told for call in frame["choices"][0]["delta"].get("tool_calls", [])]
    assert calls == [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}},
        {"index": 0, "function": {"arguments": '":'}},
        {"index": 0, "function": {"arguments": "1}"}},
        {"index": 1, "id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


async def test_logprobs_that_come_behind_their_text_are_streamed_too(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (
        Chunk(text="a"),
        Chunk(logprobs=(TokenLogprob(token="a", logprob=-0.5),)),
        Chunk(finish_reason=FinishReason.STOP),
        Chunk(usage=END.usage),
    )
    told = frames(await client.post(CHAT, json={**ASK, "logprobs": True, "stream": True}))
    entries = [frame["choices"][0]["logprobs"] for frame in told]
    assert [entry["content"][0]["token"] for entry in entries if entry] == ["a"]


async def test_logprobs_have_openais_shape(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (
        Chunk(text="é", logprobs=(TokenLogprob(token="é", logprob=-0.5, top=(("e", -1.0),)),)),
        END,
    )
    asked = {**ASK, "logprobs": True, "top_logprobs": 1}
    choice = (await client.post(CHAT, json=asked)).json()["choices"][0]
    assert choice["logprobs"]["content"] == [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [{"token": "e", "logprob": -1.0, "bytes": [101]}],
        }
    ]


async def test_plain_completions_need_no_template(client: httpx.AsyncClient, world: World) -> None:
    asked = {"model": MODEL, "prompt": "Once", "max_tokens": 5}
    body = (await client.post("/v1/completions", json=asked)).json()
    assert body["object"] == "text_completion"
    assert body["choices"][0]["text"] == "one two three"
    assert world.workers[0].asked[0].prompt == "Once"
    told = frames(await client.post("/v1/completions", json={**asked, "stream": True}))
    assert "".join(frame["choices"][0]["text"] for frame in told) == "one two three"
    assert {frame["object"] for frame in told} == {"text_completion"}


async def test_logprobs_of_plain_completions_have_openais_older_shape(
    client: httpx.AsyncClient, world: World
) -> None:
    first, second = (
        TokenLogprob(token="On", logprob=-0.5, top=(("In", -1.0),)),
        TokenLogprob(token="ce", logprob=0),
    )
    world.chunks = (Chunk(text="On", logprobs=(first,)), Chunk(text="ce", logprobs=(second,)), END)
    asked = {"model": MODEL, "prompt": "x", "logprobs": 1}
    whole = (await client.post("/v1/completions", json=asked)).json()["choices"][0]["logprobs"]
    assert whole == {
        "tokens": ["On", "ce"],
        "token_logprobs": [-0.5, 0],
        "top_logprobs": [{"In": -1.0}, {}],
        "text_offset": [0, 2],
    }
    assert world.workers[0].asked[0].sampling == SamplingParams(logprobs=True, top_logprobs=1)
    told = frames(await client.post("/v1/completions", json={**asked, "stream": True}))
    parts = [frame["choices"][0]["logprobs"] for frame in told]
    assert [part["text_offset"] for part in parts if part] == [[0], [2]]


async def test_a_loop_that_was_asked_to_be_stopped_is_told_as_one(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (Chunk(text="ha", finish_reason=FinishReason.LOOP), Chunk(usage=END.usage))
    body = (await client.post(CHAT, json={**ASK, "stop_on_loop": True})).json()
    assert body["choices"][0]["finish_reason"] == "loop"
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


async def test_the_models_are_those_that_are_here_and_whole(client: httpx.AsyncClient, world: World) -> None:
    world.store.put(make_snapshot("org/half", world.folder, state=DiskState.PARTIAL, missing=("x",)))
    body = (await client.get("/v1/models")).json()
    assert body["object"] == "list"
    assert body["data"] == [{"id": MODEL, "object": "model", "created": 0, "owned_by": "org"}]


async def test_one_model_is_shown_by_its_id_and_one_that_is_not_here_is_a_404(
    client: httpx.AsyncClient,
) -> None:
    found = await client.get(f"/v1/models/{MODEL}")
    assert found.json() == {"id": MODEL, "object": "model", "created": 0, "owned_by": "org"}
    assert (await client.get("/v1/models/org%2Ftiny")).json() == found.json()
    for absent in ("org/absent", "gpt-4"):
        missing = await client.get(f"/v1/models/{absent}")
        error = missing.json()["error"]
        assert (missing.status_code, error["code"]) == (404, "model_not_found")
        assert error["type"] == "invalid_request_error" and error["details"]["model"] == absent


async def test_what_a_message_may_hold_is_told_in_a_sentence_without_the_names_of_our_types(
    client: httpx.AsyncClient,
) -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    for content, said in (
        ([image], "messages.0.content: images are not taken here, only text."),
        ([{"type": "text"}], "only parts like"),
        (5, "messages.0.content: it must be text, or a list of text parts."),
        ([{"type": "text", "text": "x", "mood": 1}], "there is no field messages.0.content.0.mood"),
    ):
        answer = await client.post(CHAT, json={**ASK, "messages": [{"role": "user", "content": content}]})
        message = answer.json()["error"]["message"]
        assert answer.status_code == 400 and said in message and "TextPart" not in message, message


async def test_errors_have_openais_shape(client: httpx.AsyncClient, world: World) -> None:
    unknown = await client.post(CHAT, json={**ASK, "best_of": 3})
    assert unknown.status_code == 400
    assert unknown.json()["error"]["type"] == "invalid_request_error"
    assert unknown.json()["error"]["param"] == "best_of"
    world.answer_error = Unsupported("The engine cannot.", param="tools")
    refused = await client.post(CHAT, json=ASK)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools")
    absent = await client.post(CHAT, json={**ASK, "model": "org/absent"})
    assert (absent.status_code, absent.json()["error"]["code"]) == (409, "not_downloaded")
    assert absent.json()["error"]["details"]["actions"] == ["pull"]
    assert world.pull.times == 0
    nowhere = await client.get("/v1/nothing")
    assert (nowhere.status_code, nowhere.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"constraint": {"kind": "json_object"}}, "constraint"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"thinking": {"enabled": True}}, "thinking"),
    ],
)
async def test_what_an_engine_refuses_has_the_name_that_the_request_gave_it(
    client: httpx.AsyncClient, world: World, asked: dict[str, Any], param: str, stream: bool
) -> None:
    inside = "constraint" if "thinking" not in asked and "reasoning_effort" not in asked else "thinking"
    world.answer_error = Unsupported("The engine cannot.", param=inside)
    refused = await client.post(CHAT, json={**ASK, **asked, "stream": stream})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


async def test_an_error_before_the_first_token_is_a_status_even_in_a_stream(
    client: httpx.AsyncClient, world: World
) -> None:
    world.answer_error = PromptTooLong(9000, 4096)
    answer = await client.post(CHAT, json={**ASK, "stream": True})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {"tokens": 9000, "limit": 4096}


async def test_an_error_in_the_middle_of_a_stream_is_told_in_it(
    client: httpx.AsyncClient, world: World
) -> None:
    world.answer_error, world.fails_after = GenerationFailed("The engine tripped."), 1
    told = frames(await client.post(CHAT, json={**ASK, "stream": True}))
    assert told[0]["choices"][0]["delta"]["content"] == "one"
    assert told[-1]["error"]["code"] == "generation_failed"
