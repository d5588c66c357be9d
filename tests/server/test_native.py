"""Ingle's own routes: views with actions, lines of progress, answers with timings."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ingle.errors import DigestMismatch, GenerationFailed, HubUnreachable
from ingle.generation import (
    CallPart,
    Chunk,
    Constraint,
    FinishReason,
    Message,
    Role,
    SamplingParams,
    Thinking,
    TokenLogprob,
    Tool,
    ToolCall,
    Usage,
)
from tests.runtime.fakes import World, until

pytestmark = pytest.mark.slow

MODEL = "org/tiny"


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines() if line]


async def test_the_list_and_the_view_have_the_possible_actions(client: httpx.AsyncClient) -> None:
    (listed,) = (await client.get("/ingle/models")).json()["models"]
    shown = (await client.get("/ingle/show", params={"model": MODEL})).json()
    assert listed == shown
    assert shown["state"] == "downloaded" and shown["actions"] == ["load", "verify", "delete"]
    assert shown["snapshot"]["format"] == "gguf" and shown["progress"] == 1.0


async def test_a_model_that_is_not_here_is_shown_with_what_can_be_done(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/ingle/show", params={"model": "org/absent"})).json()
    assert (shown["state"], shown["actions"], shown["snapshot"]) == ("not_downloaded", ["pull"], None)


async def test_what_cannot_be_a_model_is_not_shown(client: httpx.AsyncClient) -> None:
    for name, code in (("nonsense", "model_not_found"), ("/no/such/file.gguf", "file_missing")):
        answer = await client.get("/ingle/show", params={"model": name})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


async def test_load_and_unload_answer_with_the_view_and_the_memory(client: httpx.AsyncClient) -> None:
    loaded = (await client.post("/ingle/load", json={"model": MODEL, "keep_alive": 60})).json()
    assert loaded["state"] == "ready" and loaded["actions"] == ["unload", "verify"]
    assert loaded["memory"]["keep_alive"] == 60 and 0 < loaded["memory"]["unload_in"] <= 60
    (held,) = (await client.get("/ingle/ps")).json()["models"]
    assert held["model"] == MODEL
    gone = (await client.post("/ingle/unload", json={"model": MODEL})).json()
    assert gone["unloaded"] is True and gone["memory_returned"] == 123_000_000
    assert gone["view"]["state"] == "downloaded"


async def test_the_status_says_which_engine_opens_what_and_why(client: httpx.AsyncClient) -> None:
    status = (await client.get("/ingle/status")).json()
    assert {row["format"] for row in status["engines"]} == {
        "mlx",
        "gguf",
        "safetensors",
        "safetensors-sharded",
    }
    assert all(row["why"] for row in status["engines"])
    assert status["memory"]["total"] > 0 and status["pid"] > 0


async def test_a_pull_streams_its_progress_and_ends_with_the_view(client: httpx.AsyncClient) -> None:
    told = lines(await client.post("/ingle/pull", json={"model": "org/new"}))
    assert [list(line) for line in told[:-1]] == [["progress"]] * (len(told) - 1)
    assert told[-2]["progress"]["fraction"] == 1.0
    assert told[-1]["done"]["view"]["state"] == "downloaded"


async def test_a_pull_without_a_stream_answers_at_once(client: httpx.AsyncClient, world: World) -> None:
    world.pull.go_on.clear()
    answer = await client.post("/ingle/pull", json={"model": "org/new", "stream": False})
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["actions"]) == ("downloading", ["cancel"])
    paused = (await client.post("/ingle/cancel", json={"model": "org/new"})).json()
    assert paused["paused"] is True and "pull" in paused["actions"]


async def test_retry_is_refused_after_three_failures_and_says_so(
    client: httpx.AsyncClient, world: World
) -> None:
    for path in ("/ingle/pull", "/ingle/retry", "/ingle/retry"):
        world.pull.errors.append(HubUnreachable("No answer."))
        told = lines(await client.post(path, json={"model": "org/new"}))
        assert told[-1]["error"]["code"] == "hub_unreachable"
    refused = await client.post("/ingle/retry", json={"model": "org/new"})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "retry_refused"
    assert refused.json()["error"]["details"]["actions"] == ["pull"]
    assert lines(await client.post("/ingle/pull", json={"model": "org/new"}))[-1]["done"]


async def test_delete_answers_what_came_free_and_is_refused_while_loaded(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/ingle/load", json={"model": MODEL})
    refused = await client.post("/ingle/delete", json={"model": MODEL})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_use")
    await client.post("/ingle/unload", json={"model": MODEL})
    gone = (await client.post("/ingle/delete", json={"model": MODEL})).json()
    assert gone["freed"] == 1000 and gone["view"]["state"] == "not_downloaded"
    assert (await client.post("/ingle/delete", json={"model": MODEL})).status_code == 404


async def test_verify_and_repair_are_lines(client: httpx.AsyncClient, world: World) -> None:
    world.check.errors[MODEL] = DigestMismatch("model.gguf", "aa", "bb")
    told = lines(await client.post("/ingle/verify", json={"model": MODEL}))
    assert told[-1]["error"]["code"] == "digest_mismatch"
    shown = (await client.get("/ingle/show", params={"model": MODEL})).json()
    assert shown["damaged"] and "repair" in shown["actions"]
    told = lines(await client.post("/ingle/repair", json={"model": MODEL}))
    assert told[-1]["done"]["view"]["damaged"] is False


async def test_an_answer_says_loading_ready_chunks_and_done(client: httpx.AsyncClient) -> None:
    told = lines(await client.post("/ingle/generate", json={"model": MODEL, "prompt": "x"}))
    assert [next(iter(line)) for line in told] == ["loading", "ready", *["chunk"] * 4, "done"]
    assert told[1]["ready"]["engine"]["name"] == "fake" and told[1]["ready"]["why"]
    assert told[2]["chunk"] == {"index": 0, "text": "one", "tokens": 1}
    done = told[-1]["done"]
    assert done["finish_reasons"] == ["stop"] and done["usage"]["completion_tokens"] == 3
    assert set(done["timings"]) == {
        "load",
        "first_token",
        "first_token_warm",
        "total",
        "tokens_per_second",
    }
    again = lines(await client.post("/ingle/generate", json={"model": MODEL, "prompt": "x"}))
    assert next(iter(again[0])) == "ready" and again[0]["ready"]["load_seconds"] == 0.0


async def test_every_parameter_reaches_the_engine(client: httpx.AsyncClient, world: World) -> None:
    sampling: dict[str, Any] = {
        "temperature": 0.1,
        "top_p": 0.2,
        "top_k": 3,
        "min_p": 0.04,
        "repetition_penalty": 1.5,
        "presence_penalty": 0.6,
        "frequency_penalty": 0.7,
        "logit_bias": {"8": 9.0},
        "seed": 10,
        "logprobs": True,
        "top_logprobs": 11,
    }
    body = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "s"},
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"id": "1", "name": "f", "arguments": "{}"}],
            },
            {"role": "tool", "content": "r", "tool_call_id": "1", "name": "f"},
            {"role": "assistant", "content": "a", "reasoning": "why"},
        ],
        "sampling": sampling,
        "max_tokens": 12,
        "stop": ["END"],
        "n": 2,
        "constraint": {"kind": "regex", "value": "a+"},
        "tools": [{"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}],
        "tool_choice": "none",
        "parallel_calls": False,
        "thinking": {"enabled": True, "budget": 13},
        "stop_on_loop": True,
        "template": "t",
    }
    answer = await client.post("/ingle/generate", json=body)
    assert answer.status_code == 200
    (asked,) = world.workers[0].asked
    assert asked.sampling == SamplingParams(**{**sampling, "logit_bias": {8: 9.0}})
    assert asked.messages == (
        Message(role=Role.SYSTEM, content="s"),
        Message(role=Role.ASSISTANT, content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message(role=Role.TOOL, content="r", tool_call_id="1", name="f"),
        Message(role=Role.ASSISTANT, content="a", reasoning="why"),
    )
    assert (asked.max_tokens, asked.stop, asked.n) == (12, ("END",), 2)
    assert asked.constraint == Constraint(kind="regex", value="a+")
    assert asked.tools == (Tool(name="f", description="d", parameters={"type": "object"}, strict=True),)
    assert asked.parallel_calls is False
    assert (asked.tool_choice, asked.stop_on_loop, asked.template) == ("none", True, "t")
    assert asked.thinking == Thinking(enabled=True, budget=13)


async def test_every_part_of_a_chunk_reaches_the_client(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (
        Chunk(reasoning="hm", tokens=1),
        Chunk(text="yes", tokens=1, logprobs=(TokenLogprob(token="yes", logprob=-0.5, top=(("no", -1.0),)),)),
        Chunk(index=1, tool_calls=(CallPart(index=0, id="1", name="f", arguments="{}"),)),
    )
    told = lines(await client.post("/ingle/generate", json={"model": MODEL, "prompt": "x"}))
    chunks = [line["chunk"] for line in told if "chunk" in line]
    assert chunks[0] == {"index": 0, "reasoning": "hm", "tokens": 1}
    assert chunks[1]["logprobs"] == [{"token": "yes", "logprob": -0.5, "top": [["no", -1.0]]}]
    assert chunks[2]["tool_calls"] == [{"index": 0, "id": "1", "name": "f", "arguments": "{}"}]


async def test_an_error_in_the_middle_of_an_answer_is_its_last_line(
    client: httpx.AsyncClient, world: World
) -> None:
    world.answer_error, world.fails_after = GenerationFailed("The engine tripped."), 2
    told = lines(await client.post("/ingle/generate", json={"model": MODEL, "prompt": "x"}))
    assert told[-1]["error"]["code"] == "generation_failed"
    assert [line["chunk"]["text"] for line in told if "chunk" in line] == ["one", " two"]


async def test_a_model_can_be_pulled_along_with_the_answer(client: httpx.AsyncClient) -> None:
    body = {"model": "org/new", "prompt": "x", "pull": True}
    told = lines(await client.post("/ingle/generate", json=body))
    assert next(iter(told[0])) == "progress"
    assert "done" in told[-1]


async def test_generate_never_downloads_by_itself(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post("/ingle/generate", json={"model": "org/new", "prompt": "x"})
    assert answer.status_code == 409 and world.pull.times == 0


@pytest.mark.parametrize("choice", [FinishReason.LENGTH, FinishReason.LOOP])
async def test_finish_reasons_are_listed_by_choice(
    client: httpx.AsyncClient, world: World, choice: FinishReason
) -> None:
    world.chunks = (
        Chunk(index=1, text="b", finish_reason=choice),
        Chunk(index=0, finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=1, completion_tokens=1)),
    )
    told = lines(await client.post("/ingle/generate", json={"model": MODEL, "prompt": "x", "n": 2}))
    done = next(line["done"] for line in told if "done" in line)
    assert done["finish_reasons"][1] == choice.value


async def test_a_rate_limit_is_for_all_pulls(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/ingle/pull", json={"model": "org/new", "limit_rate": 2_000_000})
    assert world.rates[0] == 2_000_000
    await until(lambda: world.rates == [2_000_000, None])  # until it is over


async def test_cancel_of_what_does_not_run_is_no_error(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post("/ingle/cancel", json={"model": MODEL})
    assert answer.json()["state"] == "downloaded"
    await until(lambda: world.workers == [])
