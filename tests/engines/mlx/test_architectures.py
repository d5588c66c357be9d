"""The families of the curated models, each as a tiny model of its own kind, answer and batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingle.engines.mlx.engine import open_engine
from tests.engines.mlx.asking import ask, begin, chat
from tests.engines.mlx.conftest import OPTIONS
from tests.engines.mlx.tiny import write_random
from tests.models import mlx_snapshot

pytestmark = pytest.mark.slow

KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {},
    "qwen2": {},
    "qwen3": {"head_dim": 8, "rope_theta": 1e6},
    "phi3": {"rope_theta": 1e4},
    "gemma2": {"head_dim": 8, "query_pre_attn_scalar": 8},
    "gemma3_text": {"head_dim": 8, "sliding_window": 16, "sliding_window_pattern": 2},
    "mamba": {
        "state_size": 4,
        "conv_kernel": 4,
        "use_bias": False,
        "use_conv_bias": True,
        "time_step_rank": 4,
        "intermediate_size": 64,
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_family_says_the_same_alone_and_in_a_batch(tmp_path: Path, kind: str) -> None:
    engine = open_engine(mlx_snapshot(write_random(tmp_path / "model", kind=kind, **KINDS[kind])), OPTIONS)
    try:
        questions = ("x", "something rather longer than that, over the window")
        alone = [ask(engine, chat(text, max_tokens=8)).text for text in questions]
        together = [begin(engine, text, chat(text, max_tokens=8)) for text in questions]
        assert [answer.wait().text for answer in together] == alone
    finally:
        engine.close()
