"""Tools are told, demanded, bound by their schemas and streamed in parts, the same way on both real engines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingle.errors import InvalidRequest, Unsupported
from ingle.generation import (
    Constraint,
    FinishReason,
    Generation,
    Message,
    Role,
    Thinking,
    Tool,
    ToolCall,
)
from ingle.worker.process import WorkerProcess
from tests.contract.asking import GREEDY, Reply, ask, chat

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 16}},
    "required": ["city"],
    "additionalProperties": False,
}
DAYS = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 16},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
    },
    "required": ["city", "days"],
    "additionalProperties": False,
}
WEATHER = Tool(name="get_weather", description="The weather of a city", parameters=CITY)
STRICT = Tool(name="get_weather", description="The weather of a city", parameters=DAYS, strict=True)
FLAT = Tool(
    name="get_weather",
    description="The weather of a city",
    parameters={
        **DAYS,
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}},
    },
    strict=True,
)
LOOSE = Tool(name="get_weather", description="The weather of a city", parameters=DAYS)
CLOCK = Tool(
    name="get_time", description="The time", parameters={"type": "object", "additionalProperties": False}
)

_TURNS = (
    "{% for t in tools or [] %}{{ t.function.name }}\n{% endfor %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}"
    "CALL{% endfor %}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
REASONER = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking %}<think>\n{% endif %}"
)
QWEN_CODER = _TURNS.replace(
    "CALL",
    "<tool_call>\n<function={{ c.function.name }}>{% for k, v in c.function.arguments.items() %}"
    "<parameter={{ k }}>{{ v }}</parameter>{% endfor %}</function></tool_call>",
)
GLM = _TURNS.replace(
    "CALL",
    "<tool_call>{{ c.function.name }}\n{% for k, v in c.function.arguments.items() %}"
    "<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v }}</arg_value>\n{% endfor %}</tool_call>",
)
PYTHONIC = _TURNS.replace(
    "CALL",
    "<|tool_call_start|>[{{ c.function.name }}({% for k, v in c.function.arguments.items() %}"
    '{{ k }}="{{ v }}"{% endfor %})]<|tool_call_end|>',
)
MISTRAL = _TURNS.replace("CALL", "[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}")


def turns(question: str, *, before: str, **arguments: str) -> tuple[Message, ...]:
    """Two questions of the same kind that were answered with calls, then the third: small models imitate.

    `arguments` maps a key to two values with a comma between; several calls of one turn are given as `a+b`.
    """
    ((key, values),) = arguments.items()
    told: list[Message] = []
    for value in values.split(","):
        calls = tuple(
            ToolCall(id="x", name="get_weather", arguments=json.dumps({key: one})) for one in value.split("+")
        )
        asked = before.format(value.replace("+", " and "))
        told += [
            Message(role=Role.USER, content=asked),
            Message(role=Role.ASSISTANT, content="", tool_calls=calls),
        ]
    return (*told, Message(role=Role.USER, content=question))


WRONG_KEY = turns("What is the weather in Paris?", before="What is the weather in {}?", place="Rome,Oslo")
ALIKE = turns("Weather in Paris?", before="Weather in {}?", city="Rome,Oslo")
IN_PAIRS = turns("Weather in Paris and Lyon?", before="Weather in {}?", city="Rome+Oslo,Bern+Kiel")


async def told(worker: WorkerProcess, messages: tuple[Message, ...], **fields: Any) -> Reply:
    fields = {"max_tokens": 50, **fields}
    return await ask(worker, Generation(messages=messages, sampling=GREEDY, **fields))


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


async def test_a_demanded_call_is_forced_also_in_a_format_that_is_no_json(worker: WorkerProcess) -> None:
    reply = await told(
        worker, WRONG_KEY, tools=(LOOSE,), tool_choice="get_weather", template=QWEN_CODER, max_tokens=60
    )
    (call,) = reply.calls
    assert set(json.loads(call.arguments)) == {"city", "days"}
    assert reply.reasons == [FinishReason.TOOL_CALLS]


async def test_a_voluntary_call_keeps_its_schema_when_it_is_strict(worker: WorkerProcess) -> None:
    free = await told(worker, WRONG_KEY, tools=(LOOSE,))
    bound = await told(worker, WRONG_KEY, tools=(STRICT,))
    assert [json.loads(call.arguments) for call in free.calls] == [{"place": "Paris"}]
    ((arguments),) = [json.loads(call.arguments) for call in bound.calls]
    assert arguments["city"] == "Paris" and arguments["days"] in range(1, 10)
    assert free.reasons == bound.reasons == [FinishReason.TOOL_CALLS]
    assert (free.text, bound.text) == ("", "")


async def test_a_strict_tool_leaves_an_answer_without_a_call_as_it_is(worker: WorkerProcess) -> None:
    free = await ask(worker, chat("What is 2+2?", tools=(LOOSE,), max_tokens=16))
    bound = await ask(worker, chat("What is 2+2?", tools=(STRICT,), max_tokens=16))
    assert bound.text == free.text != ""
    assert bound.reasons == free.reasons
    assert bound.usage.completion_tokens == free.usage.completion_tokens


@pytest.mark.parametrize("template", [PYTHONIC, _TURNS], ids=["own way", "unknown way"])
async def test_strict_is_refused_by_name_where_it_cannot_be_kept(
    worker: WorkerProcess, template: str
) -> None:
    with pytest.raises(Unsupported) as raised:
        await told(worker, WRONG_KEY, tools=(STRICT,), template=template)
    assert raised.value.details["param"] == "tools"


async def test_a_strict_schema_that_cannot_be_kept_is_refused(worker: WorkerProcess) -> None:
    tool = Tool(name="f", parameters={"type": "object", "properties": {"a": {"not": {}}}}, strict=True)
    with pytest.raises(Unsupported):
        await ask(worker, chat("Hi", tools=(tool,)))


async def test_a_call_is_streamed_in_parts_that_join_to_its_arguments(worker: WorkerProcess) -> None:
    reply = await told(worker, WRONG_KEY, tools=(STRICT,))
    parts = [part for chunk in reply.chunks for part in chunk.tool_calls]
    assert len(parts) > 3
    assert (parts[0].name, bool(parts[0].id)) == ("get_weather", True)
    assert {(part.index, part.name, part.id) for part in parts[1:]} == {(0, "", "")}
    assert "".join(part.arguments for part in parts) == reply.calls[0].arguments
    assert sum(chunk.tokens for chunk in reply.chunks) == reply.usage.completion_tokens


async def test_several_calls_in_a_row_are_numbered_and_one_is_enough_when_asked(
    worker: WorkerProcess,
) -> None:
    pair = await told(worker, IN_PAIRS, tools=(WEATHER,), max_tokens=60)
    assert [json.loads(call.arguments)["city"] for call in pair.calls] == ["Paris", "Lyon"]
    assert len({call.id for call in pair.calls}) == 2
    assert {part.index for chunk in pair.chunks for part in chunk.tool_calls} == {0, 1}
    one = await told(worker, IN_PAIRS, tools=(WEATHER,), parallel_calls=False, max_tokens=60)
    assert [call.arguments for call in one.calls] == [pair.calls[0].arguments]
    assert one.reasons == [FinishReason.TOOL_CALLS]
    assert one.usage.completion_tokens < pair.usage.completion_tokens


async def test_a_call_cut_by_max_tokens_tells_what_there_is(worker: WorkerProcess) -> None:
    whole = await told(worker, WRONG_KEY, tools=(STRICT,))
    cut = await told(worker, WRONG_KEY, tools=(STRICT,), max_tokens=22)
    assert cut.reasons == [FinishReason.LENGTH]
    (call,) = cut.calls
    assert call.arguments and whole.calls[0].arguments.startswith(call.arguments)


async def test_a_call_cut_by_a_stop_string_ends_with_stop_and_a_whole_one_with_tool_calls(
    worker: WorkerProcess,
) -> None:
    asked: dict[str, Any] = {"tools": (CLOCK,), "tool_choice": "required", "max_tokens": 60}
    cut = await ask(worker, chat("What time is it?", stop=('arguments": {',), **asked))
    whole = await ask(worker, chat("What time is it?", stop=("never said",), **asked))
    assert (cut.calls, cut.reasons) == ([], [FinishReason.STOP])
    assert whole.reasons == [FinishReason.TOOL_CALLS]
    named: dict[str, Any] = {**asked, "tools": (WEATHER,)}
    begun = await ask(worker, chat("Weather in Rome?", stop=("city",), **named))
    assert [call.name for call in begun.calls] == ["get_weather"]
    assert begun.reasons == [FinishReason.STOP]


async def test_a_demanded_call_keeps_keywords_newer_than_the_draft_it_names(worker: WorkerProcess) -> None:
    dated = {**CITY, "$schema": "http://json-schema.org/draft-07/schema#", "dependentRequired": {"city": []}}
    with pytest.raises(Unsupported, match="dependentRequired"):
        await ask(worker, chat("x", tools=(Tool(name="f", parameters=dated),), tool_choice="f"))


@pytest.mark.parametrize(
    "template", [QWEN_CODER, GLM, PYTHONIC, MISTRAL], ids=["qwen coder", "glm", "pythonic", "mistral"]
)
async def test_a_models_own_way_of_writing_calls_is_read(worker: WorkerProcess, template: str) -> None:
    reply = await told(worker, ALIKE, tools=(WEATHER,), template=template)
    assert [(call.name, json.loads(call.arguments)) for call in reply.calls] == [
        ("get_weather", {"city": "Paris"})
    ]
    assert reply.text.strip() == ""
    assert reply.reasons == [FinishReason.TOOL_CALLS]


@pytest.mark.parametrize("template", [QWEN_CODER, GLM, MISTRAL], ids=["qwen coder", "glm", "mistral"])
async def test_other_ways_of_writing_calls_keep_a_strict_schema_too(
    worker: WorkerProcess, template: str
) -> None:
    reply = await told(
        worker, WRONG_KEY, tools=(FLAT,), template=template, max_tokens=70, parallel_calls=False
    )
    (arguments,) = [json.loads(call.arguments) for call in reply.calls]
    assert set(arguments) == {"city", "days"} and arguments["days"] <= 9


async def test_beside_a_constraint_the_answer_is_that_or_a_call(worker: WorkerProcess) -> None:
    choice = Constraint(kind="choice", value=["sunny", "rainy"])
    reply = await told(worker, IN_PAIRS, tools=(WEATHER,), constraint=choice, parallel_calls=False)
    assert reply.text in ("", "sunny", "rainy")
    assert bool(reply.text) != bool(reply.calls)
    with pytest.raises(Unsupported) as raised:
        await told(worker, IN_PAIRS, tools=(WEATHER,), constraint=choice, template=PYTHONIC)
    assert raised.value.details["param"] == "tools"
    plain = await told(worker, IN_PAIRS, tools=(WEATHER,), tool_choice="none", constraint=choice)
    assert plain.text in ("sunny", "rainy") and not plain.calls


async def test_a_strict_tool_goes_together_with_reasoning(worker: WorkerProcess) -> None:
    reply = await told(
        worker,
        WRONG_KEY,
        tools=(STRICT,),
        template=REASONER,
        thinking=Thinking(enabled=True, budget=3),
        max_tokens=80,
    )
    assert reply.reasoning and reply.usage.reasoning_tokens == 3
    assert reply.reasons == [FinishReason.STOP]
    assert reply.text and not reply.calls


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
