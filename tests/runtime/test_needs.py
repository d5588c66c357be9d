"""What a load is said to take, for each engine."""

from __future__ import annotations

from pathlib import Path

from ingle.runtime.needs import Wants, need_of
from tests.runtime.fakes import make_config, make_snapshot


def test_only_mlx_can_make_do_with_a_shorter_context(tmp_path: Path) -> None:
    snapshot, config = make_snapshot("org/tiny", tmp_path), make_config(tmp_path)
    long = Wants(context=100_000)
    mlx = need_of(snapshot, "mlx", long, config, None)
    assert mlx.least is not None and mlx.least <= mlx.bytes
    assert mlx.within(0).bytes == mlx.least and mlx.within(mlx.bytes + 1) == mlx
    assert mlx.within(0).spec == mlx.spec
    other = need_of(snapshot, "llamacpp", long, config, None)
    assert other.least is None and other.within(0) == other
