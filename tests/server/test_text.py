"""Text tools and the shell analyser over HTTP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ingle.generation import Chunk, FinishReason, Usage
from ingle.runtime.runtime import Runtime
from ingle.server.app import create_app
from ingle.server.text import WRITTEN, ProcessBody
from ingle.text.history import History
from tests.runtime.fakes import World, make_snapshot, until
from tests.server.conftest import asgi_client, serving

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
END = Chunk(finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=9, completion_tokens=4))


async def test_a_tool_answers_the_text_and_nothing_else(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (Chunk(text="The cat sat on the mat."), END)
    asked = {"tool": "proofread", "text": "Teh cat sat on the mat.", "model": MODEL}
    told = (await client.post("/text", json=asked)).json()
    assert told["text"] == "The cat sat on the mat."
    assert (told["changed"], told["reason"], told["model"]) == (True, None, MODEL)


async def test_an_answer_that_is_no_text_keeps_the_original_with_the_reason(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (Chunk(text="I'm sorry, I cannot help with that."), END)
    asked = {"tool": "proofread", "text": "Teh cat sat.", "model": MODEL}
    told = (await client.post("/text", json=asked)).json()
    assert (told["text"], told["changed"], told["reason"]) == ("Teh cat sat.", False, "refusal")


async def test_a_worker_that_dies_in_the_middle_costs_a_second_try_and_not_the_text(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (Chunk(text="The cat sat."), END)
    world.hold_answers = True
    asked = {"tool": "proofread", "text": "Teh cat sat.", "model": MODEL}
    asking = asyncio.create_task(client.post("/text", json=asked))
    await until(lambda: bool(world.workers) and world.workers[0].answering.is_set())
    world.hold_answers = False
    world.workers[0].die()
    told = (await asking).json()
    assert (told["text"], told["reason"]) == ("The cat sat.", None)
    assert [worker.options and worker.options.speculate for worker in world.workers] == [True, True]


async def test_a_text_without_a_model_is_given_to_the_one_that_is_here(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (Chunk(text="The cat sat."), END)
    for path, asked in (
        ("/text", {"tool": "proofread", "text": "Teh cat sat."}),
        ("/process", {"prompt": "Clean this up: ${output}", "text": "Teh cat sat."}),
    ):
        told = (await client.post(path, json=asked)).json()
        assert (told["text"], told["model"]) == ("The cat sat.", MODEL)


async def test_a_text_without_a_model_is_refused_where_several_could_be_meant(
    client: httpx.AsyncClient, world: World
) -> None:
    world.store.put(make_snapshot("org/other", world.folder))
    answer = await client.post("/text", json={"tool": "proofread", "text": "Teh cat sat."})
    assert (answer.status_code, answer.json()["error"]["details"]["models"]) == (400, [MODEL, "org/other"])
    assert world.workers == []


@pytest.mark.parametrize(("asked", "seen"), [({}, "I want to go"), ({"clean": False}, "um I I want to go")])
async def test_fillers_go_before_the_model_unless_that_is_turned_off(
    client: httpx.AsyncClient, world: World, asked: dict[str, bool], seen: str
) -> None:
    world.chunks = (Chunk(text="I want to go."), END)
    body = {"tool": "dictation", "text": "um I I want to go", "model": MODEL, **asked}
    assert (await client.post("/text", json=body)).json()["text"] == "I want to go."
    messages = world.workers[0].asked[0].messages
    assert messages is not None and messages[-1].content.endswith(f"\n\n{seen}")


async def test_a_streamed_tool_tells_pieces_and_the_whole(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (Chunk(text="The cat sat."), END)
    asked = {"tool": "proofread", "text": "Teh cat sat.", "model": MODEL, "stream": True}
    answer = await client.post("/text", json=asked)
    told = [json.loads(line) for line in answer.text.splitlines() if line]
    assert [next(iter(line)) for line in told] == ["loading", "ready", "piece", "done"]
    assert told[2]["piece"] == {"text": "The cat sat.", "progress": 1.0}
    assert told[3]["done"]["improved"]["text"] == "The cat sat."


async def test_pieces_travel_while_the_model_still_writes_and_who_leaves_stops_it(
    app: FastAPI, world: World, runtime: Runtime
) -> None:
    world.chunks = (Chunk(text="The cat"), END)
    world.hold_answers = True
    asked = {"tool": "proofread", "text": "~~~\ncode\n~~~\n\nTeh cat sat.", "model": MODEL, "stream": True}
    async with serving(app) as server:
        async with server.stream("POST", "/text", json=asked) as answer:
            lines = answer.aiter_lines()
            told = [json.loads(await anext(lines)) for _ in range(3)]
            assert [next(iter(line)) for line in told] == ["loading", "ready", "piece"]
            assert told[2]["piece"] == {"text": "~~~\ncode\n~~~\n\n", "progress": 0.0}
            await world.workers[0].answering.wait()
        await until(lambda: world.workers[0].cancelled == 1)
        runtime.end_streams()


@pytest.mark.parametrize(("tool", "wished"), [("proofread", True), ("dictation", True), ("summary", False)])
async def test_a_tool_that_nearly_copies_loads_the_model_with_speculation(
    client: httpx.AsyncClient, world: World, tool: str, wished: bool
) -> None:
    world.chunks = (Chunk(text="The cat sat."), END)
    await client.post("/text", json={"tool": tool, "text": "The cat sat.", "model": MODEL})
    options = world.workers[0].options
    assert options is not None
    assert options.speculate is wished


async def test_a_model_in_memory_answers_as_it_was_loaded(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (Chunk(text="The cat sat."), END)
    for tool in ("summary", "proofread"):
        await client.post("/text", json={"tool": tool, "text": "The cat sat.", "model": MODEL})
    assert len(world.workers) == 1


@pytest.mark.parametrize("on", [True, False])
async def test_texts_are_remembered_only_where_history_is_on(tmp_path: Path, on: bool) -> None:
    world = World(tmp_path, history=on)
    world.chunks = (Chunk(text="The cat sat."), END)
    async with (
        world.runtime() as runtime,
        asgi_client(create_app(runtime, world.config)) as client,
    ):
        await client.post("/text", json={"tool": "proofread", "text": "Teh cat sat.", "model": MODEL})
    assert world.config.history_file.exists() is on
    found = [
        (one.tool, one.model, one.raw, one.result) for one in History(world.config.history_file).recent()
    ]
    assert found == ([("proofread", MODEL, "Teh cat sat.", "The cat sat.")] if on else [])


async def test_a_history_that_cannot_be_written_does_not_cost_the_text(tmp_path: Path) -> None:
    world = World(tmp_path, history=True)
    world.chunks = (Chunk(text="The cat sat."), END)
    world.config.history_file.parent.mkdir(parents=True, exist_ok=True)
    world.config.history_file.write_text("this file is no database, and long enough to be seen as none")
    async with (
        world.runtime() as runtime,
        asgi_client(create_app(runtime, world.config)) as client,
    ):
        answer = await client.post(
            "/text", json={"tool": "proofread", "text": "Teh cat sat.", "model": MODEL}
        )
    assert (answer.status_code, answer.json()["text"]) == (200, "The cat sat.")


async def test_an_empty_transcript_comes_back_empty(client: httpx.AsyncClient, world: World) -> None:
    world.chunks = (Chunk(text="Sure, what shall I clean up?"), END)
    for path, asked in (
        ("/process", {"prompt": "Clean this up: ${output}", "text": "", "model": MODEL}),
        ("/text", {"tool": "summary", "text": " \n", "model": MODEL}),
    ):
        told = (await client.post(path, json=asked)).json()
        assert (told["text"], told["changed"]) == (asked["text"], False)


async def test_process_puts_the_transcript_into_the_apps_own_prompt(
    client: httpx.AsyncClient, world: World
) -> None:
    world.chunks = (Chunk(text="Buy milk."), END)
    asked = {"prompt": "Clean this up: ${output}", "text": "uh buy milk", "model": MODEL}
    told = (await client.post("/process", json=asked)).json()
    assert told["text"] == "Buy milk."
    messages = world.workers[0].asked[0].messages
    assert messages is not None and messages[-1].content == "Clean this up: uh buy milk"


def test_a_literal_field_in_an_apps_prompt_stays_as_it_is_written() -> None:
    tool = ProcessBody(prompt="Keep {text}: ${output}", text="x").as_tool()
    assert tool.fill("said {text}", {WRITTEN[1:-1]: "{text}"})[1] == "Keep {text}: said {text}"


async def test_process_without_a_place_for_the_transcript_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/process", json={"prompt": "Hello", "text": "x", "model": MODEL})
    assert (answer.status_code, answer.json()["error"]["details"]["field"]) == (400, "prompt")


async def test_an_unknown_tool_a_missing_option_and_an_absent_model_are_refused(
    client: httpx.AsyncClient, world: World
) -> None:
    for asked, status in (
        ({"tool": "sing", "text": "x", "model": MODEL}, 400),
        ({"tool": "translate", "text": "x", "model": MODEL}, 400),
        ({"tool": "proofread", "text": "x", "model": "org/absent"}, 409),
        ({"tool": "proofread", "text": "x", "colour": "red"}, 400),
    ):
        answer = await client.post("/text", json=asked)
        assert answer.status_code == status, asked
        assert answer.json()["error"]["code"]
    assert world.pull.times == 0


async def test_the_tools_are_listed(client: httpx.AsyncClient) -> None:
    names = {tool["name"] for tool in (await client.get("/text/tools")).json()["tools"]}
    assert {"proofread", "dictation", "translate"} <= names


async def test_a_command_is_judged_without_a_model(client: httpx.AsyncClient, world: World) -> None:
    told = (await client.post("/shell/check", json={"command": "rm -rf /"})).json()
    assert told["level"] == "critical" and not told["allowed"] and told["findings"]
    assert (await client.post("/shell/check", json={"command": "ls"})).json()["level"] == "safe"
    refused = await client.post("/shell/check", json={"command": "ls", "shell": "cmd.exe"})
    assert (refused.status_code, refused.json()["error"]["details"]["field"]) == (400, "shell")
    assert world.workers == []


GERMAN = "Ich bin gestern mit dem Zug nach Hause gefahren und habe das Buch im Wagen vergessen."
ENGLISH = "Yesterday I went home by train and I forgot the book that was in the carriage."


@pytest.mark.parametrize(
    ("prompt", "answer", "reason"),
    [
        ("Clean this up: ${output}", ENGLISH, "wrong_language"),
        ("Translate to English: ${output}", ENGLISH, None),
        ("Clean this up: ${output}", "I'm sorry, I cannot help with that.", "refusal"),
        ("Clean this up: ${output}", "Sure! Ich bin gestern nach Hause gefahren.", "chatter"),
        ("Clean this up: ${output}", " ", "empty"),
        ("Clean this up: ${output}", "Ich bin. " * 40, "repetition"),
    ],
)
async def test_the_guards_stand_over_an_apps_own_prompt_too(
    client: httpx.AsyncClient, world: World, prompt: str, answer: str, reason: str | None
) -> None:
    world.chunks = (Chunk(text=answer), END)
    told = (await client.post("/process", json={"prompt": prompt, "text": GERMAN, "model": MODEL})).json()
    assert (told["text"], told["reason"]) == (GERMAN if reason else answer, reason)


async def test_a_cut_answer_to_an_apps_prompt_keeps_the_transcript(
    client: httpx.AsyncClient, world: World
) -> None:
    cut = Chunk(finish_reason=FinishReason.LENGTH, usage=Usage(prompt_tokens=9, completion_tokens=4))
    world.chunks = (Chunk(text="Ich bin"), cut)
    asked = {"prompt": "Clean this up: ${output}", "text": GERMAN, "model": MODEL}
    told = (await client.post("/process", json=asked)).json()
    assert (told["text"], told["reason"]) == (GERMAN, "cut_by_token_limit")
