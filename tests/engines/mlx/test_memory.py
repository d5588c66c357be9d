"""The memory estimate: what a model needs, what context fits, and when a load is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engines.mlx.memory import MemoryPlan, Shape, plan_memory, shape_of
from ingle.errors import OutOfMemory

GB = 10**9
QWEN_1_7B = {
    "hidden_size": 2048,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 6144,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
}
FOUND = shape_of(QWEN_1_7B)
assert FOUND is not None
SHAPE: Shape = FOUND


def plan(free: int, asked: int = 4096, slots: int = 4, shape: Shape | None = SHAPE) -> MemoryPlan:
    return plan_memory(
        "qwen", 968_000_000, shape, asked=asked, slots=slots, prefill_rows=256, kept=0, free=free
    )


def test_a_shape_counts_its_cache_as_the_model_keeps_it() -> None:
    # 28 layers x 2 (keys, values) x 8 heads x 128 x 2 bytes
    assert SHAPE.bytes_per_token == 114_688
    assert shape_of({"text_config": QWEN_1_7B}) == SHAPE
    assert shape_of({"model_type": "something else"}) is None


def test_what_fits_is_given_as_asked_without_a_word() -> None:
    found = plan(16 * GB)
    assert (found.context, found.note) == (4096, "")
    assert found.cache == 4 * 4096 * SHAPE.bytes_per_token
    assert found.total < 16 * GB


def test_a_context_that_does_not_fit_is_cut_and_said() -> None:
    found = plan(2 * GB)
    assert 512 <= found.context < 4096 and found.context % 256 == 0
    assert "cut from 4096" in found.note and "2.0 GB" in found.note
    assert found.total <= 2 * GB


def test_a_model_is_never_given_more_context_than_it_was_trained_for() -> None:
    found = plan(64 * GB, asked=100_000, slots=1)
    assert found.context == 40960 and "trained" in found.note


def test_a_model_that_cannot_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(OutOfMemory) as refusal:
        plan(1 * GB)
    assert refusal.value.details["free"] == 1 * GB
    assert refusal.value.details["needed"] > 968_000_000
    with pytest.raises(OutOfMemory):
        plan(1 * GB // 2, shape=None)


def test_an_unknown_shape_bounds_nothing_but_the_weights() -> None:
    assert plan(2 * GB, shape=None).context == 4096


@given(
    free=st.integers(10**8, 10**12),
    asked=st.integers(1, 200_000),
    slots=st.integers(1, 64),
    kv_bytes=st.sampled_from([2, 4]),
)
def test_a_plan_never_promises_more_than_is_free(free: int, asked: int, slots: int, kv_bytes: int) -> None:
    shape = msgspec.structs.replace(SHAPE, kv_bytes=kv_bytes)
    try:
        found = plan(free, asked, slots, shape)
    except OutOfMemory:
        return
    assert 1 <= found.context <= min(asked, 40960)
    assert found.total <= free
