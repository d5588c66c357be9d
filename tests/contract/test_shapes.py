"""Constraints and reasoning hold on both real engines, and nothing is accepted and ignored."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import msgspec
import pytest

from ingle.errors import GenerationFailed, InvalidRequest, Unsupported
from ingle.generation import Constraint, FinishReason, SamplingParams, Thinking
from ingle.worker.process import WorkerProcess
from tests.contract.asking import ask, chat, grammar_question, plain

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

ANN = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
REASONER = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "<|im_start|>assistant\n{% if enable_thinking %}<think>\n{% endif %}"
)
"""A template with a switch for reasoning; the starter's own has none."""
OPENING = REASONER.replace("<think>\n", "<think>")
LEAVING = OPENING.replace("<think>", "{# the model writes <think> and </think> itself #}")
"""Two that differ in who opens the reasoning: the template, or the model."""

COPIED = (
    "{% for number in ['one', 'two', 'three', 'four', 'five'] %}Q: say {{ number }}\n"
    "<think>I was asked for a number and I say it</think>{{ number }}\n\n{% endfor %}"
    "{% for m in messages %}Q: {{ m.content }}\n{% endfor %}{% if enable_thinking %}<think>{% endif %}"
)
"""One with examples, after which the starter closes its reasoning by itself."""

END = 2  # the starter's token that ends an answer


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
        (Constraint(kind="grammar", value='start: a\na: a "x"'), InvalidRequest),
        (Constraint(kind="grammar", value='start: "a" <[7042]>'), Unsupported),
        (Constraint(kind="grammar", value='start: "a" <|im_start|>'), Unsupported),
        (Constraint(kind="grammar", value="start: a\na[max_tokens=3]: /.*/"), Unsupported),
        (Constraint(kind="json_schema", value={"prefixItems": [{}], "additionalItems": False}), Unsupported),
    ],
    ids=["not", "type", "regex", "choice", "grammar", "endless", "number", "mark", "count", "drafts"],
)
async def test_a_constraint_that_cannot_be_kept_is_refused(
    worker: WorkerProcess, constraint: Constraint, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await ask(worker, chat("Say something.", constraint=constraint, max_tokens=4))


@pytest.mark.parametrize("fields", [{"max_tokens": 3}, {"stop": ("\n",)}], ids=["cut", "stopped"])
async def test_a_constraint_that_cannot_go_on_fails_typed_and_never_turns_into_a_free_answer(
    worker: WorkerProcess, fields: dict[str, Any]
) -> None:
    dead = Constraint(kind="grammar", value='start: "x" more\nmore: more "y"')
    with pytest.raises(GenerationFailed, match="cannot go on within its constraint"):
        await ask(worker, chat("Say x.", constraint=dead, **{"max_tokens": 24, **fields}))


async def test_reasoning_is_split_and_its_budget_kept(worker: WorkerProcess) -> None:
    request = chat(
        "What is 2+2?", template=REASONER, thinking=Thinking(enabled=True, budget=5), max_tokens=16
    )
    reply = await ask(worker, request)
    assert reply.reasoning
    assert reply.text
    assert "think>" not in reply.text + reply.reasoning
    assert reply.usage.reasoning_tokens == 5
    assert await worker.count_tokens(plain(reply.reasoning)) <= 5


async def test_reasoning_without_a_budget_ends_where_the_model_ends_it(worker: WorkerProcess) -> None:
    free = chat("say six", template=COPIED, thinking=Thinking(enabled=True), max_tokens=24, stop=("\n\n",))
    reply = await ask(worker, free)
    assert reply.reasoning == "I was asked for a number and I say it"
    assert reply.text == "six"
    assert reply.reasons == [FinishReason.STOP]
    assert reply.usage.reasoning_tokens >= await worker.count_tokens(plain(reply.reasoning))
    bound = msgspec.structs.replace(
        free, stop=(), constraint=Constraint(kind="choice", value=["four", "six"])
    )
    shaped = await ask(worker, bound)
    assert (shaped.reasoning, shaped.text, shaped.reasons) == (reply.reasoning, "six", reply.reasons)
    assert shaped.usage.reasoning_tokens == reply.usage.reasoning_tokens


async def test_reasoning_without_a_budget_may_take_all_tokens(worker: WorkerProcess) -> None:
    thinking = Thinking(enabled=True)
    reply = await ask(worker, chat("What is 2+2?", template=REASONER, thinking=thinking, max_tokens=7))
    assert reply.reasoning and reply.text == ""
    assert reply.usage.reasoning_tokens == reply.usage.completion_tokens == 7
    assert reply.reasons == [FinishReason.LENGTH]


async def test_the_mark_that_closes_spent_reasoning_counts_among_the_answers_tokens(
    worker: WorkerProcess,
) -> None:
    request = chat(
        "What is 2+2?",
        template=REASONER,
        thinking=Thinking(enabled=True, budget=3),
        constraint=Constraint(kind="choice", value=["four"]),
        max_tokens=30,
    )
    reply = await ask(worker, request)
    closing = await worker.count_tokens(plain("\n</think>\n\n"))
    answer = await worker.count_tokens(plain("four"))
    assert reply.usage.completion_tokens == 3 + closing + answer
    assert sum(chunk.tokens for chunk in reply.chunks) == reply.usage.completion_tokens


async def test_the_token_that_ends_an_answer_is_not_counted(worker: WorkerProcess) -> None:
    reply = await ask(
        worker, chat("Say something.", constraint=Constraint(kind="choice", value=["Paris"]), max_tokens=16)
    )
    assert reply.usage.completion_tokens == await worker.count_tokens(plain(reply.text))


async def test_a_grammar_that_could_go_on_ends_where_the_model_ends(worker: WorkerProcess) -> None:
    anything = Constraint(kind="regex", value="(.|\\n)*")
    free = await ask(worker, grammar_question(max_tokens=24))
    bound = await ask(worker, grammar_question(constraint=anything, max_tokens=24))
    assert (bound.text, bound.reasons) == (free.text, free.reasons)


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


async def test_a_constraint_begins_after_the_reasoning_also_where_the_template_leaves_it_to_the_model(
    worker: WorkerProcess,
) -> None:
    replies = [
        await ask(
            worker,
            chat(
                "What is 2+2?",
                template=template,
                thinking=Thinking(enabled=True, budget=4),
                constraint=Constraint(kind="choice", value=["four", "five"]),
                max_tokens=24,
            ),
        )
        for template in (OPENING, LEAVING)
    ]
    opened, left = replies
    assert left.reasoning and left.text in {"four", "five"}
    assert left.usage.reasoning_tokens == 4
    assert (left.reasoning, left.text, left.reasons) == (opened.reasoning, opened.text, opened.reasons)
    assert left.usage.prompt_tokens == opened.usage.prompt_tokens
    assert left.usage.completion_tokens == opened.usage.completion_tokens


async def test_reasoning_cannot_end_an_answer_that_owes_a_constraint(worker: WorkerProcess) -> None:
    reply = await ask(
        worker,
        chat(
            "What is 2+2?",
            template=REASONER,
            thinking=Thinking(enabled=True, budget=4),
            constraint=Constraint(kind="choice", value=["four", "five"]),
            sampling=SamplingParams(temperature=0.0, logit_bias={END: 100.0}),
            max_tokens=24,
        ),
    )
    assert reply.usage.reasoning_tokens == 4
    assert reply.text in {"four", "five"}
    assert reply.reasons == [FinishReason.STOP]


async def test_thinking_off_gives_the_answer_alone(worker: WorkerProcess) -> None:
    reply = await ask(worker, chat("What is 2+2?", template=REASONER, max_tokens=8))
    assert reply.reasoning == ""
    assert reply.usage.reasoning_tokens == 0


async def test_thinking_off_stops_a_model_that_thinks_all_the_same(worker: WorkerProcess) -> None:
    reply = await ask(worker, chat("say six", template=COPIED, max_tokens=16, stop=("\n\n",)))
    assert reply.reasoning == "" and reply.usage.reasoning_tokens == 0
    assert reply.text and "think>" not in reply.text
    assert sum(chunk.tokens for chunk in reply.chunks) == reply.usage.completion_tokens <= 16


async def test_max_tokens_is_exact_also_where_it_cuts_the_mark_that_closes_reasoning(
    worker: WorkerProcess,
) -> None:
    thinking = Thinking(enabled=True, budget=5)
    asked = chat("2+2?", template=REASONER, thinking=thinking, max_tokens=20)
    whole = await ask(worker, asked)
    for most in (5, 6, 8):
        cut = await ask(worker, msgspec.structs.replace(asked, max_tokens=most))
        assert cut.usage.completion_tokens == sum(chunk.tokens for chunk in cut.chunks) == most
        assert (cut.reasoning, cut.text) == (whole.reasoning, "")
        assert (cut.usage.reasoning_tokens, cut.reasons) == (5, [FinishReason.LENGTH])


async def test_the_logprobs_of_an_answer_after_reasoning_are_those_of_its_text(worker: WorkerProcess) -> None:
    asked = chat(
        "2+2?",
        template=REASONER,
        thinking=Thinking(enabled=True, budget=3),
        sampling=SamplingParams(temperature=0.0, logprobs=True),
        max_tokens=12,
    )
    reply = await ask(worker, asked)
    assert reply.text and "".join(entry.token for entry in reply.logprobs) == reply.text


async def test_thinking_asked_of_a_model_without_it_is_refused(worker: WorkerProcess) -> None:
    with pytest.raises(Unsupported) as raised:
        await ask(worker, chat("Hi", thinking=Thinking(enabled=True)))
    assert raised.value.details["param"] == "thinking"
