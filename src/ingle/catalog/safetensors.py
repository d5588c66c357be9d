"""Reads the header of a safetensors file and the index of a sharded one; all of it is hostile input.

Layout (safetensors format): 8 bytes little-endian header length, that many bytes of JSON, the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from ingle.catalog.names import is_safe_path
from ingle.catalog.window import Readable
from ingle.errors import MalformedModel

MAX_HEADER = 100_000_000  # bytes; safetensors' own bound
MAX_INDEX = 64 * 1024 * 1024  # bytes of a model.safetensors.index.json
INDEX = "model.safetensors.index.json"
_BITS = {
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
}


class StoredTensor(msgspec.Struct, frozen=True):
    """One tensor: its type's name, its shape, and where its bytes lie in the data part."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        found = 1
        for length in self.shape:
            found *= length
        return found


class SafetensorsHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The tensors by name and the file's own notes; `needed` is the exact length of the file in bytes."""

    metadata: dict[str, str]
    tensors: dict[str, StoredTensor]
    needed: int

    @property
    def mlx(self) -> bool:
        """Whether MLX wrote the file, as it says itself."""
        return self.metadata.get("format") == "mlx"

    @property
    def packed(self) -> tuple[str, ...]:
        """The weights that MLX packed into 32-bit words, beside which lie one scale for each group."""
        return tuple(
            name
            for name, tensor in self.tensors.items()
            if tensor.dtype == "U32" and name.endswith(".weight") and self.scales_of(name) in self.tensors
        )

    @staticmethod
    def scales_of(weight: str) -> str:
        """The name of the scales that belong to a packed weight."""
        return weight.removesuffix("weight") + "scales"

    @property
    def plain(self) -> int:
        """Numbers stored as such: everything but packed weights with their scales and biases."""
        beside = {name.removesuffix("weight") for name in self.packed}
        return sum(
            tensor.elements
            for name, tensor in self.tensors.items()
            if name.rpartition(".")[0] + "." not in beside
            or not name.endswith(("weight", "scales", "biases"))
        )

    @property
    def groups(self) -> int:
        """Scales of all packed weights: times the group size, the numbers those weights stand for."""
        return sum(self.tensors[self.scales_of(name)].elements for name in self.packed)


def read_header(file: Readable, *, path: Path | str, size: int | None = None) -> SafetensorsHeader:
    """The header of the safetensors file that `file` gives from its first byte.

    `path` is only for messages; `size` is the file's length in bytes where it is known. Raises
    `MalformedModel`; a file that is only too short is no error here (see `needed`).
    """
    length = int.from_bytes(_exactly(file, 8, path), "little")
    limit = min(MAX_HEADER, size - 8) if size is not None else MAX_HEADER
    if not 2 <= length <= limit:
        raise MalformedModel(path, f"its header claims {length} bytes; at most {limit} are possible")
    try:
        found = msgspec.json.decode(_exactly(file, length, path), type=dict[str, Any])
        metadata = msgspec.convert(found.pop("__metadata__", {}), dict[str, str])
        tensors = msgspec.convert(found, dict[str, StoredTensor])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise MalformedModel(path, f"its header is no safetensors header ({exc})") from exc
    return SafetensorsHeader(metadata=metadata, tensors=tensors, needed=8 + length + _extent(tensors, path))


def read_index(content: bytes, *, path: Path | str) -> tuple[str, ...]:
    """The weight files that an index names, sorted. Raises `MalformedModel`, also for a name that climbs."""
    if len(content) > MAX_INDEX:
        raise MalformedModel(path, f"an index of more than {MAX_INDEX} bytes is not accepted")
    try:
        found = msgspec.json.decode(content, type=_Index)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise MalformedModel(path, f"it is no index of weights ({exc})") from exc
    files = sorted(set(found.weight_map.values()))
    unsafe = next((file for file in files if not is_safe_path(file)), None)
    if unsafe is not None:
        raise MalformedModel(path, f"it names a file {unsafe[:80]!r}, which no repo can hold")
    if not files:
        raise MalformedModel(path, "it names no file")
    return tuple(files)


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


def _exactly(file: Readable, count: int, path: Path | str) -> bytes:
    parts, left = [], count
    while left:
        part = file.read(min(left, 4 * 1024 * 1024))
        if not part:
            raise MalformedModel(path, "it ends in the middle of its header")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _extent(tensors: dict[str, StoredTensor], path: Path | str) -> int:
    """Bytes of the data part. Every tensor has to take what its type and shape say, without gaps."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        first, last = tensor.data_offsets
        if any(length < 0 for length in tensor.shape) or first != end or last < first:
            raise MalformedModel(
                path, f"the place of its tensor {name[:80]!r} does not follow the one before"
            )
        bits = _BITS.get(tensor.dtype)
        if bits is not None and -(-tensor.elements * bits // 8) != last - first:
            raise MalformedModel(path, f"its tensor {name[:80]!r} has a size that its shape denies")
        end = last
    return end
