"""Decides which engine opens a model and says why; loads nothing.

`choose_engine` is pure: format, machine and wish in, a choice out. `platform_facts` looks at the
machine, without importing any engine.
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import msgspec

from ingle.catalog.model import Format
from ingle.errors import Unsupported

ENGINES = ("mlx", "llamacpp", "scripted")


class PlatformFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine offers. `metal`: an Apple Silicon GPU; `mlx_cuda`: the CUDA build of MLX is
    installed and an NVIDIA driver is loaded; `mlx` and `llamacpp`: that package is installed."""

    system: str
    machine: str
    metal: bool = False
    nvidia: bool = False
    mlx: bool = True
    mlx_cuda: bool = False
    llamacpp: bool = True


class EngineChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`engine` is a name in `ENGINES`, `device` what it is expected to compute on ("metal", "cuda",
    "cpu"); the loaded engine's own `info.device` is the last word. `why` is one sentence."""

    engine: str
    device: str
    why: str


def choose_engine(format: Format, facts: PlatformFacts, asked: str | None = None) -> EngineChoice:
    """The engine for a model of this format on this machine, or the one asked for by hand.

    Raises `Unsupported` when the asked engine is unknown, not installed, or cannot read the format.
    """
    if asked is not None and asked not in ENGINES:
        raise Unsupported(
            f"There is no engine called {asked}.", hint="The engines are mlx and llamacpp.", engine=asked
        )
    if asked == "scripted":
        return EngineChoice(
            engine="scripted", device="cpu", why="The scripted fake was asked for: no model computes here."
        )
    natural = "llamacpp" if format is Format.GGUF else "mlx"
    engine = asked or natural
    if engine != natural:
        raise Unsupported(
            f"The engine {engine} cannot open {format.value} files.",
            hint=f"Leave the choice to Ingle (it would take {natural}), or get the model in another format.",
            engine=engine,
            format=format.value,
        )
    if not (facts.llamacpp if engine == "llamacpp" else facts.mlx):
        package = "xllamacpp" if engine == "llamacpp" else "mlx and mlx-lm"
        raise Unsupported(
            f"{format.value} files need the engine {engine}, and {package} is not installed.",
            hint=f"Install {package} on a platform that has wheels for it.",
            engine=engine,
        )
    device, where = _device(engine, facts)
    reason = f"{_reads(engine, format)}, on {where}"
    return EngineChoice(
        engine=engine, device=device, why=reason + (" (asked for by hand)." if asked else ".")
    )


def platform_facts() -> PlatformFacts:
    """What this machine offers, read from the system and the installed packages (about 5 ms)."""
    system, machine = platform.system(), platform.machine()
    apple = sys.platform == "darwin" and machine == "arm64"
    nvidia = Path("/proc/driver/nvidia/version").exists()
    return PlatformFacts(
        system=system,
        machine=machine,
        metal=apple,
        nvidia=nvidia,
        mlx=find_spec("mlx") is not None and find_spec("mlx_lm") is not None,
        mlx_cuda=nvidia and any(_installed(name) for name in ("mlx-cuda", "mlx-cuda-12", "mlx-cuda-13")),
        llamacpp=find_spec("xllamacpp") is not None,
    )


def _reads(engine: str, format: Format) -> str:
    if engine == "llamacpp":
        return "llama.cpp reads GGUF files"
    return "MLX reads " + ("MLX folders" if format is Format.MLX else f"{format.value} folders")


def _device(engine: str, facts: PlatformFacts) -> tuple[str, str]:
    if facts.metal:
        return "metal", "this Mac's GPU through Metal"
    if engine == "mlx" and facts.mlx_cuda:
        return "cuda", "the NVIDIA GPU through the CUDA build of MLX"
    if facts.nvidia:
        return "cpu", f"the CPU (there is an NVIDIA GPU, but the installed {engine} build cannot use it)"
    return "cpu", "the CPU"


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
