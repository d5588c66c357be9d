"""What a load is said to take, for each engine."""

from __future__ import annotations

from pathlib import Path

import msgspec
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


@pytest.mark.parametrize("engine", ["mlx", "llamacpp"])
def test_a_context_that_no_engine_would_open_is_not_counted(tmp_path: Path, engine: str) -> None:
    snapshot = msgspec.structs.replace(
        make_snapshot("org/tiny", tmp_path), context=8192, kv_bytes_per_token=50_000
    )
    config = make_config(tmp_path)
    asked = need_of(snapshot, engine, Wants(context=100_000), config, None)
    assert asked.bytes == need_of(snapshot, engine, Wants(context=8192), config, None).bytes
    assert asked.spec.options.context == 100_000
