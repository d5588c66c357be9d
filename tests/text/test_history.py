from __future__ import annotations

from pathlib import Path

import pytest

from ingle.errors import NotFound, StoreError
from ingle.text.history import History


def test_entries_come_back_newest_first_and_are_found_by_their_words(tmp_path: Path) -> None:
    history = History(tmp_path / "state" / "history.sqlite")
    assert history.recent() == []
    first = history.add(tool="proofread", model="starter", raw="teh 100% cat", result="the 100% cat")
    second = history.add(tool="concise", model="starter", raw="dog", result="dog", reason="refusal")
    assert [entry.id for entry in history.recent()] == [second, first]
    assert [entry.id for entry in history.search("CAT")] == [first]
    assert history.search("100_") == []
    assert history.get(second).reason == "refusal"


def test_deleted_text_is_gone_from_the_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    entry = history.add(tool="proofread", model="starter", raw="a secret sentence", result="x")
    assert history.delete(entry) == 1
    with pytest.raises(NotFound):
        history.get(entry)
    assert b"a secret sentence" not in history.path.read_bytes()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    history.add(tool="t", model="m", raw="r", result="s")
    assert history.path.stat().st_mode & 0o077 == 0


def test_a_file_that_is_no_database_is_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_text("not a database at all, not even close to one, for sure not")
    with pytest.raises(StoreError, match=r"history\.sqlite"):
        History(path).recent()


def test_words_are_found_in_upper_and_lower_case_of_any_script(tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    history.add(tool="proofread", model="starter", raw="Großer Ärger in Örebro", result="ПРИВЕТ")
    for words in ("ärger", "GROSSER", "örebro", "привет"):
        assert len(history.search(words)) == 1, words
    assert history.search("%") == []
