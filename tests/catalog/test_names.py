"""What people type for a model, and what nobody may."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils._validators import validate_repo_id
from hypothesis import given
from hypothesis import strategies as st

from ingle.catalog.curated import load_catalog
from ingle.catalog.model import ModelRef
from ingle.catalog.names import is_repo_id, is_safe_path, parse_name, ref_key
from ingle.errors import IngleError, InvalidRequest, ModelNotFound

CATALOG = load_catalog()


def parse(text: str) -> ModelRef:
    return parse_name(text, CATALOG, home=Path("/home/someone"), folder=Path("/some/folder"))


@pytest.mark.parametrize("text", ["qwen3:1.7b", "qwen3", "QWEN3:1.7B", "default", "Default"])
def test_an_alias_means_its_entry(text: str) -> None:
    ref = parse(text)
    assert (ref.name, ref.repo_id, ref.alias) == ("qwen3:1.7b", "mlx-community/Qwen3-1.7B-4bit", "qwen3:1.7b")
    assert ref.revision is None


def test_default_follows_the_setting() -> None:
    assert parse_name("default", CATALOG, default="starter").alias == "starter"
    assert parse_name("default", CATALOG, default="org/name").repo_id == "org/name"
    assert parse_name("default", CATALOG, default="default").alias == "qwen3:1.7b"


def test_the_starter_is_one_file_at_one_commit() -> None:
    ref = parse("starter")
    assert ref.file == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert ref.revision is not None and len(ref.revision) == 40


@pytest.mark.parametrize(
    ("text", "repo_id", "revision", "file", "quant"),
    [
        ("org/name", "org/name", None, None, None),
        ("hf:org/name", "org/name", None, None, None),
        ("hf:gpt2", "gpt2", None, None, None),
        ("org/name@main", "org/name", "main", None, None),
        ("org/name@refs/pr/1", "org/name", "refs/pr/1", None, None),
        ("org/name:model.Q4_0.gguf", "org/name", None, "model.Q4_0.gguf", None),
        ("org/name:a b/x.GGUF", "org/name", None, "a b/x.GGUF", None),
        ("org/name:Q4_K_M", "org/name", None, None, "Q4_K_M"),
        ("org/name:q4_k_m", "org/name", None, None, "Q4_K_M"),
        ("hf:org/name@v1.0:IQ2_XXS", "org/name", "v1.0", None, "IQ2_XXS"),
        ("Org.X/na_me-1.5", "Org.X/na_me-1.5", None, None, None),
    ],
)
def test_a_hub_repo_is_taken_apart(
    text: str, repo_id: str, revision: str | None, file: str | None, quant: str | None
) -> None:
    ref = parse(text)
    assert (ref.repo_id, ref.revision, ref.file, ref.quant) == (repo_id, revision, file, quant)
    assert ref.path is None
    assert parse(ref.name) == ref


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("./x", "/some/folder/x"),
        ("../x", "/some/x"),
        ("~/models/x", "/home/someone/models/x"),
        ("/abs/x.gguf", "/abs/x.gguf"),
        ("./a/../b", "/some/folder/b"),
    ],
)
def test_a_path_stays_a_path(text: str, path: str) -> None:
    ref = parse(text)
    assert (ref.path, ref.repo_id) == (Path(path), None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        " qwen3",
        "qwen3\n",
        "a\0b/c",
        "org/na\u202eme",
        "-rf",
        "--help",
        "org/../etc",
        "org//name",
        "org/name/more",
        "org--x/name",
        "org/name.git",
        ".org/name",
        "org/name:",
        "org/name@",
        "org/name@..",
        "org/name@a..b",
        "org/name@-x",
        "org/name:../x.gguf",
        "org/name:/x.gguf",
        "org/name:a\\b.gguf",
        "org/name:a//b.gguf",
        "org/name:Q4 K",
        "https://host/org/name",
        "file:///etc/passwd",
        "org/" + "x" * 97,
        "x" * 5000,
    ],
)
def test_a_hostile_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    assert caught.value.hint
    assert len(str(caught.value)) < 300


def test_an_unknown_word_is_not_found_and_the_nearest_alias_offered() -> None:
    with pytest.raises(ModelNotFound) as caught:
        parse("qwen3:1.7")
    assert "qwen3:1.7b" in caught.value.hint


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        ref = parse(text)
    except IngleError:
        return
    assert (ref.repo_id is None) != (ref.path is None)
    assert ref.repo_id is None or is_repo_id(ref.repo_id)
    assert ref.file is None or is_safe_path(ref.file)


@pytest.mark.parametrize(
    "text",
    [
        "org/_name",
        "_org/name",
        f"{'o' * 40}/{'n' * 96}",
        f"{'o' * 97}/n",
        "a.b/c.d",
        "o/n_",
        "o/n-",
        "o-/n",
        "o/n.git",
    ],
)
def test_a_repo_is_called_what_other_tools_let_it_be_called(text: str) -> None:
    try:
        validate_repo_id(text)
    except HFValidationError:
        assert not is_repo_id(text)
    else:
        assert is_repo_id(text)


def test_one_model_has_one_key_however_it_is_named() -> None:
    assert ref_key(parse("qwen3")) == ref_key(parse("mlx-community/Qwen3-1.7B-4bit@main"))
    assert ref_key(parse("hf:org/name:q4_0")) == ref_key(parse("org/name:Q4_0"))
    assert ref_key(parse("org/name")) != ref_key(parse("org/name@v2"))
    assert ref_key(parse("./x")) == ref_key(parse("/some/folder/x"))
