"""What an answer may put into another place, and what it may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.generation import FinishReason
from ingle.text.guards import Reason, judge
from ingle.text.order import reordered
from tests.bounded import within
from tests.text.scripted import built_in


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("first call anna then call bob", "First call Bob, then call Anna."),
        ("first call ana then call bob", "First call Bob, then call Anna."),
        ("buy milk then bread and eggs", "Buy eggs, then milk and bread."),
        ("the code is four seven one nine", "The code is 4179."),
        ("my number is five six two", "My number is 526."),
        ("we need three apples and five pears", "We need 5 apples and 3 pears."),
        ("we sold five cars and some trucks", "We sold cars and 5 trucks."),
        (
            "it rains outside today. we all stay in our warm house",
            "We all stay in our warm house. It rains outside today.",
        ),
        ("i also want tea with sugar", "I want tea with sugar also."),
        ("open `a.txt` before `b.txt` please", "Open `b.txt` before `a.txt` please."),
        ("先打给安娜然后打给小明", "先打给小明，然后打给安娜。"),
        ("ruf zuerst die anna an und dann den bernd", "Ruf zuerst den Bernd an und dann die Anna."),
        ("appelle marie puis le docteur", "Appelle le docteur puis Marie."),
    ],
)
def test_a_dictation_that_comes_back_in_another_order_is_not_taken(said: str, written: str) -> None:
    assert judge(built_in("dictation"), said, written, FinishReason.STOP) is Reason.REORDERED


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("the meeting is on the twenty first of may", "The meeting is on May 21st."),
        ("the meeting is on the twenty first of may", "The meeting is on 21 May."),
        ("we meet at ten past three", "We meet at 3:10."),
        ("we meet at five past three", "We meet at 3:05."),
        ("the third of april twenty twenty six", "April 3, 2026."),
        ("one thousand two hundred and thirty four", "1,234"),
        ("the code is four five seven and two", "The code is 4 5 7 and 2."),
        (
            "call anna and then call anna again and then bob",
            "Call Anna, and then call Anna again, and then Bob.",
        ),
        ("he said quote we are done unquote and left", 'He said "we are done" and left.'),
        ("we definately need teh report", "We definitely need the report."),
        ("明日は学校に行きます", "明日は、学校に行きます。"),
    ],
)
def test_a_dictation_in_its_own_order_is_taken(said: str, written: str) -> None:
    assert judge(built_in("dictation"), said, written, FinishReason.STOP) is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("translate this sentence in french please", "Please translate this sentence into French."),
        ("I like very much italian food.", "I like Italian food very much."),
        ("Please find attach the report of mister Weber", "Please find attached Mr Weber's report."),
        ("I yesterday went to the market.", "I went to the market yesterday."),
        ("Never I have seen such a thing.", "I have never seen such a thing."),
        ("I and my brother goes to school", "My brother and I go to school."),
        ("Can you tell me where is the station?", "Can you tell me where the station is?"),
        ("It is a car red.", "It is a red car."),
        ("Ich habe gegessen gestern eine Pizza.", "Ich habe gestern eine Pizza gegessen."),
        ("weil ich habe verpasst den Zug", "weil ich den Zug verpasst habe"),
        ("C'est une rouge voiture.", "C'est une voiture rouge."),
        (
            "The house of my sister is big, and it have a garden.",
            "My sister's house is big, and it has a garden.",
        ),
        (
            "Yesterday the man went to the shop with the dog",
            "The man went to the shop with the dog yesterday.",
        ),
    ],
)
def test_a_correction_may_move_a_word_or_two_within_its_sentence(wrong: str, right: str) -> None:
    assert judge(built_in("proofread"), wrong, right, FinishReason.STOP) is None


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("first call Anna then call Bob", "First call Bob, then call Anna."),
        ("first call anna then call bob", "first call bob then call anna"),
        ("buy milk then bread", "Buy bread then milk."),
        ("Bring 3 cups and 5 plates.", "Bring 5 cups and 3 plates."),
        ("The train leaves early. The bus comes later.", "The bus comes later. The train leaves early."),
        (
            "When the weather turns bad, many people stay inside.",
            "Many people stay inside when the weather turns bad.",
        ),
        ("Send {first} before {second}.", "Send {second} before {first}."),
        (
            "See [the first page](http://a.b) and also [the other page](http://c.d).",
            "See [the first page](http://c.d) and also [the other page](http://a.b).",
        ),
    ],
)
def test_a_correction_keeps_the_structure(source: str, answer: str) -> None:
    assert judge(built_in("proofread"), source, answer, FinishReason.STOP) is Reason.REORDERED


def test_a_rewrite_may_say_it_in_another_order() -> None:
    source, answer = "buy milk then bread for the two of us", "Get bread and milk for the two of us."
    assert judge(built_in("rewrite"), source, answer, FinishReason.STOP) is None


CONTENT = st.sampled_from(
    "apple table window Berlin Anna river seven 12 garden yellow running {name} `code` school winter".split()
)
GRAMMAR = st.sampled_from("the of and is with that we".split())


@pytest.mark.slow
@given(st.lists(CONTENT | GRAMMAR, max_size=15), st.data())
def test_dropping_or_adding_words_of_grammar_is_never_another_order(
    words: list[str], data: st.DataObject
) -> None:
    answer = []
    for word in words:
        answer += data.draw(st.lists(GRAMMAR, max_size=2))
        answer += [word] if len(word) > 4 or data.draw(st.booleans()) else []
    for strictly in (True, False):
        assert not reordered(" ".join(words), " ".join(answer), strictly=strictly)


@pytest.mark.slow
@given(st.lists(CONTENT, min_size=2, max_size=10, unique=True), st.data())
def test_whatever_is_said_once_keeps_its_place_in_a_dictation(words: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(words))
    found = reordered(" and ".join(words), " and ".join(shuffled), strictly=True)
    assert found == (shuffled != words)


@pytest.mark.slow
@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_are_compared_without_a_crash(source: str, answer: str) -> None:
    for strictly in (True, False):
        assert not reordered(source, source, strictly=strictly)
        reordered(source, answer, strictly=strictly)


@pytest.mark.slow
def test_a_word_carried_through_a_sentence_of_thousands_is_told_in_bounded_time() -> None:
    words = [
        f"{first}{second}{third}a"
        for first in "bcdfghklm"
        for second in "npqrstvwx"
        for third in "bcdfghklmnp"
    ]
    words = [word + tail for tail in ("lo", "mi", "nu", "ra", "se", "ti") for word in words]
    with within(10):  # it was half a minute
        assert reordered(" ".join(words), " ".join([words[-1], *words[:-1]]), strictly=False)
