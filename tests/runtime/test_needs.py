"""What a load is said to take, for each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.runtime.needs import Wants, need_of
from tests.runtime.fakes import make_config, make_snapshot


@pytest.mark.parametrize("engine", ["mlx", "llamacpp"])
def test_real_engines_make_do_with_a_shorter_context(tmp_path: Path, engine: str) -> None:
    snapshot, config = make_snapshot("org/tiny", tmp_path), make_config(tmp_path)
    long = Wants(context=100_000)
    found = need_of(snapshot, engine, long, config, None)
    assert found.least is not None and found.least <= found.bytes
    assert found.within(0).bytes == found.least and found.within(found.bytes + 1) == found
    assert found.within(0).spec == found.spec
    other = need_of(snapshot, "scripted", long, config, None)
    assert other.least is None and other.within(0) == other
