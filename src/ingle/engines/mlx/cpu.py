"""Decides how a CPU computes MLX models faster: which BLAS comes first, in which form the weights are.

MLX's own build for Linux carries the reference BLAS (about 2 GFLOP/s). OpenBLAS loaded into the process
before MLX takes its place by symbol name and is some forty times faster on float32 products. Products
of 16-bit numbers, and of packed weights with 16-bit scales, are computed one by one on a CPU: slowest.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import msgspec

_NAMES = ("libopenblas.so.0", "libopenblasp.so.0", "libopenblas.so")
_FOLDERS = (
    "/usr/lib/*-linux-gnu/openblas-pthread",
    "/usr/lib/*-linux-gnu/openblas-openmp",
    "/usr/lib/*-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib64",
    "/usr/local/lib",
)
"""Where Debian, Fedora, Arch and hand-made builds put OpenBLAS; threaded builds first."""

FREE_SHARE = 0.8
"""Of the free memory, what float32 weights may take: caches and other programs keep room."""

FAST_GFLOPS = 6.0
"""The reference BLAS does about 2 on one core of 2020, any optimised one 30 and more."""


class CpuWeights(StrEnum):
    """The form in which the CPU computes. AS_SHIPPED changes nothing; FLOAT32_SCALES keeps packed weights
    and widens their scales and every other tensor; FLOAT32 unpacks everything."""

    AS_SHIPPED = "as-shipped"
    FLOAT32_SCALES = "float32-scales"
    FLOAT32 = "float32"


class CpuPlan(msgspec.Struct, frozen=True):
    """What to do with the weights, and one sentence for people."""

    weights: CpuWeights
    why: str


def plan_cpu(cpu_mode: str, *, fast_blas: bool, packed: bool, float32_bytes: int, free_bytes: int) -> CpuPlan:
    """The form of the weights that is fastest here and fits. Sizes in bytes.

    `fast_blas`: an optimised BLAS is in this process. `packed`: the weights are quantised. "on" asks for
    float32 whatever the BLAS, "off" for the weights as they are; "auto" takes what measured faster:
    with OpenBLAS float32 weights win everywhere; without it, unpacking gains nothing (1.4 against 1.3 ms
    for one row of 576x1536), but float32 scales are 10 to 30 times faster than 16-bit ones.
    """
    if cpu_mode == "off":
        return CpuPlan(CpuWeights.AS_SHIPPED, "CPU mode is off: the weights compute as they were shipped.")
    fits = float32_bytes <= free_bytes * FREE_SHARE
    size = f"{float32_bytes / 1e9:.1f} GB"
    if fits and (fast_blas or cpu_mode == "on"):
        blas = "OpenBLAS" if fast_blas else "MLX's own BLAS, for want of OpenBLAS"
        return CpuPlan(CpuWeights.FLOAT32, f"CPU mode: float32 weights ({size}), {blas}.")
    if fits:
        reason = "no OpenBLAS on this system, so unpacking them gains nothing"
    else:
        reason = f"unpacked they would need {size} and {free_bytes / 1e9:.1f} GB are free"
    if packed:
        return CpuPlan(CpuWeights.FLOAT32_SCALES, f"CPU mode: packed weights, float32 arithmetic ({reason}).")
    return CpuPlan(CpuWeights.AS_SHIPPED, f"The weights compute as they were shipped ({reason}).")


def find_openblas(system: str, matches: Callable[[str], list[Path]] | None = None) -> Path | None:
    """The system's OpenBLAS; None when there is none or `system` is not Linux (macOS has Accelerate)."""
    if system != "linux":
        return None
    matches = matches or _matches
    for folder in _FOLDERS:
        for name in _NAMES:
            found = matches(f"{folder}/{name}")
            if found:
                return found[0]
    return None


def load_openblas(system: str = sys.platform) -> Path | None:
    """Put the system's OpenBLAS in front of MLX's BLAS. Only works before `mlx.core` is imported.

    A library opened with RTLD_GLOBAL is searched before the neighbours of libraries opened later, as a
    preloaded one is. None when there is none, or it does not load.
    """
    path = find_openblas(system)
    if path is None or "mlx.core" in sys.modules:
        return None
    try:
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None
    return path


def measure_gflops() -> float:
    """Float32 products a second of this process's MLX on the CPU, best of eight (about 20 ms at worst)."""
    import mlx.core as mx

    rows, size = 32, 256
    left, right = mx.ones((rows, size)), mx.ones((size, size))
    mx.eval(left, right)
    best = 0.0
    for _ in range(8):
        start = time.perf_counter()
        mx.eval(left @ right)
        best = max(best, 2 * rows * size * size / (time.perf_counter() - start) / 1e9)
    return best


def _matches(pattern: str) -> list[Path]:
    return sorted(Path("/").glob(pattern.lstrip("/")))
