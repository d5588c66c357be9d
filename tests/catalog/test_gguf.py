"""Our GGUF reader: what it reads, and that no bytes make it do anything but refuse."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingle.catalog.facts import read_facts
from ingle.catalog.gguf import Counted, GgufHeader, read_header
from ingle.errors import MalformedModel
from tests.catalog.gguf_writer import BOOL, F32, STRING, U32, U64, Array, Typed, gguf, llama, split, string


def read(content: bytes, **options: Any) -> GgufHeader:
    return read_header(io.BytesIO(content), path="m.gguf", size=options.get("size", len(content)))


def refusal(content: bytes, **options: Any) -> str:
    with pytest.raises(MalformedModel) as caught:
        read(content, **options)
    return str(caught.value)


def head(tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def test_a_header_tells_what_the_model_is() -> None:
    found = read(llama(tokens=1000))
    assert found.architecture == "llama"
    assert found.context == 2048
    assert found.quantization == "Q4_K_M"
    assert found.vocabulary == 1000
    assert found.parameters == 256 * 8 + 256
    assert found.kv_bytes_per_token == 2 * 2 * (64 + 64) * 2
    assert found.split is None
    assert found.kind == "model"


def test_needed_is_exactly_the_length_of_a_whole_file() -> None:
    content = gguf({}, {"w": ((256, 3), 12)})
    assert read(content).needed <= len(content) < read(content).needed + 32


def test_every_kind_of_value_is_read() -> None:
    kinds = {0: 255, 1: -1, 2: 65535, 3: -2, 4: 7, 5: -7, 10: 1 << 60, 11: -(1 << 60)}
    content = gguf(
        {f"k{kind}": Typed(kind, value) for kind, value in kinds.items()}
        | {"f": Typed(F32, 0.5), "d": Typed(12, 0.25), "b": Typed(BOOL, True), "s": "grüße"}
    )
    found = read(content).metadata
    assert {f"k{kind}": value for kind, value in kinds.items()}.items() <= found.items()
    assert (found["f"], found["d"], found["b"], found["s"]) == (0.5, 0.25, True, "grüße")


def test_short_arrays_are_kept_and_long_ones_counted() -> None:
    found = read(
        gguf(
            {
                "few": Array(STRING, ["a", "b"]),
                "many": Array(STRING, ["x" * (number % 300) for number in range(5000)]),
                "numbers": Array(U32, range(3)),
                "scores": Array(F32, [0.0] * 5000),
                "after": "read after all of them",
            }
        )
    ).metadata
    assert found["few"] == ("a", "b")
    assert found["many"] == Counted(5000)
    assert found["numbers"] == (0, 1, 2)
    assert found["scores"] == Counted(5000)
    assert found["after"] == "read after all of them"


def test_strings_across_the_edges_of_the_reading_buffer_are_stepped_over() -> None:
    lengths = [65_528, 65_529, 65_536, 0, 1, 131_072, 7, *range(200)]
    found = read(gguf({"many": Array(STRING, [b"y" * length for length in lengths]), "end": "here"}))
    assert found.metadata["many"] == Counted(len(lengths))
    assert found.metadata["end"] == "here"


def test_the_quantisation_without_a_file_type_is_that_of_most_bytes() -> None:
    content = gguf(
        {"general.architecture": "llama"}, {"big": ((256, 64), 14), "small": ((256,), 0), "t": ((256,), 12)}
    )
    assert read(content).quantization == "Q6_K"


def test_parts_of_a_split_model_say_which_they_are() -> None:
    assert [read(part).split for part in split(3)] == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        ({"general__type": "adapter"}, "adapter"),
        ({"general__architecture": "clip"}, "mmproj"),
        ({}, "model"),
    ],
)
def test_files_that_cannot_run_alone_say_so(extra: dict[str, Any], kind: str) -> None:
    assert read(llama(**extra)).kind == kind


HOSTILE = {
    "empty": (b"", "ends at byte 0"),
    "other magic": (b"GGML" + bytes(40), "does not begin with"),
    "version 1": (head(version=1), "version is 1"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "all the tensors": (head(tensors=2**64 - 1), "tensors"),
    "all the keys": (head(keys=2**64 - 1), "keys"),
    "more keys than bytes": (head(keys=60_000), "too short"),
    "endless key": (head(keys=1) + struct.pack("<Q", 2**63) + bytes(20), "bytes of a key"),
    "endless text": (
        head(keys=1) + string("k") + struct.pack("<IQ", STRING, 2**40) + bytes(20),
        "bytes of text",
    ),
    "no such type": (head(keys=1) + string("k") + struct.pack("<I", 77) + bytes(20), "no type"),
    "array of arrays": (head(keys=1) + string("k") + struct.pack("<IIQ", 9, 9, 1) + bytes(30), "of arrays"),
    "endless array": (
        head(keys=1) + string("k") + struct.pack("<IIQ", 9, U32, 2**62) + bytes(20),
        "elements in an array",
    ),
    "array longer than the file": (
        head(keys=1) + string("k") + struct.pack("<IIQ", 9, U64, 1 << 20) + bytes(20),
        "too short for it",
    ),
    "strings longer than the file": (
        head(keys=1) + string("k") + struct.pack("<IIQ", 9, STRING, 1 << 20) + bytes(20),
        "too short for it",
    ),
    "five dimensions": (head(tensors=1) + string("t") + struct.pack("<I", 5) + bytes(60), "dimensions"),
    "absurd shape": (
        head(tensors=1) + string("t") + struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0),
        "absurd",
    ),
    "absurd offset": (
        head(tensors=1) + string("t") + struct.pack("<IQIQ", 1, 32, 0, (1 << 64) - 1),
        "absurd",
    ),
    "same key twice": (head(keys=2) + (string("k") + struct.pack("<I", 0) + b"1") * 2, "comes twice"),
    "crooked alignment": (gguf({"general.alignment": Typed(U32, 33)}), "power of two"),
    "alignment of text": (gguf({"general.alignment": "32"}), "power of two"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_is_refused_with_its_reason(name: str) -> None:
    content, reason = HOSTILE[name]
    assert reason in refusal(content)


def test_a_string_in_a_long_array_that_reaches_behind_the_end_is_refused() -> None:
    body = string("a") * 100 + struct.pack("<Q", 2**60)
    content = head(keys=1) + string("k") + struct.pack("<IIQ", 9, STRING, 101) + body + bytes(100)
    assert "string of more than" in refusal(content)


def test_arrays_that_are_too_much_only_together_are_refused() -> None:
    array = struct.pack("<IIQ", 9, 0, 9_000_000) + bytes(9_000_000)
    content = head(keys=2) + string("a") + array + string("b") + array
    assert "together" in refusal(content)


def test_a_file_cut_anywhere_in_its_header_is_refused() -> None:
    whole = llama(tokens=100)
    start = read(whole).data_start
    unpadded = len(whole[:start].rstrip(b"\0"))
    for length in range(unpadded - 8):
        assert "read as a model file" in refusal(whole[:length])


def test_a_stream_of_unknown_length_that_ends_early_is_refused() -> None:
    assert "ends at byte 60" in refusal(llama()[:60], size=None)


FILE = llama(tokens=70, split__count=Typed(2, 2), general__tags=Array(STRING, ["a", "b"]))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
@example(b"GGUF\x03\0\0\0")
def test_random_bytes_are_read_or_refused(tail: bytes) -> None:
    for content in (tail, b"GGUF\x03\0\0\0" + tail, head(1, 1) + tail):
        try:
            read(content)
        except MalformedModel:
            pass


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=6), st.data())
def test_a_real_header_with_changed_bytes_is_read_or_refused(
    changes: list[tuple[int, int]], data: st.DataObject
) -> None:
    mutant = bytearray(FILE)
    for place, value in changes:
        mutant[place % len(mutant)] = value
    cut = data.draw(st.integers(0, len(mutant)))
    for content in (bytes(mutant), bytes(mutant[:cut])):
        try:
            found = read(content)
        except MalformedModel:
            continue
        assert found.data_start <= len(FILE) + (1 << 20)
        assert all(value is None or value > 0 for value in (found.context, found.kv_bytes_per_token)), found
        assert read_facts(io.BytesIO(content), path="m.gguf").needed == found.needed


@pytest.mark.slow
def test_every_single_byte_of_a_header_set_to_its_extremes_is_read_or_refused() -> None:
    header = FILE[: read(FILE).data_start]
    for place in range(len(header)):
        for value in (0x00, 0x7F, 0x80, 0xFF):
            mutant = bytearray(header)
            mutant[place] = value
            try:
                read(bytes(mutant), size=len(FILE))
            except MalformedModel:
                pass
