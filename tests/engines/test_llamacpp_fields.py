"""Requests in llama.cpp's words, and its three kinds of errors in ours."""

from __future__ import annotations

from typing import Any

import pytest

from ingle.engines.checks import LARGEST_BIAS
from ingle.engines.llamacpp.fields import completion_fields, read_step, translate
from ingle.errors import GenerationFailed, InvalidRequest, OutOfMemory, PromptTooLong
from ingle.generation import SamplingParams

TOO_LONG = (
    '{"code":400,"message":"request (20 tokens) exceeds","type":"exceed_context_size_error",'
    '"n_prompt_tokens":20,"n_ctx":16}'
)


def test_neutral_sampling_is_sent_as_neutral_and_not_left_to_defaults() -> None:
    fields = completion_fields([1, 2], SamplingParams(), limit=5, seed=3)
    assert (fields["top_k"], fields["top_p"], fields["min_p"], fields["repeat_penalty"]) == (0, 1.0, 0.0, 1.0)
    assert (fields["prompt"], fields["n_predict"], fields["seed"]) == ([1, 2], 5, 3)
    assert fields["return_progress"] is True
    assert not {"grammar", "n_probs", "logit_bias", "response_format", "preserved_tokens"} & set(fields)


def test_a_text_that_may_not_end_is_asked_for_as_one() -> None:
    may, must = (
        completion_fields([1], SamplingParams(), limit=1, seed=0, goes_on=on) for on in (False, True)
    )
    assert "ignore_eos" not in may and must["ignore_eos"] is True


def test_a_bias_without_end_is_a_number_that_json_has() -> None:
    sampling = SamplingParams(logit_bias={1: float("inf"), 2: float("-inf"), 3: 0.5})
    fields = completion_fields([1], sampling, limit=1, seed=0)
    assert fields["logit_bias"] == [[1, LARGEST_BIAS], [2, -LARGEST_BIAS], [3, 0.5]]


def test_every_sampling_parameter_reaches_llama_cpp() -> None:
    sampling = SamplingParams(
        temperature=0.5,
        top_p=0.9,
        top_k=7,
        min_p=0.1,
        repetition_penalty=1.2,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        logit_bias={5: -100.0},
        logprobs=True,
    )
    fields = completion_fields([1], sampling, limit=1, seed=0, grammar='start: "a"', visible=("<x>",))
    expected: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "min_p": 0.1,
        "repeat_penalty": 1.2,
        "presence_penalty": 0.3,
        "frequency_penalty": 0.4,
        "logit_bias": [[5, -100.0]],
        "n_probs": 1,
        "grammar": '%llguidance {}\nstart: "a"',
        "preserved_tokens": ["<x>"],
    }
    assert {name: fields[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (ValueError(TOO_LONG), PromptTooLong),
        ({"error": {"code": 400, "message": "bad", "type": "invalid_request_error"}}, InvalidRequest),
        ({"code": 500, "message": "failed to decode", "type": "server_error"}, GenerationFailed),
        (RuntimeError("anything"), GenerationFailed),
        (RuntimeError("failed to allocate buffer"), OutOfMemory),
        ("[1]", GenerationFailed),
    ],
)
def test_errors_are_translated_in_whatever_way_they_came(trouble: object, kind: type[Exception]) -> None:
    assert type(translate(trouble)) is kind


def test_an_over_long_prompt_keeps_both_numbers() -> None:
    assert translate(ValueError(TOO_LONG)).details == {"tokens": 20, "limit": 16}


def test_an_error_chunk_is_raised() -> None:
    with pytest.raises(GenerationFailed, match="no room"):
        read_step({"error": {"message": "no room", "type": "server_error"}}, 0)


def test_steps_of_prefill_and_decode_are_told_apart() -> None:
    prefill = read_step({"choices": [], "prompt_progress": {"processed": 5, "cache": 2, "total": 9}}, 0)
    assert (prefill.text, prefill.prefilled, prefill.cached) == ("", 5, 2)
    entry = {"token": "a", "logprob": -1.0, "top_logprobs": [{"token": "a", "logprob": -1.0}]}
    choice = {"text": "a", "finish_reason": None, "logprobs": {"content": [entry]}}
    decode = read_step({"choices": [choice], "timings": {"predicted_n": 4}}, 0)
    assert (decode.text, decode.predicted, decode.finish) == ("a", 4, None)
    assert decode.logprobs[0].token == "a"
    assert decode.logprobs[0].top == ()
