"""The prefix cache: the longest shared beginning, exact copies, a bound in bytes; and warm second turns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.base import Engine
from ingle.engines.mlx.engine import open_engine
from ingle.engines.mlx.lean import import_mlx_lm
from ingle.generation import Generation, Message, Role
from tests.engines.mlx.asking import GREEDY, ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_random
from tests.models import mlx_snapshot

import_mlx_lm()

import mlx.core as mx  # noqa: E402  (after the lean import)
from mlx_lm.models.cache import KVCache, RotatingKVCache  # noqa: E402  (as above)

from ingle.engines.mlx.prefixes import PrefixCache  # noqa: E402  (as above)

pytestmark = pytest.mark.slow

ONE = 2 * 4 * 2  # bytes of one token in a cache of one head with two float32 dimensions


def caches(tokens: Sequence[int], kind: Any = KVCache) -> list[Any]:
    made = kind() if kind is KVCache else kind(max_size=4)
    keys = mx.array([[[[float(token), 0.0] for token in tokens]]])
    made.update_and_fetch(keys, keys)
    made.keys, made.values = made.keys[..., : made.offset, :], made.values[..., : made.offset, :]
    return [made]


def held(cache: list[Any]) -> list[float]:
    return [float(row[0]) for row in cache[0].keys[0, 0].tolist()[: cache[0].offset]]


def test_the_longest_shared_beginning_is_found_and_cut_to_fit() -> None:
    kept = PrefixCache(10**6)
    kept.keep([1, 2, 3, 4, 5], caches([1, 2, 3, 4, 5]))
    kept.keep([1, 2, 9], caches([1, 2, 9]))
    cache, covered = kept.fetch([1, 2, 3, 4, 7, 8])
    assert cache is not None
    assert (covered, held(cache)) == (4, [1.0, 2.0, 3.0, 4.0])
    assert kept.fetch([2, 3]) == (None, 0)


def test_one_token_is_always_left_to_compute() -> None:
    kept = PrefixCache(10**6)
    kept.keep([1, 2, 3], caches([1, 2, 3]))
    assert kept.fetch([1, 2, 3])[1] == 2
    assert kept.fetch([1]) == (None, 0)
    assert kept.fetch([]) == (None, 0)


def test_what_is_fetched_is_a_copy() -> None:
    kept = PrefixCache(10**6)
    kept.keep([1, 2, 3], caches([1, 2, 3]))
    cache, _ = kept.fetch([1, 2, 3, 4])
    assert cache is not None
    more = mx.array([[[[8.0, 0.0]]]])
    cache[0].update_and_fetch(more, more)
    again, _ = kept.fetch([1, 2, 3, 4])
    assert again is not None and held(again) == [1.0, 2.0, 3.0]


def test_the_bound_holds_and_the_longest_unused_leaves_first() -> None:
    kept = PrefixCache(9 * ONE)
    for first in (1, 2, 3):
        kept.keep([first, 0, 0], caches([first, 0, 0]))
    assert (len(kept), kept.size) == (3, 9 * ONE)
    kept.fetch([1, 0, 0, 5])
    kept.keep([4, 0, 0], caches([4, 0, 0]))
    assert kept.size <= 9 * ONE
    assert kept.fetch([1, 0, 0, 5])[1] == 3
    assert kept.fetch([2, 0, 0, 5]) == (None, 0)
    kept.keep([7] * 10, caches([7] * 10))
    assert kept.fetch([7] * 11) == (None, 0)
    kept.clear()
    assert kept.size == 0


def test_a_longer_entry_takes_the_place_of_its_own_beginning() -> None:
    kept = PrefixCache(10**6)
    kept.keep([1, 2], caches([1, 2]))
    kept.keep([1, 2, 3], caches([1, 2, 3]))
    kept.keep([1], caches([1]))
    assert len(kept) == 1


def test_a_cache_that_cannot_be_cut_serves_only_what_continues_it() -> None:
    kept = PrefixCache(10**6)
    kept.keep([1, 2, 3, 4, 5], caches([1, 2, 3, 4, 5], RotatingKVCache))
    assert kept.fetch([1, 2, 3, 9]) == (None, 0)
    assert kept.fetch([1, 2, 3, 4, 5, 6])[1] == 5


def turns(answer: str) -> Generation:
    said = (
        Message(role=Role.USER, content="the first question, long enough to matter"),
        Message(role=Role.ASSISTANT, content=answer),
        Message(role=Role.USER, content="and the second"),
    )
    return Generation(messages=said, sampling=GREEDY, max_tokens=5)


@pytest.mark.parametrize("kind", ["llama", "gemma3_text"])
def test_the_second_turn_of_a_chat_is_warm_and_says_the_same(tmp_path: Path, kind: str) -> None:
    """gemma3_text has rotating caches of 16 tokens: there only the snapshot before the tail can help."""
    rotating = {"sliding_window": 16, "sliding_window_pattern": 2, "head_dim": 8}
    special: dict[str, Any] = rotating if kind == "gemma3_text" else {}
    snapshot = mlx_snapshot(write_random(tmp_path / "model", kind=kind, **special))
    first = chat("the first question, long enough to matter", max_tokens=5)
    engine = open_engine(snapshot, OPTIONS)
    try:
        opened = ask(engine, first)
        assert opened.usage.cached_tokens == 0
        warm = ask(engine, turns("something else than was said"))
    finally:
        engine.close()
    # at least everything up to where the assistant's turn was opened
    assert warm.usage.cached_tokens >= opened.usage.prompt_tokens - len("<|im_start|>assistant\n") - 1
    cold_engine = open_engine(snapshot, msgspec.structs.replace(OPTIONS, prompt_cache_bytes=0))
    try:
        cold = ask(cold_engine, turns("something else than was said"))
    finally:
        cold_engine.close()
    assert cold.usage.cached_tokens == 0
    assert cold.text == warm.text


def test_requests_that_come_together_share_the_system_prompt_of_an_earlier_one(random_llama: Engine) -> None:
    def asked(text: str) -> Generation:
        system = Message(role=Role.SYSTEM, content="You are the same for everybody. " * 4)
        return Generation(
            messages=(system, Message(role=Role.USER, content=text)), sampling=GREEDY, max_tokens=4
        )

    ask(random_llama, asked("zero"))
    later = [begin(random_llama, f"l{i}", asked(f"{i}")) for i in range(4)]
    assert all(answer.wait().usage.cached_tokens > 128 for answer in later)
