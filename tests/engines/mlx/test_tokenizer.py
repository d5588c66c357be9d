"""The tokenizer of a folder: its own words, its own ends, and text that comes whole character by character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.engines.mlx.tokenizer import Detokenizer, ModelTokenizer
from ingle.errors import FileMissing, MalformedModel
from tests.engines.mlx.tiny import tokenizer

TINY = tokenizer()


def folder_with(folder: Path, settings: dict[str, object], **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    TINY.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.mark.slow
@given(st.text(max_size=40))
def test_pieces_put_together_are_the_whole_text(text: str) -> None:
    pieces = Detokenizer(lambda ids: TINY.decode(ids, skip_special_tokens=False), frozenset())
    ids = TINY.encode(text, add_special_tokens=False).ids
    said = [pieces.push(token) for token in ids]
    assert "".join(said) + pieces.flush() == text
    assert all("\ufffd" not in piece or "\ufffd" in text for piece in said)


def test_a_broken_character_shows_at_the_end_only() -> None:
    pieces = Detokenizer(lambda ids: TINY.decode(ids, skip_special_tokens=False), frozenset())
    first = TINY.encode("é", add_special_tokens=False).ids[0]
    assert pieces.push(first) == ""
    assert pieces.flush() == "\ufffd"


def test_special_tokens_are_never_shown_and_marks_are(tmp_path: Path) -> None:
    found = ModelTokenizer(folder_with(tmp_path, {}), {})
    pieces = found.detokenizer()
    ids = found.encode("a<|im_start|>b<think>c", special=False)
    assert len(ids) == 5
    assert "".join(pieces.push(token) for token in ids) == "ab<think>c"


def test_ends_come_from_the_config_and_the_named_token(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, {"eos_token": {"content": "<|im_end|>"}})
    assert ModelTokenizer(folder, {"eos_token_id": [5, 7]}).eos == {5, 7, 256}
    assert ModelTokenizer(folder, {"eos_token_id": 9}).eos == {9, 256}
    assert ModelTokenizer(folder, {}).eos == {256}
    assert ModelTokenizer(folder, {"eos_token_id": 9}).first_eos == 9
    unnamed = ModelTokenizer(folder_with(tmp_path / "unnamed", {}), {"eos_token_id": 9})
    assert unnamed.eos == {9, 256} and unnamed.first_eos == 9


def test_the_template_is_looked_for_where_models_put_it(tmp_path: Path) -> None:
    listed = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    folder = folder_with(tmp_path, {"chat_template": listed})
    assert ModelTokenizer(folder, {}).template == "D"
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": "J"}))
    assert ModelTokenizer(folder, {}).template == "J"
    (folder / "chat_template.jinja").write_text("X")
    assert ModelTokenizer(folder, {}).template == "X"


def test_a_prompt_is_never_cut_whatever_the_file_says(tmp_path: Path) -> None:
    cutting = tokenizer()
    cutting.enable_truncation(4)
    cutting.save(str(tmp_path / "tokenizer.json"))
    assert len(ModelTokenizer(tmp_path, {}).encode("abcdefgh", special=False)) == 8


def test_a_folder_without_or_with_a_damaged_tokenizer_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        ModelTokenizer(tmp_path, {})
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(MalformedModel):
        ModelTokenizer(tmp_path, {})
    TINY.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text("[1]")
    with pytest.raises(MalformedModel):
        ModelTokenizer(tmp_path, {})
