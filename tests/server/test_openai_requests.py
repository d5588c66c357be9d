"""OpenAI's requests: every parameter mapped or refused by name."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ingle.generation import (
    Constraint,
    Generation,
    Message,
    Role,
    SamplingParams,
    Thinking,
    Tool,
    ToolCall,
)
from ingle.server.openai_schema import ChatRequest, CompletionRequest
from tests.runtime.fakes import World

pytestmark = pytest.mark.slow

MODEL = "org/tiny"
ASK: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"


def parse(**fields: Any) -> Generation:
    return ChatRequest.model_validate({**ASK, **fields}).generation()


def test_every_parameter_is_mapped() -> None:
    made = parse(
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        min_p=0.04,
        repetition_penalty=1.5,
        presence_penalty=0.6,
        frequency_penalty=0.7,
        logit_bias={"8": 9.0},
        seed=10,
        logprobs=True,
        top_logprobs=11,
        max_completion_tokens=12,
        stop=["A", "B"],
        n=2,
        tools=[
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}
        ],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        thinking={"enabled": True, "budget": 5},
        stop_on_loop=True,
        template="t",
    )
    assert made == Generation(
        messages=(Message(role=Role.USER, content="Hi"),),
        sampling=SamplingParams(
            temperature=0.1,
            top_p=0.2,
            top_k=3,
            min_p=0.04,
            repetition_penalty=1.5,
            presence_penalty=0.6,
            frequency_penalty=0.7,
            logit_bias={8: 9.0},
            seed=10,
            logprobs=True,
            top_logprobs=11,
        ),
        max_tokens=12,
        stop=("A", "B"),
        n=2,
        tools=(Tool(name="f", parameters={"type": "object"}, strict=True),),
        tool_choice="f",
        parallel_calls=False,
        thinking=Thinking(enabled=True, budget=5),
        stop_on_loop=True,
        template="t",
    )


def test_what_is_left_out_stays_at_its_default() -> None:
    assert parse() == Generation(messages=(Message(role=Role.USER, content="Hi"),))
    assert parse(stop="END").stop == ("END",)
    assert parse(reasoning_effort="none").thinking == Thinking()
    assert parse(reasoning_effort="high").thinking == Thinking(enabled=True)
    assert parse(reasoning_effort="low").thinking == Thinking(enabled=True, budget=1024)
    assert parse(response_format={"type": "text"}).constraint is None
    assert parse(response_format={"type": "json_object"}).constraint == Constraint(kind="json_object")
    schema = {"name": "x", "schema": {"type": "object"}}
    assert parse(response_format={"type": "json_schema", "json_schema": schema}).constraint == Constraint(
        kind="json_schema", value={"type": "object"}
    )
    assert parse(constraint={"kind": "regex", "value": "a"}).constraint == Constraint(kind="regex", value="a")


def test_an_answer_may_come_back_as_openais_client_writes_it() -> None:
    answer: dict[str, Any] = {"role": "assistant", "content": "4", "reasoning_content": "2+2"}
    silent = ("refusal", "audio", "function_call", "annotations", "tool_calls")
    made = parse(messages=[answer | dict.fromkeys(silent)], stream=None)
    assert made.messages == (Message(role=Role.ASSISTANT, content="4", reasoning="2+2"),)
    assert parse(messages=[answer | {"annotations": []}]).messages == made.messages


def test_what_clients_of_openais_api_send_and_no_answer_depends_on_is_taken() -> None:
    for said in (
        {"store": False, "metadata": {"chat": "7"}, "service_tier": "auto"},
        {"service_tier": "default", "prompt_cache_key": "k", "safety_identifier": "s", "user": "u"},
        {"verbosity": "medium", "modalities": ["text"]},
        dict.fromkeys(("store", "n", "functions", "audio", "prediction", "web_search_options", "seed")),
    ):
        assert parse(**said) == parse(), said
    assert parse(stream=True, stream_options={"include_usage": None}) == parse()
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    sent = [[{"role": "assistant", "tool_calls": [one]}] for one in (call, call | {"index": 0})]
    assert parse(messages=sent[0]) == parse(messages=sent[1])


def test_plain_completions_take_a_list_of_one_prompt_and_what_says_nothing_beside_it() -> None:
    asked = {"model": MODEL, "prompt": ["x"], "echo": None, "best_of": None, "suffix": None}
    assert CompletionRequest.model_validate(asked).generation() == Generation(prompt="x", max_tokens=16)


def test_messages_of_every_role_are_translated() -> None:
    made = ChatRequest.model_validate(
        {
            "model": MODEL,
            "messages": [
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                {"role": "tool", "content": "42", "tool_call_id": "1"},
            ],
        }
    ).generation()
    assert made.messages == (
        Message(role=Role.SYSTEM, content="be brief"),
        Message(role=Role.USER, content="ab"),
        Message(role=Role.ASSISTANT, content="", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
        Message(role=Role.TOOL, content="42", tool_call_id="1"),
    )


async def test_what_cannot_be_honoured_is_refused_by_name(client: httpx.AsyncClient, world: World) -> None:
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    for changes, field in (
        ({"messages": [image]}, "messages"),
        ({"messages": []}, "messages"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "auto"}}}, "tool_choice"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "json_object"}, "constraint": {"kind": "regex"}}, "constraint"),
        ({"response_format": {"type": "json_object", "json_schema": {"schema": {}}}}, "response_format"),
        ({"reasoning_effort": "low", "thinking": {"enabled": False}}, "thinking"),
        ({"thinking": {"budget": 5}}, "thinking"),
        ({"stream_options": {"include_obfuscation": True}}, "stream_options"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"functions": []}, "functions"),
        ({"store": True}, "store"),
        ({"service_tier": "priority"}, "service_tier"),
        ({"verbosity": "low"}, "verbosity"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"logit_bias": {"the": 1.0}}, None),
    ):
        answer = await client.post(CHAT, json={**ASK, **changes})
        assert answer.status_code == 400, changes
        param = answer.json()["error"]["param"]
        assert field is None or param.startswith(field), (changes, param)
    assert world.workers == []


async def test_plain_completions_of_several_prompts_are_refused(client: httpx.AsyncClient) -> None:
    for prompt in (["a", "b"], [], [1, 2]):
        answer = await client.post("/v1/completions", json={"model": MODEL, "prompt": prompt})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "prompt")


def test_plain_completions_default_to_sixteen_tokens_as_openais_do() -> None:
    made = CompletionRequest.model_validate({"model": MODEL, "prompt": "x"}).generation()
    assert made == Generation(prompt="x", max_tokens=16)


def test_grammars_and_choices_are_reachable_too() -> None:
    for wanted in (
        Constraint(kind="grammar", value="start: /a/"),
        Constraint(kind="choice", value=["a", "b"]),
    ):
        asked = {"constraint": {"kind": wanted.kind, "value": wanted.value}, "model": MODEL}
        assert parse(**asked).constraint == wanted
        assert CompletionRequest.model_validate({**asked, "prompt": "x"}).generation().constraint == wanted
