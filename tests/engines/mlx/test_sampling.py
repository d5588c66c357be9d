"""Penalties are exactly their definitions; draws follow the filtered distribution and their own seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ingle.engines.checks import LARGEST_BIAS, PENALTY_WINDOW
from ingle.engines.mlx.lean import import_mlx_lm
from ingle.generation import SamplingParams

import_mlx_lm()

import mlx.core as mx  # noqa: E402  (after the lean import)

from ingle.engines.mlx.sampling import make_penalties, make_sampler  # noqa: E402  (as above)

pytestmark = pytest.mark.slow

LOGITS = np.array([[2.0, -1.0, 0.5, 3.0, -2.0, 0.0]], dtype=np.float32)
TOKENS = [3, 1, 3, 3, 2]


def penalised(sampling: SamplingParams, tokens: list[int] = TOKENS) -> list[float]:
    logits = mx.array(LOGITS)
    for apply in make_penalties(sampling):
        logits = apply(mx.array(tokens), logits)
    return [round(value, 5) for value in np.array(logits)[0].tolist()]


def test_the_repetition_penalty_divides_positive_and_multiplies_negative_logits() -> None:
    assert penalised(SamplingParams(repetition_penalty=2.0)) == [2.0, -2.0, 0.25, 1.5, -2.0, 0.0]


def test_presence_is_taken_once_and_frequency_each_time() -> None:
    found = penalised(SamplingParams(presence_penalty=0.5, frequency_penalty=0.1))
    counts = np.bincount(TOKENS, minlength=6)
    expected = LOGITS[0] - 0.1 * counts - 0.5 * (counts > 0)
    assert found == [round(float(value), 5) for value in expected]


def test_penalties_look_back_no_further_than_their_window() -> None:
    old = [0] + [1] * PENALTY_WINDOW
    assert penalised(SamplingParams(presence_penalty=1.0), old)[0] == 2.0


def test_a_repetition_penalty_acts_on_the_biased_logit() -> None:
    assert penalised(SamplingParams(repetition_penalty=2.0, logit_bias={3: 1.0, 1: 3.0}))[:4] == [
        2,
        1,
        0.25,
        2,
    ]


def test_a_bias_is_added_and_infinity_is_bounded() -> None:
    found = penalised(SamplingParams(logit_bias={0: 1.5, 4: float("inf"), 5: float("-inf")}))
    assert found[0] == 3.5 and found[4] == LARGEST_BIAS - 2 and found[5] == -LARGEST_BIAS
    assert penalised(SamplingParams()) == [2.0, -1.0, 0.5, 3.0, -2.0, 0.0]


@pytest.mark.parametrize("kind", [mx.float16, mx.bfloat16])
def test_a_bias_without_end_stays_a_number_also_where_numbers_have_16_bits(kind: Any) -> None:
    (apply,) = make_penalties(SamplingParams(logit_bias={4: float("inf"), 5: float("-inf")}))
    assert bool(mx.isfinite(apply(mx.array(TOKENS), mx.array(LOGITS, dtype=kind))).all())


@pytest.mark.parametrize(
    ("sampling", "possible"),
    [
        (SamplingParams(temperature=1.0), {0, 1, 2, 3, 4, 5}),
        (SamplingParams(temperature=1.0, top_k=2), {0, 3}),
        (SamplingParams(temperature=1.0, top_p=0.5), {3}),
        (SamplingParams(temperature=1.0, min_p=0.2), {0, 3}),
        (SamplingParams(temperature=1.0, top_k=2, top_p=0.7), {3}),  # 0.66 of all, 0.73 of the two
        (SamplingParams(temperature=0.0), {3}),
        (SamplingParams(temperature=1.0, top_k=10**6), {0, 1, 2, 3, 4, 5}),
    ],
)
def test_only_what_the_filters_leave_is_drawn(sampling: SamplingParams, possible: set[int]) -> None:
    logprobs = mx.array(LOGITS) - mx.logsumexp(mx.array(LOGITS), axis=-1, keepdims=True)
    draw = make_sampler(sampling, seed=1, vocabulary=6)
    assert {int(draw(logprobs).item()) for _ in range(400)} <= possible


def test_draws_follow_the_distribution() -> None:
    draw = make_sampler(SamplingParams(temperature=2.0), seed=4, vocabulary=6)
    counts = np.bincount([int(draw(mx.array(LOGITS)).item()) for _ in range(2000)], minlength=6)
    expected = np.exp(LOGITS[0] / 2.0) / np.exp(LOGITS[0] / 2.0).sum()
    assert np.abs(counts / 2000 - expected).max() < 0.05


def test_the_last_bits_of_the_logits_do_not_change_a_draw() -> None:
    vocabulary = 50_000
    logits = mx.random.normal((1, vocabulary), key=mx.random.key(1)) * 3
    logprobs = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    noise = 3e-6 * mx.random.normal(logits.shape, key=mx.random.key(2))
    draws = []
    for nudged in (logprobs, logprobs + noise):
        draw = make_sampler(SamplingParams(temperature=1.0), 11, vocabulary)
        draws.append([int(draw(nudged).item()) for _ in range(300)])
    assert draws[0] == draws[1]


def test_draws_follow_the_probabilities() -> None:
    wanted = [0.5, 0.3, 0.15, 0.05]
    draw = make_sampler(SamplingParams(temperature=1.0), 3, 4)
    drawn = [int(draw(mx.log(mx.array([wanted]))).item()) for _ in range(4000)]
    for token, share in enumerate(wanted):
        assert abs(drawn.count(token) / 4000 - share) < 0.03


def test_a_draw_depends_on_the_seed_and_the_step_alone() -> None:
    def drawn(seed: int, step: int, count: int) -> list[int]:
        draw = make_sampler(SamplingParams(temperature=2.0), seed, 6, step)
        return [int(draw(mx.array(LOGITS)).item()) for _ in range(count)]

    assert drawn(7, 0, 20)[12:] == drawn(7, 12, 8)
    assert drawn(7, 0, 20) != drawn(8, 0, 20)
