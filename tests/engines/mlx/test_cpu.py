"""The form of the weights on a CPU is chosen by what is faster and what fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.engines.mlx.cpu import CpuWeights, find_openblas, load_openblas, plan_cpu

GB = 10**9


@pytest.mark.parametrize(
    ("mode", "fast_blas", "packed", "size", "free", "expected"),
    [
        ("auto", True, True, 1 * GB, 8 * GB, CpuWeights.FLOAT32),
        ("auto", True, False, 1 * GB, 8 * GB, CpuWeights.FLOAT32),
        ("auto", False, True, 1 * GB, 8 * GB, CpuWeights.FLOAT32_SCALES),
        ("auto", False, False, 1 * GB, 8 * GB, CpuWeights.AS_SHIPPED),
        ("auto", True, True, 7 * GB, 8 * GB, CpuWeights.FLOAT32_SCALES),
        ("auto", True, False, 7 * GB, 8 * GB, CpuWeights.AS_SHIPPED),
        ("on", False, True, 1 * GB, 8 * GB, CpuWeights.FLOAT32),
        ("on", False, True, 9 * GB, 8 * GB, CpuWeights.FLOAT32_SCALES),
        ("off", True, True, 1 * GB, 8 * GB, CpuWeights.AS_SHIPPED),
    ],
)
def test_the_plan_takes_what_is_faster_and_fits(
    mode: str, fast_blas: bool, packed: bool, size: int, free: int, expected: CpuWeights
) -> None:
    plan = plan_cpu(mode, fast_blas=fast_blas, packed=packed, float32_bytes=size, free_bytes=free)
    assert plan.weights is expected
    assert plan.why.endswith(".")


def test_a_plan_that_does_not_fit_says_both_numbers() -> None:
    plan = plan_cpu("auto", fast_blas=True, packed=True, float32_bytes=7 * GB, free_bytes=8 * GB)
    assert "7.0 GB" in plan.why and "8.0 GB" in plan.why


def test_the_threaded_openblas_is_found_first() -> None:
    there = {
        "/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0": [Path("/pthread")],
        "/usr/lib64/libopenblasp.so.0": [Path("/fedora")],
    }
    assert find_openblas("linux", lambda pattern: there.get(pattern, [])) == Path("/pthread")
    there.pop("/usr/lib/*-linux-gnu/openblas-pthread/libopenblas.so.0")
    assert find_openblas("linux", lambda pattern: there.get(pattern, [])) == Path("/fedora")
    assert find_openblas("linux", lambda pattern: []) is None
    assert find_openblas("darwin", lambda pattern: [Path("/any")]) is None


def test_openblas_comes_too_late_once_mlx_is_there() -> None:
    import mlx.core

    assert mlx.core is not None
    assert load_openblas("linux") is None
