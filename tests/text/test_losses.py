"""Answers of a weak model in which something of the text is gone."""

from __future__ import annotations

import pytest

from tests.text.scripted import answered

pytestmark = pytest.mark.slow

LOST = [
    (
        "proofread",
        "we met the sister of bob and bought red apples for lunch",
        "We met the sister of Bob for lunch.",
    ),
    ("proofread", "the old grey cat sat on the mat", "The cat sat on the mat."),
    ("proofread", "please send the signed contract back", "Please send the contract back."),
    ("dictation", "call anna and bob tomorrow about the contract", "Call Anna tomorrow about the contract."),
    ("proofread", "I've got to many emails 😀 in my inbox", "I've got too many emails in my inbox."),
    ("proofread", "we was there (with the kids) yesterday", "We were there yesterday."),
    ("proofread", "all task are done ✓ exept this one ✗", "All tasks are done except this one."),
    (
        "proofread",
        "Anna called me. Anna was angry with Bob. Bob was sad.",
        "Anna called me. Anna was angry with Bob. He was sad.",
    ),
    ("proofread", "the family 👨\u200d👩\u200d👧 is here now", "The family 👨👩👧 is here now."),
    ("proofread", 'he sayed "I will come" and left', "He said and left."),
    ("proofread", "see the file src/app/main.py for it", "See the file src/main.py for it."),
    ("proofread", "see C:\\Users\\bob\\notes.txt for it", "See C:\\Users\\notes.txt for it."),
    ("proofread", "run it with --dry-run and than again", "Run it with dry run and then again."),
    (
        "proofread",
        "tag it :tada: and than ask @maria about #123",
        "Tag it tada and then ask Maria about 123.",
    ),
    ("proofread", "go to example.org and klick", "Go to example and click."),
    ("proofread", "the c++ code is to slow", "The C code is too slow."),
    ("proofread", "Is it late? I think so, lets go", "It is late. I think so, let's go."),
    (
        "concise",
        "The report is late. Please call Anna at 5 because the client in Berlin waits.",
        "The report is late, call at 5.",
    ),
    (
        "rewrite",
        "John called on Monday about the invoice for the office.",
        "He called about the invoice for the office.",
    ),
    (
        "rewrite",
        "The report is finished now. The garden needs more water in summer.",
        "The report has been completed now, and all of it is done.",
    ),
    (
        "translate",
        "The report is finished. The garden needs water. The dog sleeps all day. The children play outside.",
        "Der Bericht ist fertig. Der Garten braucht Wasser.",
    ),
    ("proofread", "தமிழ் மொழி மிகவும் அழகான மொழி", "தமிழ் மொழி அழகான மொழி"),
    ("proofread", "ผมไปโรงเรียนเมื่อวานนี้กับเพื่อนของผมสามคน", "ผมไปโรงเรียนเมื่อวานนี้"),
    (
        "proofread",
        "first line of the poem\\\nsecond line of it",
        "First line of the poem\nsecond line of it.",
    ),
    ("proofread", "words <!-- teh note --> and more word", "Words and more words."),
    ("rewrite", "words here <!-- keep --> and more word for us", "Words here and more words for us."),
    ("proofread", "the price is {price:.2f} and %{name} is here", "The price is {price} and name is here."),
    (
        "rewrite",
        "hello %{user_name} and #{count} and <%= x %> are here",
        "Hello user and count and x are here.",
    ),
    (
        "proofread",
        "You have {n, plural, one {# item} other {# items}} in cart",
        "You have {n} items in cart.",
    ),
]


@pytest.mark.parametrize(("tool", "source", "answer"), LOST)
async def test_an_answer_that_lost_something_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


ANSWERED = [
    ("proofread", "is it raining in berlin", "It is raining in Berlin."),
    ("dictation", "is it raining in berlin", "Yes, it is raining in Berlin."),
    ("dictation", "kommst du morgen zu mir", "Du kommst morgen zu mir."),
    ("translate", "What is the capital of Australia?", "Die Hauptstadt Australiens ist Canberra."),
    ("rewrite", "What is the capital of Australia?", "The capital of Australia is Canberra."),
    ("professional", "Is the report ready?", "Yes, the report is ready."),
    ("proofread", "can you tell me the time", "I can tell you the time."),
    ("dictation", "please write a poem about the sea", "The sea is a poem about the waves, please."),
]


@pytest.mark.parametrize(("tool", "source", "answer"), ANSWERED)
async def test_a_reply_to_a_question_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None


LANGUAGE = [
    (
        "translate",
        "The weather was fine today, so we all walked along the river. We came home in the evening and were "
        "very tired.",
        "Das Wetter war heute schön, und wir gingen am Fluss entlang. We came home in the evening and were "
        "very tired.",
    )
]


@pytest.mark.parametrize(("tool", "source", "answer"), LANGUAGE)
async def test_a_translation_that_stopped_half_way_is_not_taken(tool: str, source: str, answer: str) -> None:
    result = await answered(tool, source, answer)
    assert result.text == source
    assert result.reason is not None
