from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.text.speech import clean_speech


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("milk new line eggs new line bread", "milk\neggs\nbread"),
        ("dear anna comma new line thanks exclamation mark", "dear anna,\nthanks!"),
        ("ok full stop", "ok."),
        ("hallo fragezeichen", "hallo?"),
        ("milch neue zeile brot", "milch\nbrot"),
        ("salut ça va point d'interrogation", "salut ça va?"),
        ("hola que tal signo de interrogación", "hola que tal?"),
        ("latte nuova riga pane", "latte\npane"),
        ("leite nova linha pão", "leite\npão"),
        ("melk nieuwe regel brood", "melk\nbrood"),
        ("new line of products", "new line of products"),
        ("non non c'est bon", "non non c'est bon"),
        ("an A A battery", "an A A battery"),
    ],
)
def test_a_few_words_are_told_by_their_spoken_marks(said: str, written: str) -> None:
    assert clean_speech(said) == written


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
        ("en", "hello anna comma new line thanks", "hello anna,\nthanks"),
        ("en", "dear all comma new paragraph we need colon new line milk", "dear all,\n\nwe need:\nmilk"),
        ("en", "put a comma new line starts after it", "put a comma\nstarts after it"),
        ("en", "the oxford comma is fine", "the oxford comma is fine"),
        ("en", "it is a comma separated file", "it is a comma separated file"),
        ("en", "i forgot the comma", "i forgot the comma"),
        ("en", "we saw new line items on the bill", "we saw new line items on the bill"),
        ("en", "the trial period new line ends", "the trial period\nends"),
        ("de", "hallo anna komma neue zeile danke", "hallo anna,\ndanke"),
        ("de", "da fehlt ein komma neue zeile danke", "da fehlt ein komma\ndanke"),
        ("fr", "bonjour virgule à la ligne merci", "bonjour,\nmerci"),
        ("es", "hola ana coma nueva línea gracias", "hola ana,\ngracias"),
        ("es", "presentamos nueva línea de productos", "presentamos nueva línea de productos"),
        ("es", "hola punto y aparte gracias", "hola.\n\ngracias"),
        ("it", "ciao nuova riga come stai punto interrogativo", "ciao\ncome stai?"),
        ("it", "manca il punto interrogativo", "manca il punto interrogativo"),
        ("it", "siamo a capo del gruppo", "siamo a capo del gruppo"),
        ("pt", "olá nova linha tudo bem ponto de interrogação", "olá\ntudo bem?"),
        ("pt", "lançamos nova linha de produtos", "lançamos nova linha de produtos"),
        ("nl", "hallo nieuwe regel kom je morgen vraagteken", "hallo\nkom je morgen?"),
        ("nl", "dat is een nieuwe regel", "dat is een nieuwe regel"),
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
