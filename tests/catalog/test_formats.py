"""Formats come from listings and headers: no name and no size decides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.catalog.formats import (
    classify,
    first_part,
    gguf_parts,
    is_quantisation,
    missing_shards,
    read_config,
    safetensors_files,
)
from ingle.catalog.model import Format
from ingle.errors import MalformedModel
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder, safetensors, sharded


def kind(files: dict[str, bytes]) -> Format | None:
    return classify(files, lambda path, limit: files[path][:limit])


def test_mlx_is_known_by_the_quantisation_in_its_config() -> None:
    assert kind(mlx_folder()) is Format.MLX


def test_mlx_is_known_by_what_its_weights_say_of_themselves() -> None:
    files = {"config.json": b"{}", "model.safetensors": safetensors(format="mlx")}
    assert kind(files) is Format.MLX


def test_safetensors_of_pytorch_are_no_mlx_whatever_the_folder_is_called() -> None:
    files = {"config.json": b"{}", "model.safetensors": safetensors(format="pt"), "mlx-4bit.txt": b""}
    assert kind(files) is Format.SAFETENSORS


def test_several_files_in_an_index_are_sharded() -> None:
    assert kind(sharded(3)) is Format.SAFETENSORS_SHARDED
    assert kind(sharded(1)) is Format.SAFETENSORS


def test_gguf_is_known_by_its_magic_not_by_its_name() -> None:
    assert kind({"model.gguf": llama()}) is Format.GGUF
    assert kind({"model.gguf": b"GGML" + bytes(40)}) is None


def test_a_repo_without_weights_we_can_load_has_no_format() -> None:
    assert kind({"config.json": b"{}", "pytorch_model.bin": b"PK"}) is None
    assert kind({}) is None


def test_a_foreign_quantisation_is_named_and_is_not_mlx() -> None:
    config = read_config(b'{"quantization_config": {"quant_method": "gptq", "bits": 4}}')
    assert (config.quantization, config.mlx) == ("gptq 4-bit", False)


def test_a_config_tells_architecture_context_and_the_cost_of_a_token() -> None:
    config = read_config(mlx_folder()["config.json"])
    assert (config.architecture, config.context, config.quantization) == ("llama", 2048, "4-bit")
    assert config.kv_bytes_per_token == 2 * 2 * 2 * 64 * 2


def test_a_vision_models_text_part_is_read() -> None:
    nested = {"model_type": "gemma3", "text_config": {"max_position_embeddings": 8192}}
    assert read_config(json.dumps(nested).encode()).context == 8192


@pytest.mark.parametrize("limit", [b"Infinity", b"-Infinity", b"NaN", b"1e400"])
def test_numbers_that_only_pythons_reader_takes_are_no_damage(limit: bytes) -> None:
    config = read_config(b'{"model_type": "mamba2", "time_step_limit": [0.0, ' + limit + b"]}")
    assert config.architecture == "mamba2"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null", b"[" * 5000, b"<html>"])
def test_a_config_that_is_no_object_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedModel):
        read_config(content)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_no_value_in_a_config_breaks_its_reader(value: object) -> None:
    keys = ["model_type", "quantization", "quantization_config", "text_config", "hidden_size", "head_dim"]
    try:
        read_config(json.dumps(dict.fromkeys(keys, value)).encode())
    except MalformedModel:
        pass


def test_doubles_and_adapters_are_no_weights_beside_the_real_ones() -> None:
    names = ["model.safetensors", "consolidated.safetensors", "adapters.safetensors", "onnx/x.safetensors"]
    assert safetensors_files(names) == ["model.safetensors"]
    assert safetensors_files(["adapters.safetensors"]) == []
    assert safetensors_files(["my-model.safetensors"]) == ["my-model.safetensors"]


def test_the_parts_of_a_split_gguf_follow_from_any_of_them() -> None:
    parts = gguf_parts("dir/m-00002-of-00003.gguf", 3)
    assert parts == tuple(f"dir/m-0000{number}-of-00003.gguf" for number in (1, 2, 3))
    assert first_part("dir/m-00002-of-00003.gguf") == parts[0]
    assert first_part("m.gguf") == "m.gguf"


def test_the_label_of_a_quantisation_ends_a_name_whatever_words_stand_in_it() -> None:
    assert is_quantisation("m-Q4_0-00002-of-00003.gguf", "q4_0")
    assert is_quantisation("best-of-both-Q4_0.gguf", "Q4_0")
    assert is_quantisation("Q4_0/m.GGUF", "Q4_0")
    assert not is_quantisation("m-Q4_0-of-Q8_0.gguf", "Q4_0")


@pytest.mark.parametrize("name", ["m.gguf", "m-00001-of-00004.gguf", "m-1-of-3.gguf"])
def test_a_part_whose_name_denies_its_header_is_malformed(name: str) -> None:
    with pytest.raises(MalformedModel):
        gguf_parts(name, 3)


def test_shards_announce_each_other_where_the_index_is_gone() -> None:
    assert missing_shards(["model-00002-of-00003.safetensors"]) == (
        "model-00001-of-00003.safetensors",
        "model-00003-of-00003.safetensors",
    )
    assert missing_shards(["model.safetensors"]) == ()
    assert len(missing_shards(["model-00001-of-99999.safetensors"])) <= 10_000
