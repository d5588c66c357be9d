"""What an answer of the MLX engine is: every parameter has its effect, and ends are what they say."""

from __future__ import annotations

import math

import pytest

from ingle.engines.base import Engine
from ingle.errors import InvalidRequest, NoChatTemplate, PromptTooLong
from ingle.generation import FinishReason, Generation, Message, Role, SamplingParams
from tests.engines.mlx.asking import GREEDY, ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_random
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

ALPHABET = "abcdefghijklmnopqrstuvwxyz"
A = 64  # the id of "a" among the tiny tokenizer's bytes


def test_the_answer_is_the_models_own_until_it_stops(alphabet: Engine) -> None:
    answer = ask(alphabet, chat())
    assert (answer.text, answer.reasons) == (ALPHABET, [FinishReason.STOP])
    assert answer.usage.completion_tokens == 26


def test_max_tokens_ends_an_answer_with_length(alphabet: Engine) -> None:
    answer = ask(alphabet, chat(max_tokens=5))
    assert (answer.text, answer.reasons) == ("abcde", [FinishReason.LENGTH])
    assert answer.usage.completion_tokens == 5


def test_a_stop_string_across_tokens_is_never_shown(alphabet: Engine) -> None:
    answer = ask(alphabet, chat(stop=("xx", "hij")))
    assert (answer.text, answer.reasons) == ("abcdefg", [FinishReason.STOP])


def test_text_held_back_for_a_stop_string_comes_when_the_answer_ends(alphabet: Engine) -> None:
    assert ask(alphabet, chat(stop=("yzz",))).text == ALPHABET


def test_a_bias_forbids_and_forces_tokens(alphabet: Engine) -> None:
    from tests.engines.mlx.tiny import tokenizer

    letter = tokenizer().token_to_id
    forbidden = SamplingParams(temperature=0.0, logit_bias={letter("a"): -100.0, letter("q"): 50.0})
    assert ask(alphabet, chat(sampling=forbidden, max_tokens=3)).text == "qqq"


def test_penalties_move_a_greedy_choice(random_llama: Engine) -> None:
    plain = ask(random_llama, chat(max_tokens=12)).text
    for sampling in (
        SamplingParams(temperature=0.0, repetition_penalty=50.0),
        SamplingParams(temperature=0.0, presence_penalty=90.0),
        SamplingParams(temperature=0.0, frequency_penalty=90.0),
    ):
        assert ask(random_llama, chat(sampling=sampling, max_tokens=12)).text != plain


def test_logprobs_are_normalised_and_name_the_best_first(alphabet: Engine) -> None:
    sampling = SamplingParams(temperature=0.0, logprobs=True, top_logprobs=3)
    answer = ask(alphabet, chat(sampling=sampling, max_tokens=4))
    found = [entry for chunk in answer.chunks for entry in chunk.logprobs]
    assert [entry.token for entry in found] == list("abcd")
    for entry in found:
        assert len(entry.top) == 3
        assert entry.top[0] == (entry.token, entry.logprob)
        assert entry.logprob <= 0 and sum(math.exp(value) for _, value in entry.top) <= 1.001


def test_logprobs_are_the_models_own_at_every_step_though_a_bias_steers(alphabet: Engine) -> None:
    from tests.engines.mlx.tiny import tokenizer

    always = {tokenizer().token_to_id("q"): 50.0}
    sampling = SamplingParams(temperature=0.0, logit_bias=always, logprobs=True, top_logprobs=1)
    answer = ask(alphabet, chat(sampling=sampling, max_tokens=3))
    found = [entry for chunk in answer.chunks for entry in chunk.logprobs]
    assert [entry.token for entry in found] == list("qqq")
    assert [entry.top[0][0] for entry in found] == list("arr")
    assert all(entry.logprob < entry.top[0][1] for entry in found)


def test_several_choices_are_told_apart_and_counted_together(alphabet: Engine) -> None:
    answer = ask(alphabet, chat(n=6, max_tokens=3))
    assert [answer.of(index) for index in range(6)] == ["abc"] * 6
    assert answer.usage.completion_tokens == 18
    assert len(answer.reasons) == 6


def test_choices_of_one_seed_differ_from_each_other_and_not_between_runs(random_llama: Engine) -> None:
    hot = chat(sampling=SamplingParams(temperature=1.5, seed=11), n=2, max_tokens=10)
    first, second = ask(random_llama, hot), ask(random_llama, hot)
    assert [first.of(0), first.of(1)] == [second.of(0), second.of(1)]
    assert first.of(0) != first.of(1)


def test_a_seed_gives_the_same_text_alone_and_in_a_batch(random_llama: Engine) -> None:
    def hot(seed: int) -> Generation:
        sampling = SamplingParams(temperature=1.2, top_p=0.95, top_k=50, min_p=0.01, seed=seed)
        return chat("a story", sampling=sampling, max_tokens=16)

    alone = [ask(random_llama, hot(seed)).chunks[:-1] for seed in range(4)]
    together = [begin(random_llama, f"s{seed}", hot(seed)) for seed in range(4)]
    assert [answer.wait().chunks[:-1] for answer in together] == alone
    assert len({str(chunks) for chunks in alone}) == 4


def test_greedy_text_is_the_same_alone_and_in_a_batch(random_llama: Engine) -> None:
    prompts = ["x", "a longer prompt", "b" * 300, "the last of four"]
    alone = [ask(random_llama, chat(text, max_tokens=16)).text for text in prompts]
    together = [begin(random_llama, text, chat(text, max_tokens=16)) for text in prompts]
    assert [answer.wait().text for answer in together] == alone


def test_a_loop_ends_with_its_own_reason_when_asked(alphabet: Engine) -> None:
    from tests.engines.mlx.tiny import tokenizer

    same = SamplingParams(temperature=0.0, logit_bias={tokenizer().token_to_id("h"): 100.0})
    answer = ask(alphabet, chat(sampling=same, stop_on_loop=True, max_tokens=400))
    assert answer.reasons == [FinishReason.LOOP]
    assert ask(alphabet, chat(sampling=same, max_tokens=60)).reasons == [FinishReason.LENGTH]


def test_a_plain_prompt_is_continued_without_a_template(alphabet: Engine) -> None:
    answer = ask(alphabet, Generation(prompt="klm", sampling=GREEDY, max_tokens=3))
    assert (answer.text, answer.usage.prompt_tokens) == ("nop", 3)


def test_a_prompt_that_is_too_long_is_refused_with_both_numbers(alphabet: Engine) -> None:
    answer = ask(alphabet, Generation(prompt="a" * 1024, sampling=GREEDY))
    assert isinstance(answer.error, PromptTooLong)
    assert (answer.error.details["tokens"], answer.error.details["limit"]) == (1024, 1024)


def test_the_context_ends_an_answer_that_would_outgrow_it(alphabet: Engine) -> None:
    answer = ask(alphabet, Generation(prompt="a" * 1020, sampling=GREEDY))
    assert (answer.text, answer.reasons) == ("bcde", [FinishReason.LENGTH])


def test_a_wrong_value_fails_its_request_and_no_other(alphabet: Engine) -> None:
    wrong = begin(alphabet, "wrong", chat(sampling=SamplingParams(top_p=7.0)))
    right = begin(alphabet, "right", chat())
    assert isinstance(wrong.wait().error, InvalidRequest)
    assert right.wait().text == ALPHABET


def test_a_model_without_a_template_refuses_chat_and_completes_text(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    from ingle.engines.mlx.engine import open_engine

    engine = open_engine(
        mlx_snapshot(write_random(tmp_path_factory.mktemp("bare") / "m", template=None)), OPTIONS
    )
    try:
        assert not engine.info.chat_template
        assert isinstance(ask(engine, chat()).error, NoChatTemplate)
        with pytest.raises(NoChatTemplate):
            engine.render((Message(role=Role.USER, content="x"),))
        assert ask(engine, Generation(prompt="x", sampling=GREEDY, max_tokens=2)).usage.completion_tokens == 2
    finally:
        engine.close()


def test_counting_renders_and_counts_like_a_request(alphabet: Engine) -> None:
    assert alphabet.count_tokens(chat()) == ask(alphabet, chat(max_tokens=1)).usage.prompt_tokens
    assert alphabet.render((Message(role=Role.USER, content="x"),)).endswith("<|im_start|>assistant\n")
