"""More newcomers at once than a slow machine reads tokens in a step: each is read on all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingle.engines.mlx.pace import SMALLEST_PREFILL
from ingle.generation import FinishReason, Generation, SamplingParams
from tests.engines.mlx.asking import GREEDY, begin
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_alphabet
from tests.engines.mlx.troubled import Gate, Watched

pytestmark = pytest.mark.slow

ENDLESS = SamplingParams(temperature=0.0, logit_bias={256: -100.0})


def make_slow(loaded: Any) -> Any:
    """A batch that has seen prompts read at a token a second."""
    from ingle.engines.mlx.batch import Batch

    class Slow(Batch):
        _rate = property(lambda self: 1.0, lambda self, measured: None)

    return Slow(loaded)


def test_more_newcomers_than_tokens_in_a_piece_do_not_wait_for_the_others_to_end(tmp_path: Path) -> None:
    gate, count = Gate(), SMALLEST_PREFILL + 4
    options = msgspec.structs.replace(OPTIONS, slots=count + 1)
    watched = Watched(write_alphabet(tmp_path / "model"), gate, options, make_batch=make_slow)
    try:
        gate.close()
        streaming = begin(watched.engine, "s", Generation(prompt="y", sampling=ENDLESS, max_tokens=900))
        gate.go_on_until(streaming.begun.is_set)
        asked = Generation(prompt="abcde", sampling=GREEDY, max_tokens=1)
        newcomers = [begin(watched.engine, f"new{i}", asked) for i in range(count)]
        for i in range(count):
            watched.wait_for(f"new{i}")
        gate.go_on_until(lambda: all(one.done.is_set() for one in newcomers))
        assert [one.wait().reasons for one in newcomers] == [[FinishReason.LENGTH]] * count
        assert not streaming.done.is_set()
    finally:
        gate.release()
        watched.engine.close()
