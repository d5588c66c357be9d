"""The safetensors header and the index: read exactly, or refused."""

from __future__ import annotations

import io
import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.catalog.safetensors import SafetensorsHeader, read_header, read_index
from ingle.errors import MalformedModel
from tests.catalog.shelf import packed, safetensors


def read(content: bytes) -> SafetensorsHeader:
    return read_header(io.BytesIO(content), path="m.safetensors", size=len(content))


def raw(header: object) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(64)


def test_a_header_tells_tensors_notes_and_the_exact_length() -> None:
    content = safetensors({"a": ("F16", [2, 3], 12), "b": ("F32", [1], 4)}, format="pt")
    found = read(content)
    assert found.needed == len(content)
    assert found.tensors["a"].shape == (2, 3)
    assert (found.mlx, found.plain, found.groups) == (False, 7, 0)


def test_packed_weights_of_mlx_count_as_the_numbers_they_stand_for() -> None:
    found = read(packed())
    assert found.mlx
    assert found.plain + found.groups * 64 == 8 * 64 + 8


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05\0\0",
        struct.pack("<Q", 2**63) + bytes(40),
        struct.pack("<Q", 100) + bytes(40),
        struct.pack("<Q", 0) + bytes(40),
        raw(b"not json"),
        raw([]),
        raw({"a": 1}),
        raw({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}),
        raw({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 7]}}),
        raw({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}),
        raw({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}),
        raw({"a": {"dtype": "F32", "shape": [2**70], "data_offsets": [0, 8]}}),
        raw({"__metadata__": {"format": 1}}),
        raw(b"[" * 50_000),
    ],
)
def test_a_hostile_header_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        read(content)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=4), st.integers(0, 600))
def test_a_header_with_changed_bytes_is_read_or_refused(changes: list[tuple[int, int]], cut: int) -> None:
    mutant = bytearray(packed())
    for place, value in changes:
        mutant[place % len(mutant)] = value
    for content in (bytes(mutant), bytes(mutant[:cut])):
        try:
            read(content)
        except MalformedModel:
            pass


def test_an_index_names_its_files_once() -> None:
    content = json.dumps({"weight_map": {"a": "x.safetensors", "b": "x.safetensors", "c": "w.safetensors"}})
    assert read_index(content.encode(), path="i") == ("w.safetensors", "x.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"weight_map": []}',
        b'{"weight_map": {}}',
        b'{"weight_map": {"a": "../../etc/passwd"}}',
        b'{"weight_map": {"a": "/etc/passwd"}}',
        b'{"weight_map": {"a": ""}}',
        b'{"weight_map": {"a": 3}}',
        b"\xff",
    ],
)
def test_an_index_that_cannot_be_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        read_index(content, path="i")
