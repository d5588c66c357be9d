"""A row times a matrix in blocks is the row times the matrix, with and without a bias, tied or not."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from ingle.engines.mlx.blocks import BLOCK, BlockedEmbedding, BlockedLinear, blocks_are_faster, use_blocks


class Two(nn.Module):  # type: ignore[misc]  # mlx.nn is untyped for mypy here
    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.small = nn.Linear(8, 8, bias=bias)
        self.large = nn.Linear(64, BLOCK // 64 + 1000, bias=bias)
        self.tied = nn.Embedding(BLOCK // 64 + 77, 64)


@pytest.mark.parametrize("bias", [True, False])
def test_blocks_change_the_way_and_not_the_result(bias: bool) -> None:
    model = Two(bias)
    row, rows = mx.random.normal((1, 1, 64)), mx.random.normal((2, 3, 64))
    before = [model.large(row), model.large(rows), model.tied.as_linear(row), model.tied.as_linear(rows)]
    names = [name for name, _ in tree_flatten(model.parameters())]
    use_blocks(model)
    after = [model.large(row), model.large(rows), model.tied.as_linear(row), model.tied.as_linear(rows)]
    for one, other in zip(before, after, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-4, atol=1e-4)
    kinds = (type(model.small), type(model.large), type(model.tied))
    assert kinds == (nn.Linear, BlockedLinear, BlockedEmbedding)
    assert [name for name, _ in tree_flatten(model.parameters())] == names


def test_the_trial_decides_one_way_or_the_other() -> None:
    assert blocks_are_faster() in (True, False)
