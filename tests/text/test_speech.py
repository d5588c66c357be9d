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
        ("en", "my number is four four two", "my number is four four two"),
        ("en", "dial four five four five", "dial four five four five"),
        ("en", "it is spelled b o b b y", "it is spelled b o b b y"),
        ("en", "we flew to New York, New York", "we flew to New York, New York"),
        ("en", "it is a win-win, please re-read the T-test", "it is a win-win, please re-read the T-test"),
        ("en", "w-w-what do you want", "what do you want"),
        ("en", "we have a new line of products", "we have a new line of products"),
        ("en", "the bus came to a full stop", "the bus came to a full stop"),
        ("en", "there is a question mark behind it", "there is a question mark behind it"),
        ("de", "das ist eine neue zeile", "das ist eine neue zeile"),
        ("de", "hallo neue zeile bis bald", "hallo\nbis bald"),
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


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("treffen wir uns um acht", "treffen wir uns um acht"),
        ("um acht uhr", "um acht uhr"),
        ("um copo de água", "um copo de água"),
        ("uh yes please", "yes please"),
        ("um I want to go", "I want to go"),
    ],
)
def test_a_sound_that_is_a_word_elsewhere_goes_only_where_the_language_is_told(
    said: str, written: str
) -> None:
    assert clean_speech(said) == written


@given(st.lists(st.sampled_from("one two three four five six seven oh double".split()), max_size=12))
def test_spoken_numbers_are_never_fewer(words: list[str]) -> None:
    assert clean_speech(" ".join(words), "en") == " ".join(words)
