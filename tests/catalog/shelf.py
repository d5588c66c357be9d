"""A shelf of files in memory, and the bytes of small safetensors files and MLX folders."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

from ingle.catalog.facts import Facts, read_facts


class MemoryShelf:
    """Files as a dict; `gone` are names whose bytes are not there; every read is written down."""

    def __init__(self, files: dict[str, bytes], gone: frozenset[str] = frozenset()) -> None:
        self.files = files
        self.gone = gone
        self.opened: list[str] = []

    def sizes(self) -> dict[str, int]:
        return {path: len(content) for path, content in self.files.items()}

    def dangling(self) -> frozenset[str]:
        return self.gone

    def read(self, path: str, limit: int) -> bytes:
        self.opened.append(path)
        return self.files[path][:limit]

    def facts(self, path: str) -> Facts:
        self.opened.append(path)
        content = self.files[path]
        return read_facts(io.BytesIO(content), path=path, size=len(content))


def safetensors(tensors: dict[str, tuple[str, list[int], int]] | None = None, /, **metadata: str) -> bytes:
    """A safetensors file; `tensors` maps a name to (dtype, shape, bytes)."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, (dtype, shape, size) in (tensors or {"w": ("F32", [2, 2], 16)}).items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def packed() -> bytes:
    """Weights as MLX quantises them: 8 x 64 numbers in 4 bits, groups of 64, and a norm of 8."""
    return safetensors(
        {
            "model.w.weight": ("U32", [8, 8], 256),
            "model.w.scales": ("F16", [8, 1], 16),
            "model.w.biases": ("F16", [8, 1], 16),
            "model.norm.weight": ("F16", [8], 16),
        },
        format="mlx",
    )


def mlx_folder(**other: bytes) -> dict[str, bytes]:
    """The files of a small MLX model that is whole."""
    config = {
        "model_type": "llama",
        "max_position_embeddings": 2048,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 256,
        "quantization": {"bits": 4, "group_size": 64},
    }
    return {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": packed(),
        "tokenizer.json": b"{}",
        **other,
    }


def sharded(count: int, **metadata: str) -> dict[str, bytes]:
    """The files of a plain sharded model that is whole."""
    names = [f"model-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]
    index = {"metadata": {}, "weight_map": {f"t{name}": name for name in names}}
    return {
        "config.json": json.dumps({"model_type": "llama", "torch_dtype": "bfloat16"}).encode(),
        "model.safetensors.index.json": json.dumps(index).encode(),
        "tokenizer.json": b"{}",
        **dict.fromkeys(names, safetensors(**metadata)),
    }
