"""What MLX keeps of freed memory goes back to the system when nobody asks, after a failure and after a model left.

Measured, not counted in calls: `mx.get_cache_memory` is what MLX holds of memory that no array uses.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from ingle.engines.base import EngineOptions
from ingle.engines.mlx.engine import open_engine
from ingle.generation import Generation
from tests.engines.mlx.asking import GREEDY, ask
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_alphabet
from tests.engines.mlx.troubled import troubled
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

MB = 10**6
NOTHING = 64 * 1024  # bytes: a few scalars


class Meter:
    """Reads, before each forward pass, how much freed memory MLX keeps; the pass `failing` runs out of memory."""

    def __init__(self, failing: int | None = None) -> None:
        self.kept: list[int] = []
        self._failing = failing

    def __call__(self, tokens: Any) -> None:
        import mlx.core as mx

        self.kept.append(mx.get_cache_memory())
        if len(self.kept) - 1 == self._failing:
            raise RuntimeError("[malloc_or_wait] Unable to allocate 123456789 bytes.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_alphabet(tmp_path / "model")


def long(mark: str) -> Generation:
    return Generation(prompt=mark * 400, sampling=GREEDY, max_tokens=8)


def test_between_two_requests_nothing_freed_is_kept(folder: Path) -> None:
    meter = Meter()
    engine = troubled(folder, meter)
    try:
        assert ask(engine, long("b"), "first").error is None
        while_it_answered, passes = max(meter.kept), len(meter.kept)
        assert ask(engine, long("c"), "second").error is None
    finally:
        engine.close()
    assert while_it_answered > MB
    assert meter.kept[passes] < NOTHING


def test_what_a_failed_step_freed_goes_back_before_the_retry(folder: Path) -> None:
    meter = Meter(failing=6)
    engine = troubled(folder, meter)
    try:
        assert ask(engine, long("b")).error is None
    finally:
        engine.close()
    assert meter.kept[6] > MB
    assert meter.kept[7] < NOTHING


@pytest.mark.parametrize("cpu_mode", ["on", "off"])
def test_a_model_that_left_leaves_nothing(folder: Path, cpu_mode: str) -> None:
    import mlx.core as mx

    gc.collect()
    before = mx.get_active_memory()
    options = EngineOptions(context=OPTIONS.context, slots=1, cpu_mode=cpu_mode)
    engine = open_engine(mlx_snapshot(folder), options)
    assert mx.get_cache_memory() < NOTHING  # what the load itself had freed
    assert ask(engine, long("b")).error is None
    assert mx.get_active_memory() > before + MB
    engine.close()
    gc.collect()
    assert mx.get_cache_memory() < NOTHING
    assert mx.get_active_memory() < before + NOTHING
