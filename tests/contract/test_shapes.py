"""Constraints, tools and reasoning hold on both real engines, and nothing is accepted and ignored."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from ingle.errors import InvalidRequest, Unsupported
from ingle.generation import Constraint, FinishReason, Generation, Message, Role, Thinking, Tool
from ingle.worker.process import WorkerProcess
from tests.contract.asking import GREEDY, ask, chat

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

ANN = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 16}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Tool(name="get_weather", description="The weather of a city", parameters=CITY)
CLOCK = Tool(
    name="get_time", description="The time", parameters={"type": "object", "additionalProperties": False}
)
REASONER = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking %}<think>\n{% endif %}"
)
"""A template with a switch for reasoning; the starter's own has none."""

CLOSING_TOKENS = 6


async def test_json_follows_its_schema(worker: WorkerProcess) -> None:
    request = chat("Ann is 30.", constraint=Constraint(kind="json_schema", value=ANN), max_tokens=40)
    reply = await ask(worker, request)
    found = json.loads(reply.text)
    assert set(found) == {"name", "age"}
    assert isinstance(found["age"], int)
    assert reply.reasons == [FinishReason.STOP]


async def test_a_json_object_is_one(worker: WorkerProcess) -> None:
    request = chat(
        "Write JSON with one key: the colour red.", constraint=Constraint(kind="json_object"), max_tokens=60
    )
    reply = await ask(worker, request)
    if reply.reasons == [FinishReason.STOP]:
        assert isinstance(json.loads(reply.text), dict)
    else:
        assert reply.text.startswith("{")


async def test_regex_choice_and_grammar_hold_side_by_side_in_a_batch(worker: WorkerProcess) -> None:
    forms: list[tuple[Constraint, str]] = [
        (Constraint(kind="regex", value="[0-9]{3}-[a-z]{2}"), "[0-9]{3}-[a-z]{2}"),
        (Constraint(kind="choice", value=["Paris", "London"]), "Paris|London"),
        (Constraint(kind="grammar", value='start: "x" /[ab]{4}/ "y"'), "x[ab]{4}y"),
    ]
    requests = [chat("Say something.", constraint=constraint, max_tokens=16) for constraint, _ in forms]
    free = ask(worker, chat("Say something.", max_tokens=6))
    *replies, unbound = await asyncio.gather(*(ask(worker, request) for request in requests), free)
    for reply, (_, pattern) in zip(replies, forms, strict=True):
        assert re.fullmatch(pattern, reply.text)
        assert reply.reasons == [FinishReason.STOP]
    assert unbound.usage.completion_tokens == 6


@pytest.mark.parametrize(
    ("constraint", "kind"),
    [
        (Constraint(kind="json_schema", value={"not": {"type": "string"}}), Unsupported),
        (Constraint(kind="json_schema", value={"type": "nope"}), InvalidRequest),
        (Constraint(kind="regex", value="("), InvalidRequest),
        (Constraint(kind="choice", value=[]), InvalidRequest),
        (Constraint(kind="grammar", value="start: nothing"), InvalidRequest),
    ],
    ids=["not", "type", "regex", "choice", "grammar"],
)
async def test_a_constraint_that_cannot_be_kept_is_refused(
    worker: WorkerProcess, constraint: Constraint, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await ask(worker, chat("Say something.", constraint=constraint, max_tokens=4))


async def test_a_demanded_call_is_made_and_parsed(worker: WorkerProcess) -> None:
    request = chat(
        "What is the weather in Paris?",
        tools=(WEATHER, CLOCK),
        tool_choice="get_weather",
        max_tokens=60,
    )
    reply = await ask(worker, request)
    (call,) = reply.calls
    assert call.name == "get_weather"
    assert set(json.loads(call.arguments)) == {"city"}
    assert reply.reasons == [FinishReason.TOOL_CALLS]
    assert reply.text == ""


async def test_required_makes_one_call_of_any_tool(worker: WorkerProcess) -> None:
    reply = await ask(worker, chat("What time is it?", tools=(CLOCK,), tool_choice="required", max_tokens=60))
    assert [call.name for call in reply.calls] == ["get_time"]
    assert reply.reasons == [FinishReason.TOOL_CALLS]


async def test_tools_are_told_though_the_template_drops_them(worker: WorkerProcess) -> None:
    question = chat("What time is it?")
    told = await worker.count_tokens(chat("What time is it?", tools=(CLOCK,)))
    forbidden = await worker.count_tokens(chat("What time is it?", tools=(CLOCK,), tool_choice="none"))
    alone = await worker.count_tokens(question)
    assert told > alone == forbidden
    shown = await worker.render(question.messages or (), (CLOCK,))
    assert "get_time" in shown and "<tool_call>" in shown


async def test_a_conversation_with_a_call_and_its_result_goes_on(worker: WorkerProcess) -> None:
    first = await ask(worker, chat("What time is it?", tools=(CLOCK,), tool_choice="required", max_tokens=60))
    messages = (
        Message(role=Role.USER, content="What time is it?"),
        Message(role=Role.ASSISTANT, content="", tool_calls=tuple(first.calls)),
        Message(role=Role.TOOL, content="12:30", tool_call_id=first.calls[0].id),
    )
    request = Generation(messages=messages, tools=(CLOCK,), sampling=GREEDY, max_tokens=8)
    reply = await ask(worker, request)
    assert reply.usage.completion_tokens > 0


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tools": (WEATHER,), "tool_choice": "stove"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": (WEATHER, WEATHER)}, "tools"),
    ],
    ids=["unknown", "none", "twice"],
)
async def test_tools_that_cannot_be_are_refused_by_name(
    worker: WorkerProcess, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await ask(worker, chat("Hi", **fields))
    assert raised.value.details["param"] == named


async def test_reasoning_is_split_and_its_budget_kept(worker: WorkerProcess) -> None:
    request = chat(
        "What is 2+2?", template=REASONER, thinking=Thinking(enabled=True, budget=5), max_tokens=16
    )
    reply = await ask(worker, request)
    assert reply.reasoning
    assert reply.text
    assert "think>" not in reply.text + reply.reasoning
    # the closing mark may count: the starter's vocabulary spells it in several tokens
    assert 0 < reply.usage.reasoning_tokens <= 5 + CLOSING_TOKENS
    assert len(reply.reasoning.split()) <= 5


async def test_a_constraint_begins_after_the_reasoning(worker: WorkerProcess) -> None:
    request = chat(
        "What is 2+2?",
        template=REASONER,
        thinking=Thinking(enabled=True, budget=4),
        constraint=Constraint(kind="choice", value=["four", "five"]),
        max_tokens=24,
    )
    reply = await ask(worker, request)
    assert reply.reasoning
    assert reply.text in {"four", "five"}
    assert reply.reasons == [FinishReason.STOP]


async def test_thinking_off_gives_the_answer_alone(worker: WorkerProcess) -> None:
    reply = await ask(worker, chat("What is 2+2?", template=REASONER, max_tokens=8))
    assert reply.reasoning == ""
    assert reply.usage.reasoning_tokens == 0


async def test_thinking_asked_of_a_model_without_it_is_refused(worker: WorkerProcess) -> None:
    with pytest.raises(Unsupported) as raised:
        await ask(worker, chat("Hi", thinking=Thinking(enabled=True)))
    assert raised.value.details["param"] == "thinking"
