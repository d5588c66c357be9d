from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.text.speech import clean_speech


@pytest.mark.parametrize(
    ("language", "said", "written"),
    [
        ("en", "um I want to, uh, go home", "I want to, go home"),
        ("en", "I I I want the the book", "I want the book"),
        ("en", "it is, you know, late", "it is, late"),
        ("en", "I like it and he is kind of tall", "I like it and he is kind of tall"),
        ("en", "he had had enough, that that is is true", "he had had enough, that that is is true"),
        ("en", "very very good", "very very good"),
        ("en", "I wa- want to go", "I want to go"),
        ("en", "I want I want to go", "I want to go"),
        ("en", "are you there question mark", "are you there?"),
        ("en", "first line new line second line", "first line\nsecond line"),
        ("en", "room 22 22 is free", "room 22 22 is free"),
        ("de", "äh ich ich gehe ähm nach Hause", "ich gehe nach Hause"),
        ("fr", "euh je vais, euh, bien", "je vais, bien"),
        ("xx", "the the book", "the book"),
    ],
)
def test_what_is_said_and_what_is_written(language: str, said: str, written: str) -> None:
    assert clean_speech(said, language) == written


@given(st.text(max_size=300))
def test_it_never_fails_and_running_it_twice_is_stable_in_length(text: str) -> None:
    once = clean_speech(text, "en")
    assert len(clean_speech(once, "en")) <= len(once)


@given(st.lists(st.sampled_from(["apples", "7", "Berlin", "we", "saw", "him"]), min_size=1, max_size=12))
def test_words_that_are_not_fillers_are_never_lost(words: list[str]) -> None:
    assert set(clean_speech(" ".join(words), "en").split()) == set(words)
