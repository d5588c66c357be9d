"""Reads the header of a GGUF file, every length and count of it taken as hostile, and none of the weights.

Layout (GGUF specification, versions 2 and 3, little-endian): magic, version, tensor count, key count;
the keys with their typed values; name, shape, type and offset of every tensor; padding; the weights.
The vocabulary, hundreds of thousands of strings, is stepped over and only counted.
"""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec

from ingle.catalog.ggml import FILE_TYPES, TENSOR_TYPES
from ingle.catalog.window import MAX_STRING, U32, U64, Readable, Scalar, Window

MAGIC = b"GGUF"
MAX_KEYS = 65_536
MAX_KEY_LENGTH = 65_535  # the specification's own bound
MAX_ELEMENTS = 16_777_216  # of all arrays together
MAX_TENSORS = 1_048_576
MAX_TENSOR_NAME = 1024
MAX_DIMENSIONS = 4  # ggml's GGML_MAX_DIMS
MAX_ALIGNMENT = 1 << 20
KEPT_NUMBERS = 4096  # longer arrays of numbers are only counted
KEPT_STRINGS = 64  # longer arrays of strings are only counted

_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}


class Counted(msgspec.Struct, frozen=True):
    """What stands for an array too long to keep: only its number of elements."""

    count: int


Value = Scalar | tuple[Scalar, ...] | Counted


class Tensor(msgspec.Struct, frozen=True):
    """One tensor: shape with the fastest dimension first (ggml's order), ggml type, offset in the data."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        found = 1
        for length in self.shape:
            found *= length
        return found

    @property
    def size(self) -> int | None:
        """Bytes it takes; None for a type this version does not know."""
        known = TENSOR_TYPES.get(self.type)
        if known is None or not self.shape:
            return None
        return -(-self.elements // known.block) * known.bytes


class GgufHeader(msgspec.Struct, frozen=True, kw_only=True):
    """Everything before the weights. `data_start` and `needed` are bytes from the start of the file;
    `needed` is how long the file must be at least to hold every tensor of a known type."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    data_start: int
    needed: int

    def text(self, key: str) -> str | None:
        """A string value; None when the key is absent or holds something else."""
        found = self.metadata.get(key)
        return found if isinstance(found, str) else None

    def number(self, key: str) -> int | None:
        """A whole number; None when the key is absent or holds something else."""
        found = self.metadata.get(key)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def own(self, name: str) -> int | None:
        """A positive number under the architecture's own prefix, as in `llama.context_length`."""
        found = self.number(f"{self.architecture}.{name}")
        return found if found is not None and 0 < found < 1 << 48 else None

    @property
    def architecture(self) -> str | None:
        return self.text("general.architecture")

    @property
    def kind(self) -> str:
        """What the file is: `model`, or `mmproj`, `adapter`, `imatrix` and such that cannot run alone."""
        given = self.text("general.type")
        if given:
            return given
        return "mmproj" if self.architecture == "clip" else "model"

    @property
    def context(self) -> int | None:
        """Tokens the model was trained for."""
        return self.own("context_length")

    @property
    def parameters(self) -> int:
        """Numbers in all tensors of this file (of one part only, when the model is split)."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def quantization(self) -> str | None:
        """llama.cpp's name for it, from `general.file_type`, else the type that takes most bytes."""
        given = self.number("general.file_type")
        named = FILE_TYPES.get(given) if given is not None else None
        if named is not None:
            return named
        weight: dict[int, int] = {}
        for tensor in self.tensors:
            weight[tensor.type] = weight.get(tensor.type, 0) + (tensor.size or 0)
        most = max(weight, key=lambda kind: weight[kind], default=None)
        known = TENSOR_TYPES.get(most) if most is not None else None
        return known.name if known else None

    @property
    def split(self) -> tuple[int, int] | None:
        """This part's number (from 0) and the count of parts; None for a file that is whole."""
        count = self.number("split.count") or 0
        return (self.number("split.no") or 0, count) if count > 1 else None

    @property
    def vocabulary(self) -> int | None:
        """How many tokens the tokenizer of the file has."""
        found = self.metadata.get("tokenizer.ggml.tokens")
        if isinstance(found, Counted):
            return found.count
        return len(found) if isinstance(found, tuple) else None

    @property
    def chat_template(self) -> str | None:
        return self.text("tokenizer.chat_template")

    @property
    def kv_bytes_per_token(self) -> int | None:
        """Bytes of 16-bit keys and values that one token of context costs; None when the keys are missing."""
        layers, heads = self.own("block_count"), self.own("attention.head_count")
        width = self.own("embedding_length")
        if not layers or not heads or not width:
            return None
        kv_heads = self.own("attention.head_count_kv") or heads
        key = self.own("attention.key_length") or width // heads
        value = self.own("attention.value_length") or width // heads
        return layers * kv_heads * (key + value) * 2 or None


def read_header(file: Readable, *, path: Path | str, size: int | None = None) -> GgufHeader:
    """The header of the GGUF file that `file` gives from its first byte.

    `path` is only for messages; `size` is the file's length in bytes where it is known, so that lengths
    that point behind the end are refused before anything is read. Raises `MalformedModel`.
    """
    return _Header(Window(file, str(path), size)).read()


class _Header:
    """Reads one header in order, counting what all arrays together claim."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._elements = 0

    def read(self) -> GgufHeader:
        window = self._window
        window.ensure(8)
        if bytes(window.data[:4]) != MAGIC:
            raise window.malformed("it does not begin with the letters GGUF")
        window.at = 4
        version = int(window.take(U32))
        if version not in {2, 3}:
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big")
            why = (
                "it is big-endian"
                if swapped in {2, 3}
                else f"its version is {version}; 2 and 3 are understood"
            )
            raise window.malformed(why)
        tensor_count = window.unsigned(U64, MAX_TENSORS, "tensors")
        key_count = window.unsigned(U64, MAX_KEYS, "keys")
        # The smallest key takes 13 bytes, the smallest tensor 24: a count that cannot be true is refused now.
        if key_count * 13 + tensor_count * 24 > window.left:
            raise window.malformed(f"it claims {key_count} keys and {tensor_count} tensors and is too short")
        metadata = self._metadata(key_count)
        tensors = tuple(self._tensor() for _ in range(tensor_count))
        if len({tensor.name for tensor in tensors}) != len(tensors):
            raise window.malformed("two tensors have the same name")
        start = self._data_start(metadata)
        return GgufHeader(
            version=version,
            metadata=metadata,
            tensors=tensors,
            data_start=start,
            needed=max((start + tensor.offset + (tensor.size or 0) for tensor in tensors), default=start),
        )

    def _metadata(self, count: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for _ in range(count):
            key = self._window.string(MAX_KEY_LENGTH, "a key")
            if key in found:
                raise self._window.malformed(f"its key {key[:80]!r} comes twice")
            found[key] = self._value(int(self._window.take(U32)))
        return found

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._window.string(MAX_STRING, "text")
        if kind == _ARRAY:
            return self._array()
        return self._window.take(self._form(kind))

    def _form(self, kind: int) -> struct.Struct:
        form = _SCALARS.get(kind)
        if form is None:
            raise self._window.malformed(f"{kind} is no type of a value")
        return form

    def _array(self) -> Value:
        window = self._window
        kind = int(window.take(U32))
        if kind == _ARRAY:
            raise window.malformed("it holds an array of arrays, which no engine here reads")
        count = window.unsigned(U64, MAX_ELEMENTS, "elements in an array")
        self._elements += count
        if self._elements > MAX_ELEMENTS:
            raise window.malformed(f"its arrays claim more than {MAX_ELEMENTS} elements together")
        if kind == _STRING:
            if count * 8 > window.left:
                raise window.malformed(f"it claims an array of {count} strings and is too short for it")
            if count <= KEPT_STRINGS:
                return tuple(window.string(MAX_STRING, "text") for _ in range(count))
            window.skip_strings(count)
            return Counted(count)
        form = self._form(kind)
        if count * form.size > window.left:
            raise window.malformed(f"it claims an array of {count} numbers and is too short for it")
        if count <= KEPT_NUMBERS:
            return tuple(window.take(form) for _ in range(count))
        window.skip(count * form.size)
        return Counted(count)

    def _tensor(self) -> Tensor:
        window = self._window
        name = window.string(MAX_TENSOR_NAME, "a tensor's name")
        dimensions = window.unsigned(U32, MAX_DIMENSIONS, "dimensions of a tensor")
        shape = tuple(int(window.take(U64)) for _ in range(dimensions))
        found = Tensor(name, shape, int(window.take(U32)), int(window.take(U64)))
        if any(length == 0 for length in shape) or found.elements >= 1 << 62 or found.offset >= 1 << 62:
            raise window.malformed(f"the shape or place of its tensor {name[:80]!r} is absurd")
        return found

    def _data_start(self, metadata: dict[str, Value]) -> int:
        given = metadata.get("general.alignment", 32)
        if not isinstance(given, int) or not 0 < given <= MAX_ALIGNMENT or given & (given - 1):
            raise self._window.malformed(f"its alignment is {given!r}, which is no power of two")
        return -(-self._window.position // given) * given
