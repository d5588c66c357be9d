"""Which models a folder holds, and whether each is whole."""

from __future__ import annotations

import pytest

from ingle.catalog.inspect import Found, inspect
from ingle.catalog.model import Format
from tests.catalog.gguf_writer import Typed, llama, split
from tests.catalog.shelf import MemoryShelf, mlx_folder, packed, safetensors, sharded


def only(files: dict[str, bytes], gone: frozenset[str] = frozenset(), /, **sizes: int) -> Found:
    (found,) = inspect(MemoryShelf(files, gone), sizes)
    return found


def without(files: dict[str, bytes], *names: str) -> dict[str, bytes]:
    return {path: content for path, content in files.items() if path not in names}


def parts(count: int) -> dict[str, bytes]:
    return {f"m-{number:05d}-of-{count:05d}.gguf": part for number, part in enumerate(split(count), start=1)}


def test_a_whole_mlx_folder_is_complete_and_known() -> None:
    found = only(mlx_folder())
    assert (found.format, found.missing) == (Format.MLX, ())
    assert (found.architecture, found.quantization, found.context) == ("llama", "4-bit", 2048)
    assert found.parameters == 8 * 64 + 8
    assert found.size == sum(map(len, mlx_folder().values()))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_mlx_folder_without_one_of_its_files_names_it(name: str) -> None:
    assert only(without(mlx_folder(), name)).missing == (name,)


def test_weights_cut_short_are_missing_with_both_numbers() -> None:
    whole = packed()
    found = only(mlx_folder(**{"model.safetensors": whole[:-5]}))
    assert found.missing == (f"model.safetensors ({len(whole) - 5} of {len(whole)} bytes)",)


def test_damaged_weights_are_missing_with_the_reason() -> None:
    (line,) = only(mlx_folder(**{"model.safetensors": b"<html>not found</html>" * 9})).missing
    assert line.startswith("model.safetensors (damaged: its header claims")


def test_a_config_that_does_not_parse_is_damage() -> None:
    (line,) = only(mlx_folder(**{"config.json": b"<html>"})).missing
    assert line.startswith("config.json (damaged: it is no JSON")


def test_a_sharded_model_is_complete_only_with_every_shard_of_its_index() -> None:
    assert only(sharded(3)).missing == ()
    assert only(sharded(3)).format is Format.SAFETENSORS_SHARDED
    gone = "model-00002-of-00003.safetensors"
    assert only(without(sharded(3), gone)).missing == (gone,)


def test_shards_without_their_index_lack_the_index_and_each_other() -> None:
    found = only(without(sharded(3), "model.safetensors.index.json", "model-00003-of-00003.safetensors"))
    assert found.missing == ("model-00003-of-00003.safetensors", "model.safetensors.index.json")


def test_a_malformed_index_is_damage() -> None:
    (line,) = only(sharded(2) | {"model.safetensors.index.json": b"{"}).missing
    assert line.startswith("model.safetensors.index.json (damaged")


def test_sharded_mlx_is_mlx() -> None:
    assert only(sharded(2, format="mlx")).format is Format.MLX


def test_each_gguf_of_a_repo_is_a_model_of_its_own() -> None:
    files = {"a.Q4_K_M.gguf": llama(file_type=15), "a.Q8_0.gguf": llama(file_type=7), "README.md": b""}
    found = inspect(MemoryShelf(files))
    assert [(one.path, one.quantization, one.files) for one in found] == [
        ("a.Q4_K_M.gguf", "Q4_K_M", ("a.Q4_K_M.gguf",)),
        ("a.Q8_0.gguf", "Q8_0", ("a.Q8_0.gguf",)),
    ]


def test_projectors_and_adapters_are_no_models() -> None:
    files = {
        "m.gguf": llama(),
        "mmproj.gguf": llama(general__architecture="clip"),
        "lora.gguf": llama(general__type="adapter"),
    }
    assert [one.path for one in inspect(MemoryShelf(files))] == ["m.gguf"]


def test_a_split_gguf_is_one_model_complete_only_with_every_part() -> None:
    whole = only(parts(3))
    assert (whole.missing, len(whole.files), whole.path) == ((), 3, "m-00001-of-00003.gguf")
    for name in parts(3):
        found = only(without(parts(3), name))
        assert (found.missing, found.path, found.parameters) == ((name,), "m-00001-of-00003.gguf", None)


def test_two_parts_in_each_others_place_are_damage() -> None:
    files = parts(2)
    swapped = dict(zip(files, reversed(files.values()), strict=True))
    assert all("says that it is another part" in line for line in only(swapped).missing)


def test_a_part_under_a_name_of_its_own_is_not_whole() -> None:
    (line,) = only({"renamed.gguf": split(3)[0]}).missing
    assert "one of 3 parts" in line


def test_a_truncated_gguf_is_missing_with_both_numbers() -> None:
    whole = llama()
    (line,) = only({"m.gguf": whole[:-40]}).missing
    assert line.startswith(f"m.gguf ({len(whole) - 40} of ")


def test_a_file_that_only_calls_itself_gguf_is_partial_with_the_reason() -> None:
    (line,) = only({"m.gguf": b"<html>" * 20}).missing
    assert line == "m.gguf (damaged: it does not begin with the letters GGUF)"


def test_a_name_with_nothing_behind_it_is_missing() -> None:
    assert only({}, frozenset({"m.gguf"})).missing == ("m.gguf",)
    assert only(without(mlx_folder(), "model.safetensors"), frozenset({"model.safetensors"})).missing == (
        "model.safetensors",
    )


def test_a_size_the_listing_denies_is_not_whole() -> None:
    files = mlx_folder()
    lacking = only(files, **{"tokenizer.json": 999})
    assert lacking.missing == ("tokenizer.json (2 of 999 bytes)",)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"README.md": b"x"},
        {"config.json": b'{"model_type": "bert"}', "pytorch_model.bin": b"x"},
        {"tokenizer.json": b"{}"},
        {"adapters.safetensors": safetensors()},
        {"imatrix.gguf": llama(general__type="imatrix")},
    ],
)
def test_a_folder_without_a_model_we_can_load_holds_none(files: dict[str, bytes]) -> None:
    assert inspect(MemoryShelf(files)) == []


def test_a_model_that_writes_no_text_is_not_called_partial() -> None:
    picture = {"config.json": b'{"model_type": "vit"}', "model.safetensors": safetensors()}
    assert inspect(MemoryShelf(picture), {path: len(it) for path, it in picture.items()}) == []
    assert inspect(MemoryShelf(picture | {"preprocessor_config.json": b"{}"})) == []
    assert only(picture).missing == ("tokenizer.json",)


@pytest.mark.parametrize(
    "name",
    "tokenizer.model spiece.model sentencepiece.bpe.model tekken.json qwen.tiktoken vocab.json vocab.txt "
    "rwkv_vocab_v20230424.txt".split(),
)
def test_a_tokenizer_of_any_kind_makes_a_folder_whole(name: str) -> None:
    files = without(mlx_folder(), "tokenizer.json") | {name: b"x"}
    assert only(files, **{path: len(content) for path, content in files.items()}).missing == ()


def test_only_what_is_needed_is_opened() -> None:
    shelf = MemoryShelf(mlx_folder(**{"README.md": b"x", "merges.txt": b"x"}))
    inspect(shelf)
    assert sorted(shelf.opened) == ["config.json", "model.safetensors"]


def test_folder_and_gguf_models_live_side_by_side() -> None:
    found = inspect(MemoryShelf(mlx_folder(**{"m.gguf": llama()})))
    assert [one.format for one in found] == [Format.MLX, Format.GGUF]
    assert "m.gguf" not in found[0].files


def test_a_part_number_beyond_the_count_is_damage() -> None:
    odd = llama(split__no=Typed(2, 7), split__count=Typed(2, 2))
    found = only({"m-00001-of-00002.gguf": odd, "m-00002-of-00002.gguf": split(2)[1]})
    assert any("another part" in line for line in found.missing)
