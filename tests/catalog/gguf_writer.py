"""Writes GGUF files for tests: a header of any kind and weights of zeros, whole or cut."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

U32, I32, F32, BOOL, STRING, ARRAY, U64 = 4, 5, 6, 7, 8, 9, 10
_FORMS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SIZES = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 12: (256, 144), 14: (256, 210)}


class Typed(NamedTuple):
    """A value with its GGUF type."""

    kind: int
    value: Any


class Array(NamedTuple):
    """An array of values of one GGUF type."""

    kind: int
    values: Iterable[Any]


def gguf(
    metadata: Mapping[str, Any] | None = None,
    tensors: Mapping[str, tuple[tuple[int, ...], int]] | None = None,
    *,
    version: int = 3,
    alignment: int = 32,
) -> bytes:
    """A whole GGUF file; `tensors` maps a name to (shape, ggml type)."""
    keys = {} if metadata is None else dict(metadata)
    head = bytearray(b"GGUF" + struct.pack("<IQQ", version, len(tensors or {}), len(keys)))
    for key, value in keys.items():
        head += string(key) + _typed(value)
    offset = 0
    for name, (shape, kind) in (tensors or {}).items():
        head += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
        offset += -(-_tensor_bytes(shape, kind) // alignment) * alignment
    head += b"\0" * (-len(head) % alignment)
    return bytes(head) + b"\0" * offset


def llama(name: str = "tiny", *, file_type: int = 15, tokens: int = 8, **extra: Any) -> bytes:
    """A small file that says it is a llama model quantised as `file_type` (15 is Q4_K_M)."""
    metadata: dict[str, Any] = {
        "general.architecture": "llama",
        "general.name": name,
        "llama.context_length": Typed(U32, 2048),
        "llama.embedding_length": Typed(U32, 256),
        "llama.block_count": Typed(U32, 2),
        "llama.attention.head_count": Typed(U32, 4),
        "llama.attention.head_count_kv": Typed(U32, 2),
        "tokenizer.ggml.tokens": Array(STRING, [f"t{number}" for number in range(tokens)]),
        "general.file_type": Typed(U32, file_type),
        **{key.replace("__", "."): value for key, value in extra.items()},
    }
    return gguf(metadata, {"token_embd.weight": ((256, 8), 12), "output_norm.weight": ((256,), 0)})


def split(count: int, **extra: Any) -> list[bytes]:
    """The parts of a split model, each saying which it is."""
    return [
        llama(
            **extra,
            split__no=Typed(2, number),
            split__count=Typed(2, count),
        )
        for number in range(count)
    ]


def string(text: str | bytes) -> bytes:
    """A GGUF string: its length in eight bytes, then the bytes."""
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(raw)) + raw


def _typed(value: Any) -> bytes:
    if isinstance(value, Array):
        body = [_body(value.kind, one) for one in value.values]
        return struct.pack("<IIQ", ARRAY, value.kind, len(body)) + b"".join(body)
    if isinstance(value, str):
        value = Typed(STRING, value)
    return struct.pack("<I", value.kind) + _body(value.kind, value.value)


def _body(kind: int, value: Any) -> bytes:
    return string(value) if kind == STRING else struct.pack("<" + _FORMS[kind], value)


def _tensor_bytes(shape: tuple[int, ...], kind: int) -> int:
    block, size = _SIZES[kind]
    elements = 1
    for length in shape:
        elements *= length
    return -(-elements // block) * size
