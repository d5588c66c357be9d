"""Every sampling parameter acts, and acts the same way, on both real engines."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from ingle.generation import FinishReason, SamplingParams
from ingle.worker.process import WorkerProcess
from tests.contract.asking import EXPECTED, GREEDY, ask, chat, grammar_question, plain, sampled

pytestmark = [pytest.mark.model, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

QUESTIONS = [
    grammar_question(max_tokens=8),
    chat("Name three colours.", max_tokens=8),
    plain("The capital of France is", max_tokens=8),
]
STORY = "Once upon a time there was a"
REPETITIVE = "ha ha ha ha ha ha ha ha ha ha"


async def test_the_starter_begins_its_answer_as_it_should(worker: WorkerProcess) -> None:
    reply = await ask(worker, grammar_question(max_tokens=20))
    assert reply.text.startswith(EXPECTED)
    assert reply.usage.prompt_tokens == 42


async def test_greedy_text_is_identical_alone_and_in_a_batch(worker: WorkerProcess) -> None:
    alone = [(await ask(worker, question)).text for question in QUESTIONS]
    together = await asyncio.gather(*(ask(worker, question) for question in QUESTIONS))
    assert [reply.text for reply in together] == alone


async def test_the_same_seed_gives_the_same_text_also_in_a_batch(worker: WorkerProcess) -> None:
    request = plain(STORY, sampling=sampled(11), max_tokens=8)
    other = plain(STORY, sampling=sampled(12), max_tokens=8)
    alone = (await ask(worker, request)).text
    replies = await asyncio.gather(ask(worker, request), ask(worker, other), ask(worker, QUESTIONS[0]))
    assert replies[0].text == alone
    assert replies[1].text != alone


async def test_without_a_seed_answers_differ(worker: WorkerProcess) -> None:
    request = plain(STORY, sampling=sampled(None), max_tokens=8)
    replies = await asyncio.gather(*(ask(worker, request) for _ in range(3)))
    assert len({reply.text for reply in replies}) > 1


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"top_p": 0.01}, {"top_p": 1e-46}, {"min_p": 1.0}], ids=str)
async def test_a_filter_that_leaves_one_token_is_greedy(
    worker: WorkerProcess, narrow: dict[str, Any]
) -> None:
    greedy = await ask(worker, plain(STORY, max_tokens=6))
    filtered = await ask(worker, plain(STORY, sampling=sampled(5, **narrow), max_tokens=6))
    assert filtered.text == greedy.text


@pytest.mark.parametrize("temperature", [1e-7, 1e-38, 1e-40, 1e-300])
async def test_a_temperature_next_to_nothing_is_greedy(worker: WorkerProcess, temperature: float) -> None:
    greedy = await ask(worker, plain(STORY, max_tokens=3))
    cold = SamplingParams(temperature=temperature, seed=1)
    assert (await ask(worker, plain(STORY, sampling=cold, max_tokens=3))).text == greedy.text


async def test_top_p_counts_what_top_k_has_left(worker: WorkerProcess) -> None:
    free = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=2)
    (first,) = (await ask(worker, plain(STORY, sampling=free, max_tokens=1))).logprobs
    one, two = (math.exp(value) for _, value in first.top)
    assert one < 0.2  # the first alone is far from the top_p below, and beyond it of the two that are left
    narrow = SamplingParams(temperature=50.0, top_k=2, top_p=0.97 * one / (one + two), logprobs=True, seed=1)
    reply = await ask(worker, plain(STORY, sampling=narrow, max_tokens=1, n=8))
    assert {entry.token for entry in reply.logprobs} == {first.token}


@pytest.mark.parametrize("name", ["top_k", "min_p", "top_p"])
async def test_a_filter_leaves_the_first_few_and_more_than_one(worker: WorkerProcess, name: str) -> None:
    free = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=4)
    (told,) = (await ask(worker, plain(STORY, sampling=free, max_tokens=1))).logprobs
    share = [math.exp(value) for _, value in told.top]
    between: dict[str, Any] = {
        "top_k": 3,
        "min_p": math.sqrt(share[2] * share[3]) / share[0],
        "top_p": share[0] + share[1] + share[2] / 2,
    }
    hot = SamplingParams(temperature=50.0, seed=1, logprobs=True, **{name: between[name]})
    drawn = {
        entry.token for entry in (await ask(worker, plain(STORY, sampling=hot, max_tokens=1, n=8))).logprobs
    }
    assert len(drawn) > 1 and drawn <= {token for token, _ in told.top[:3]}


@pytest.mark.parametrize(
    "penalty",
    [{"repetition_penalty": 2.0}, {"presence_penalty": 30.0}, {"frequency_penalty": 5.0}],
    ids=str,
)
async def test_a_penalty_breaks_a_repetition(worker: WorkerProcess, penalty: dict[str, Any]) -> None:
    greedy = await ask(worker, plain(REPETITIVE, max_tokens=4))
    assert greedy.text.split()[:2] == ["ha", "ha"]
    punished = await ask(
        worker, plain(REPETITIVE, sampling=SamplingParams(temperature=0.0, **penalty), max_tokens=4)
    )
    assert "ha" not in punished.text.split()[:1]


async def test_a_bias_forbids_a_token_and_another_forces_one(worker: WorkerProcess) -> None:
    told = await ask(
        worker, plain(STORY, sampling=SamplingParams(temperature=0.0, logprobs=True), max_tokens=1)
    )
    paris = 7042  # " Paris" in the starter's vocabulary
    forced = await ask(
        worker,
        plain(STORY, sampling=SamplingParams(temperature=0.0, logit_bias={paris: 100.0}), max_tokens=2),
    )
    assert forced.text == " Paris Paris"
    assert told.text != " Paris"
    banned = await ask(
        worker,
        plain(
            "The capital of France is",
            sampling=SamplingParams(temperature=0.0, logit_bias={paris: -100.0}),
            max_tokens=2,
        ),
    )
    assert not banned.text.startswith(" Paris")


async def test_biases_without_end_say_always_and_leave_the_choice_among_them_to_the_model(
    worker: WorkerProcess,
) -> None:
    replies = [
        await ask(
            worker,
            plain(
                STORY,
                sampling=SamplingParams(temperature=0.0, logit_bias=dict.fromkeys((260, 7042, 253), bias)),
                max_tokens=2,
            ),
        )
        for bias in (100.0, 1e30, math.inf)
    ]
    assert len({reply.text for reply in replies}) == 1
    assert replies[0].text.startswith(" Paris")  # the one in the middle


async def test_every_token_that_ends_a_text_by_its_name_ends_the_answer(worker: WorkerProcess) -> None:
    for end in (0, 2):  # <|endoftext|>, which the starter's files do not name as its end, and <|im_end|>
        forced = SamplingParams(temperature=0.0, logit_bias={end: 100.0})
        reply = await ask(worker, plain(STORY, sampling=forced, max_tokens=4))
        assert (reply.text, reply.reasons) == ("", [FinishReason.STOP])
        assert reply.usage.completion_tokens == 0


async def test_logprobs_are_those_of_the_emitted_tokens(worker: WorkerProcess) -> None:
    sampling = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=3)
    reply = await ask(worker, plain("1, 2, 3, 4,", sampling=sampling, max_tokens=5))
    assert "".join(entry.token for entry in reply.logprobs) == reply.text
    assert len(reply.logprobs) == reply.usage.completion_tokens == 5
    for entry in reply.logprobs:
        assert entry.top[0][0] == entry.token  # greedy takes the most likely one
        values = [value for _, value in entry.top]
        assert values == sorted(values, reverse=True)
        assert len(values) == 3
        assert abs(values[0] - entry.logprob) < 1e-3
        assert sum(math.exp(value) for value in values) <= 1.001
    assert -1.0 < reply.logprobs[1].logprob <= 0.0


async def test_logprobs_are_the_models_own_whatever_steers_the_choice(worker: WorkerProcess) -> None:
    paris = 7042  # " Paris" in the starter's vocabulary
    free = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=1)
    steered = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=1, logit_bias={paris: 100.0})
    (own,) = (await ask(worker, plain(STORY, sampling=free, max_tokens=1))).logprobs
    (forced,) = (await ask(worker, plain(STORY, sampling=steered, max_tokens=1))).logprobs
    assert forced.token == " Paris"
    assert forced.logprob < own.logprob - 1.0
    assert forced.top[0][0] == own.token
    assert abs(forced.top[0][1] - own.logprob) < 1e-3


async def test_a_character_of_several_tokens_is_one_entry_and_half_of_one_is_not_told(
    worker: WorkerProcess,
) -> None:
    sampling = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=1)
    faces = plain("\U0001f642\U0001f643" * 4 + "\U0001f642", sampling=sampling, max_tokens=7)
    reply = await ask(worker, faces)
    assert reply.text == "\U0001f643" * 2  # three tokens each, and a third of the next
    assert [entry.token for entry in reply.logprobs] == list(reply.text)
    assert reply.usage.completion_tokens == sum(chunk.tokens for chunk in reply.chunks) == 7
    assert reply.reasons == [FinishReason.LENGTH]


async def test_a_token_that_is_not_shown_has_no_logprob_either(worker: WorkerProcess) -> None:
    mark = SamplingParams(temperature=0.0, logprobs=True, logit_bias={1: 100.0})  # <|im_start|>
    reply = await ask(worker, plain(STORY, sampling=mark, max_tokens=2))
    assert (reply.text, reply.logprobs, reply.usage.completion_tokens) == ("", [], 2)


async def test_logprobs_come_only_when_asked(worker: WorkerProcess) -> None:
    quiet = await ask(worker, plain("1, 2, 3,", max_tokens=2))
    told = await ask(
        worker, plain("1, 2, 3,", max_tokens=2, sampling=SamplingParams(temperature=0.0, logprobs=True))
    )
    assert quiet.logprobs == []
    assert [entry.top for entry in told.logprobs] == [(), ()]


async def test_max_tokens_is_exact_and_ends_with_length(worker: WorkerProcess) -> None:
    reply = await ask(worker, plain(STORY, max_tokens=5))
    assert reply.reasons == [FinishReason.LENGTH]
    assert reply.usage.completion_tokens == sum(chunk.tokens for chunk in reply.chunks) == 5


async def test_n_gives_that_many_choices_and_the_first_is_the_one_alone(worker: WorkerProcess) -> None:
    one = await ask(worker, plain(STORY, sampling=sampled(3), max_tokens=5))
    many = await ask(worker, plain(STORY, sampling=sampled(3), max_tokens=5, n=3))
    assert len(many.reasons) == 3
    assert many.text_of(0) == one.text
    assert len({many.text_of(index) for index in range(3)}) > 1
    assert many.usage.completion_tokens == 15
    assert many.usage.prompt_tokens == one.usage.prompt_tokens


async def test_the_choices_of_a_seed_are_the_same_again_also_beside_others(worker: WorkerProcess) -> None:
    three = plain(STORY, sampling=sampled(3), max_tokens=5, n=3)
    again = ask(worker, three)
    first = await ask(worker, three)
    replies = await asyncio.gather(again, ask(worker, plain(STORY, sampling=sampled(4), max_tokens=5)))
    texts = [first.text_of(index) for index in range(3)]
    assert [replies[0].text_of(index) for index in range(3)] == texts
    assert replies[1].text not in texts  # the second choice of seed 3 is not the first of seed 4


async def test_more_choices_than_slots_are_all_answered(worker: WorkerProcess) -> None:
    reply = await ask(worker, plain(STORY, sampling=GREEDY, max_tokens=2, n=6))
    assert len(reply.reasons) == 6
    assert len({reply.text_of(index) for index in range(6)}) == 1


async def test_a_stop_string_across_tokens_is_found_and_never_emitted(worker: WorkerProcess) -> None:
    whole = await ask(worker, plain("1, 2, 3, 4, 5,", max_tokens=12))
    stop = ", 8"
    assert stop in whole.text
    reply = await ask(worker, plain("1, 2, 3, 4, 5,", max_tokens=12, stop=("never", stop)))
    assert reply.text == whole.text[: whole.text.index(stop)]
    assert reply.reasons == [FinishReason.STOP]


async def test_a_sequence_that_loops_is_stopped_when_asked(worker: WorkerProcess) -> None:
    paris = 7042  # " Paris" in the starter's vocabulary
    always = SamplingParams(temperature=0.0, logit_bias={paris: 100.0})
    reply = await ask(worker, plain(STORY, sampling=always, max_tokens=60, stop_on_loop=True))
    assert reply.reasons == [FinishReason.LOOP]
    assert reply.usage.completion_tokens < 60
