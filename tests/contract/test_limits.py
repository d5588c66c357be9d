"""Limits, caches, cancels and failures behave the same on both real engines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import psutil
import pytest

from ingle.errors import InvalidRequest, NoChatTemplate, PromptTooLong
from ingle.generation import FinishReason, Generation, Message, Role, SamplingParams
from ingle.worker.process import WorkerProcess
from tests.contract.asking import GREEDY, ask, chat, grammar_question, health, plain

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

CONTEXT = 1024


async def test_an_over_long_prompt_is_refused_with_the_numbers(worker: WorkerProcess) -> None:
    request = plain("word " * (CONTEXT + 50), max_tokens=4)
    tokens = await worker.count_tokens(request)
    with pytest.raises(PromptTooLong) as raised:
        await ask(worker, request)
    assert raised.value.details == {"tokens": tokens, "limit": CONTEXT}


async def test_a_context_filled_in_the_middle_of_an_answer_ends_with_length(
    bare_worker: WorkerProcess,
) -> None:
    info = bare_worker.info
    assert info is not None
    prompt = "1, 2, 3," + " 4," * 78
    room = info.context - await bare_worker.count_tokens(plain(prompt))
    assert 0 < room < 24
    reply = await ask(bare_worker, plain(prompt, sampling=SamplingParams(temperature=0.0)))
    assert reply.reasons == [FinishReason.LENGTH]
    assert reply.usage.prompt_tokens + reply.usage.completion_tokens == info.context


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Generation(), "messages"),
        (Generation(prompt="x", messages=(Message(role=Role.USER, content="x"),)), "messages"),
        (plain("x", max_tokens=0), "max_tokens"),
        (plain("x", n=99), "n"),
        (plain("x", stop=("",)), "stop"),
        (plain("x", sampling=SamplingParams(top_p=2.0)), "top_p"),
        (plain("x", sampling=SamplingParams(temperature=-1.0)), "temperature"),
        (plain("x", sampling=SamplingParams(top_logprobs=2)), "top_logprobs"),
        (plain("x", sampling=SamplingParams(logit_bias={10**9: 1.0})), "logit_bias"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_request_that_cannot_be_is_refused_by_field(
    worker: WorkerProcess, request_: Generation, named: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await ask(worker, request_)
    assert raised.value.details["param"] == named


async def test_an_empty_prompt_begins_a_text(worker: WorkerProcess) -> None:
    reply = await ask(worker, plain("", max_tokens=2))
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1, 2)


async def test_the_second_turn_of_a_chat_is_warm(worker: WorkerProcess) -> None:
    first = grammar_question(max_tokens=6)
    answer = await ask(worker, first)
    assert first.messages is not None
    longer = (
        *first.messages,
        Message(role=Role.ASSISTANT, content=answer.text),
        Message(role=Role.USER, content="Again."),
    )
    second = await ask(worker, msgspec.structs.replace(first, messages=longer, max_tokens=2))
    assert second.usage.cached_tokens >= answer.usage.prompt_tokens - 8
    assert second.usage.cached_tokens < second.usage.prompt_tokens


async def test_a_cached_prompt_gives_the_same_text(worker: WorkerProcess) -> None:
    request = plain("The three primary colours are", max_tokens=6)
    cold, warm = await ask(worker, request), await ask(worker, request)
    assert warm.text == cold.text
    assert warm.usage.cached_tokens > 0


async def test_a_closed_stream_frees_its_slot_and_others_go_on(worker: WorkerProcess) -> None:
    leaving = worker.generate(plain("1, 2, 3,", sampling=GREEDY, max_tokens=400))
    staying = asyncio.create_task(ask(worker, plain("1, 2, 3,", sampling=GREEDY, max_tokens=10)))
    await anext(leaving)
    await leaving.aclose()
    assert (await staying).usage.completion_tokens == 10
    while worker.active:
        assert (await health(worker)).ok
    assert (await health(worker)).active == 0


class Left(NamedTuple):
    """A request that was left while its prompt was read. In steps since it was asked: `told` had been made when
    the worker had heard of the cancel, `made` at the end."""

    told: int
    made: int


async def left_while_it_is_read(worker: WorkerProcess, request: Generation) -> Left | None:
    """None when the answer came before the cancel."""
    before = (await health(worker)).steps
    reading = asyncio.create_task(ask(worker, request))
    while (await health(worker)).active == 0 and not reading.done():
        pass
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await reading
    told = (await health(worker)).steps - before  # asked right behind the cancel
    while worker.active:
        assert (await health(worker)).ok
    return Left(told, (await health(worker)).steps - before) if reading.cancelled() else None


def prompts(words: int) -> Iterator[Generation]:
    """Prompts that are not in the cache, one after another; a word is four to five tokens."""
    for mark in "xyzvwpqjkb":
        yield plain(" ".join(f"{mark}{number}" for number in range(words)), max_tokens=1)


async def test_a_cancel_reaches_a_long_prefill(worker: WorkerProcess) -> None:
    for request in prompts(190):
        assert 600 < await worker.count_tokens(request) < CONTEXT
        if await left_while_it_is_read(worker, request):
            break
    else:
        raise AssertionError("every answer came before its cancel")
    assert (await ask(worker, plain("1, 2,", max_tokens=2))).usage.completion_tokens == 2


async def test_a_cancel_ends_an_answer_within_a_step(worker: WorkerProcess) -> None:
    stream = worker.generate(plain("1, 2, 3,", sampling=GREEDY, max_tokens=400))
    for _ in range(3):
        await anext(stream)
    await stream.aclose()
    await asyncio.sleep(0)  # the cancel goes out, and right behind it the question how far it is
    steps = (await health(worker)).steps
    while worker.active:
        assert (await health(worker)).ok
    # the step that was on its way, and the one in which the cancel is seen
    assert (await health(worker)).steps <= steps + 2


async def test_a_cancel_ends_a_prefill_within_a_batch_of_256_tokens(worker: WorkerProcess) -> None:
    whole, *others = prompts(240)
    tokens = await worker.count_tokens(whole)
    assert 768 < tokens < CONTEXT
    before = (await health(worker)).steps
    await ask(worker, whole)
    pieces = (await health(worker)).steps - before
    assert pieces >= tokens / 256  # no piece is larger
    for request in others:
        left = await left_while_it_is_read(worker, request)
        if left is not None and left.told + 2 < pieces:
            break
    else:
        raise AssertionError("every prompt was read before its cancel was heard")
    # the piece that was on its way, and the one in which the cancel is seen
    assert left.made <= left.told + 2


async def test_one_bad_request_leaves_the_others_in_the_batch_alone(worker: WorkerProcess) -> None:
    good = asyncio.create_task(ask(worker, plain("1, 2, 3,", max_tokens=8)))
    with pytest.raises(PromptTooLong):
        await ask(worker, plain("word " * (CONTEXT + 50)))
    assert (await good).usage.completion_tokens == 8


async def test_health_counts_steps_while_it_generates(worker: WorkerProcess) -> None:
    stream = worker.generate(plain("1, 2, 3,", max_tokens=900))
    await anext(stream)
    first = second = await health(worker)
    while second.steps == first.steps:
        assert second.ok and second.active >= 1
        second = await health(worker)
    await stream.aclose()
    assert first.ok and first.active >= 1
    assert second.steps > first.steps


async def test_no_port_is_open_and_only_one_engine_is_there(worker: WorkerProcess) -> None:
    await ask(worker, plain("1,", max_tokens=1))
    child = psutil.Process(worker.pid)
    assert child.net_connections(kind="inet") == []
    mapped = " ".join(region.path for region in child.memory_maps())
    assert ("xllamacpp" in mapped) != ("libmlx" in mapped)


async def test_chat_without_a_template_is_refused_and_plain_text_is_not(bare_worker: WorkerProcess) -> None:
    assert bare_worker.info is not None and not bare_worker.info.chat_template
    with pytest.raises(NoChatTemplate) as raised:
        await ask(bare_worker, chat("Hi"))
    assert "/completions" in raised.value.hint
    assert "--template" in raised.value.hint
    assert (await ask(bare_worker, plain("1, 2, 3,", max_tokens=2))).usage.completion_tokens == 2


async def test_a_template_given_with_the_request_makes_chat_possible(bare_worker: WorkerProcess) -> None:
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    reply = await ask(bare_worker, chat("Hi", template=template, max_tokens=2))
    assert reply.usage.completion_tokens == 2


async def test_a_template_that_does_not_parse_is_refused(worker: WorkerProcess) -> None:
    fields: dict[str, Any] = {"template": "{% if %}"}
    with pytest.raises(InvalidRequest, match="does not parse"):
        await ask(worker, chat("Hi", **fields))
