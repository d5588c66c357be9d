"""The few facts of a weight file's header that a listing needs, small enough to be remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from ingle.catalog import gguf, safetensors
from ingle.catalog.window import Readable


class GgufFacts(msgspec.Struct, frozen=True, kw_only=True, tag="gguf", omit_defaults=True):
    """Of one GGUF file: `needed` is how many bytes it must have; `split` is (number from 0, count)."""

    needed: int
    parameters: int
    kind: str = "model"
    architecture: str | None = None
    context: int | None = None
    quantization: str | None = None
    split: tuple[int, int] | None = None
    kv_bytes_per_token: int | None = None


class SafetensorsFacts(msgspec.Struct, frozen=True, kw_only=True, tag="safetensors", omit_defaults=True):
    """Of one safetensors file: `needed` is how many bytes it must have exactly.

    `plain` counts numbers that are stored as such, `scales` the scales of MLX-quantised weights, each
    of which stands for one group of numbers.
    """

    needed: int
    plain: int
    scales: int = 0
    mlx: bool = False

    def parameters(self, group_size: int | None) -> int:
        """Numbers the file's part of the model has; `group_size` is that of `config.json`."""
        return self.plain + self.scales * (group_size or 64)


Facts = GgufFacts | SafetensorsFacts


class Shelf(Protocol):
    """Files of one folder, wherever they lie. Paths are relative, with `/`."""

    def sizes(self) -> dict[str, int]:
        """Every file that can be read, with its size in bytes."""

    def dangling(self) -> frozenset[str]:
        """Names that stand there while the bytes behind them are gone or cannot be read."""

    def read(self, path: str, limit: int) -> bytes:
        """The first `limit` bytes of a file. Raises `OSError`."""

    def facts(self, path: str) -> Facts:
        """The header of a weight file. Raises `MalformedModel` and `OSError`."""


def is_safetensors(path: Path | str) -> bool:
    """Which of the two headers `read_facts` looks for in a weight file of this name."""
    return str(path).lower().endswith(".safetensors")


def read_facts(file: Readable, *, path: Path | str, size: int | None = None) -> Facts:
    """The facts of a weight file whose name ends in `.gguf` or `.safetensors`. Raises `MalformedModel`."""
    if is_safetensors(path):
        return _safetensors_facts(safetensors.read_header(file, path=path, size=size))
    header = gguf.read_header(file, path=path, size=size)
    return GgufFacts(
        needed=header.needed,
        parameters=header.parameters,
        kind=header.kind,
        architecture=header.architecture,
        context=header.context,
        quantization=header.quantization,
        split=header.split,
        kv_bytes_per_token=header.kv_bytes_per_token,
    )


def _safetensors_facts(header: safetensors.SafetensorsHeader) -> SafetensorsFacts:
    return SafetensorsFacts(needed=header.needed, plain=header.plain, scales=header.groups, mlx=header.mlx)
