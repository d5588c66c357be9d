"""Computes one row times a large float32 matrix in blocks that OpenBLAS multiplies without copying them.

For a single row OpenBLAS copies the whole matrix into its own order first, unless the product is small:
then it reads it as it lies. Measured on 2 cores: 576x49152 in 15 ms instead of 68, 2048x6144 in 6 instead
of 32. With several rows the copy pays and nothing is changed.
"""

from __future__ import annotations

import time
from typing import Any

import mlx.core as mx
import mlx.nn as nn

BLOCK = 1 << 19
"""Elements of a block: 442,368 and 524,288 were fast, 884,736 was not (OpenBLAS 0.3.21, AVX-512)."""

WORTH = 0.8
"""Blocks are used when a trial takes at most this share of the time of the whole."""


class BlockedLinear(nn.Linear):  # type: ignore[misc]  # mlx.nn is untyped for mypy here
    """A linear layer whose single rows go block by block."""

    def __call__(self, x: Any) -> Any:
        if x.size != x.shape[-1]:
            return super().__call__(x)
        found = _row(self, x)
        return found + self["bias"] if "bias" in self else found


class BlockedEmbedding(nn.Embedding):  # type: ignore[misc]  # mlx.nn is untyped for mypy here
    """An embedding whose weights are the output head too, block by block for single rows."""

    def as_linear(self, x: Any) -> Any:
        return super().as_linear(x) if x.size != x.shape[-1] else _row(self, x)


def use_blocks(model: Any) -> None:
    """Change, in place, the plain layers whose matrix is larger than a block."""
    for _, module in model.named_modules():
        kind = {nn.Linear: BlockedLinear, nn.Embedding: BlockedEmbedding}.get(type(module))
        if kind is not None and module.weight.size > BLOCK:
            module.__class__ = kind


def blocks_are_faster() -> bool:
    """A trial on this process's BLAS with two million elements (about 20 ms at worst)."""
    row, matrix = mx.ones((1, 1024)), mx.ones((4 * BLOCK // 1024, 1024))
    parts = _split(matrix)
    mx.eval(row, matrix, parts)
    whole = blocked = float("inf")
    for _ in range(5):
        whole = min(whole, _seconds(lambda: row @ matrix.T))
        blocked = min(blocked, _seconds(lambda: _product(row, parts)))
    return blocked <= whole * WORTH


def _row(module: Any, x: Any) -> Any:
    parts = module.get("_parts")
    if parts is None:
        # views of the weight, made at the first use; names that begin with _ are no parameters
        parts = module["_parts"] = _split(module.weight)
    return _product(x, parts)


def _split(matrix: Any) -> list[Any]:
    rows, width = matrix.shape
    count = -(-rows * width // BLOCK)
    step = -(-rows // count)
    return [matrix[start : start + step] for start in range(0, rows, step)]


def _product(x: Any, parts: list[Any]) -> Any:
    return mx.concatenate([x @ part.T for part in parts], axis=-1)


def _seconds(make: Any) -> float:
    start = time.perf_counter()
    mx.eval(make())
    return time.perf_counter() - start
