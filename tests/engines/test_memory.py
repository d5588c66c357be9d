"""The memory estimate: what a model needs, what context fits, and when a load is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.catalog.gguf import Counted, GgufHeader
from ingle.engines.memory import Load, MemoryPlan, Shape, gguf_shape, plan_memory, shape_of, windowed
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
TOKEN = 114_688  # bytes: 28 layers x 2 (keys, values) x 8 heads x 128 x 2 bytes


def header(kind: str = "qwen3", vocabulary: int = 151936, **keys: Any) -> GgufHeader:
    own = {
        "block_count": 28,
        "embedding_length": 2048,
        "feed_forward_length": 6144,
        "attention.head_count": 16,
        "attention.head_count_kv": 8,
        "attention.key_length": 128,
        "attention.value_length": 128,
        "context_length": 40960,
    } | {name.replace("__", "."): value for name, value in keys.items()}
    metadata = {f"{kind}.{name}": value for name, value in own.items() if value is not None}
    metadata |= {"general.architecture": kind, "tokenizer.ggml.tokens": Counted(vocabulary)}
    return GgufHeader(version=3, metadata=metadata, tensors=(), data_start=0, needed=0)


def plan(
    free: int, asked: int = 4096, slots: int = 4, shape: Shape | None = SHAPE, kept: int = 0
) -> MemoryPlan:
    load = Load(context=asked, slots=slots, rows=256, outputs=slots, kept=kept)
    return plan_memory("qwen", 968_000_000, shape, load, free=free)


def test_a_shape_counts_its_cache_as_the_model_keeps_it() -> None:
    assert SHAPE.cache_bytes(256, 256) == 256 * TOKEN
    assert SHAPE.cache_bytes(257, 256) == 512 * TOKEN
    assert shape_of({"text_config": QWEN_1_7B}) == SHAPE
    assert shape_of({"model_type": "something else"}) is None


def test_the_same_model_has_the_same_shape_in_both_formats() -> None:
    assert gguf_shape(header()) == SHAPE


def test_a_header_that_does_not_say_bounds_nothing() -> None:
    assert gguf_shape(header(attention__head_count=None)) is None
    assert gguf_shape(header(block_count=1 << 40)) is None


def test_layers_that_keep_only_the_end_of_the_context_are_counted_so() -> None:
    assert windowed(SHAPE, 28, []) == SHAPE
    short = windowed(SHAPE, 28, [1024] * 14)
    assert short.cache_bytes(1024, 256) == 1024 * TOKEN
    assert short.cache_bytes(41_216, 256) == (41_216 + 1280) * TOKEN // 2


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("gemma3", {"attention__sliding_window": 1024, "block_count": 12}),
        (
            "new",
            {"attention__sliding_window": 1024, "block_count": 12, "attention__sliding_window_pattern": 6},
        ),
        (
            "new",
            {
                "attention__sliding_window": 1024,
                "block_count": 12,
                "attention__sliding_window_pattern": (*[True] * 5, False, *[True] * 5, False),
            },
        ),
    ],
    ids=["known family", "period", "list"],
)
def test_a_gguf_header_tells_which_layers_keep_only_the_end(kind: str, keys: dict[str, Any]) -> None:
    found = gguf_shape(header(kind, **keys))
    assert found is not None
    assert (found.cache_width, found.window_width, found.window) == (2 * 2 * 8 * 128, 10 * 2 * 8 * 128, 1024)


def test_layers_without_keys_and_values_cost_nothing() -> None:
    found = gguf_shape(header(attention__head_count_kv=(8, 0) * 14))
    assert found is not None and found.cache_bytes(256, 256) == 256 * TOKEN // 2


def test_a_window_in_no_known_pattern_is_not_counted_on() -> None:
    found = gguf_shape(header("phi3", attention__sliding_window=2048))
    assert found is not None and found.window_width == 0


def test_what_fits_is_given_as_asked_without_a_word() -> None:
    found = plan(16 * GB)
    assert (found.context, found.note) == (4096, "")
    assert found.cache == 4 * 4096 * TOKEN
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


def test_prompts_that_may_return_take_a_quarter_of_what_is_left_at_most() -> None:
    asked = 256 * 1024 * 1024
    assert plan(16 * GB, kept=asked).kept == asked
    tight = plan(1_500_000_000, kept=asked)
    assert tight.kept == int((1_350_000_000 - 968_000_000) * 0.25) and tight.context >= 512
    assert "Kept prompts cut from" in tight.note and plan(16 * GB, kept=asked).note == ""
    unknown = plan(2 * GB, shape=None, kept=10 * GB)
    assert unknown.kept < GB and unknown.note.startswith("Context not bounded") and "prompts" in unknown.note


def test_an_unknown_shape_bounds_nothing_but_the_weights() -> None:
    assert plan(2 * GB, shape=None).context == 4096


@given(
    free=st.integers(10**8, 10**12),
    asked=st.integers(1, 200_000),
    slots=st.integers(1, 64),
    kv_bytes=st.sampled_from([2, 4]),
    short=st.integers(0, 28),
)
def test_a_plan_is_the_longest_that_promises_no_more_than_is_free(
    free: int, asked: int, slots: int, kv_bytes: int, short: int
) -> None:
    shape = windowed(msgspec.structs.replace(SHAPE, kv_bytes=kv_bytes), 28, [1024] * short)
    try:
        found = plan(free, asked, slots, shape)
    except OutOfMemory:
        return
    wanted = min(asked, 40960)
    assert 1 <= found.context <= wanted
    assert found.total <= free
    if found.context < wanted and found.context + 256 <= wanted:
        longer = plan(10**15, found.context + 256, slots, shape)
        assert longer.total > free * 0.9 - 1
