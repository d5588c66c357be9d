"""Texts that break splitting and joining: line ends of old, nested Markdown, letters nobody sees, links over a cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.errors import InvalidRequest
from ingle.text.document import cut, split_prose
from ingle.text.guards import Reason
from ingle.text.improve import improve
from ingle.text.spans import unbreakable
from tests.text.scripted import ScriptedModel, answered, built_in, echo

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "kept",
    [
        "~~~\rteh code\r~~~\r",
        "```\rteh code\r```\r",
        "> | a | b |\n> |---|---|\n> | teh | x |\n",
        "> a | b\n> --- | ---\n> teh | x\n",
        "- | a | b |\n  |---|---|\n  | teh | x |\n",
        "1. item\n\n        teh code\n",
        "- item\n\n      teh code\n",
        ">     teh code\n",
        "<pre>\nteh code\n\nteh\n</pre>\n",
        "<script>\nteh = 1\n\nteh = 2\n</script>\n",
        "<style>\n.teh {}\n</style>\n",
        "\\[\nteh = 1\n\\]\n",
        "\\begin{align}\nteh &= 1\n\\end{align}\n",
        "> $$\n> teh\n> $$\n",
        "- $$\n  teh\n  $$\n",
        "<?php\nteh\n?>\n",
        "<![CDATA[\nteh\n]]>\n",
        "::: teh\n",
        "> - ```\n>   teh\n>   ```\n",
        "- > ~~~\n  > teh\n  > ~~~\n",
    ],
)
def test_what_is_nested_or_ends_its_lines_otherwise_never_reaches_a_model(kept: str) -> None:
    pieces = cut(kept + "\nThese are words.\n")
    assert "".join(piece.text for piece in pieces) == kept + "\nThese are words.\n"
    assert "teh" not in "".join(piece.text for piece in pieces if piece.prose)
    assert "These are words." in [piece.text for piece in pieces if piece.prose]


@pytest.mark.parametrize(
    "text",
    [
        "1. a\n\n   words\n\n    more words\n",
        "> words\n>     more words\n",
        "- a\n  words\n    words\n",
        "::: note\nwords\n:::\n",
        "words\rmore words\r",
        "words\r\nmore words\n\r",
    ],
)
def test_words_in_lists_and_quotations_are_still_words(text: str) -> None:
    assert "words" in "".join(piece.text for piece in cut(text) if piece.prose)


@given(st.text(alphabet="a \n\r\t>-`~|$<[](){}#*_.:\\\u2028\x85\ufeff\u200d\u0301\u00a0\u3000", max_size=120))
def test_whatever_the_marks_and_line_ends_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in cut(text)) == text
    assert "".join(piece.text for piece in split_prose(text, 20)) == text


@pytest.mark.parametrize(
    "span", ["[the Dr. A](http://a.b)", "`a. b c`", "{{ x. y }}", "<b class='a. b'>", "$a. + b$"]
)
def test_a_cut_never_goes_through_a_link_or_code(span: str) -> None:
    text = f"we go to {span} and sit there. " * 9
    for limit in range(60, 90):
        pieces = split_prose(text, limit)
        assert "".join(piece.text for piece in pieces) == text
        assert sum(piece.text.count(span) for piece in pieces) == 9


def test_a_span_longer_than_a_piece_is_no_prose() -> None:
    code = "`" + "a b. " * 60 + "`"
    assert [piece.text for piece in split_prose(f"see {code} teh", 200) if piece.prose] == ["see", "teh"]


@pytest.mark.parametrize("one", ["e\u0301", "👨\u200d👩\u200d👧", "👍🏽", "กำ", "नि"])
def test_a_letter_made_of_several_is_not_cut_in_two(one: str) -> None:
    text = "x" + one * 60
    for limit in range(40, 60):
        pieces = [piece.text for piece in split_prose(text, limit)]
        assert "".join(pieces) == text
        assert all(piece.startswith(("x", one[0])) for piece in pieces)


def test_a_cut_in_a_script_without_spaces_is_behind_a_comma() -> None:
    text = "今日は天気が良かったので、みんなで川沿いを歩きました、" * 20
    assert all(piece.text.endswith("、") for piece in split_prose(text, 300))


def test_links_are_held_whole() -> None:
    text = "see [a [b](c) d](e) and `f`"
    assert [text[start:end] for start, end in unbreakable(text)] == ["[a [b](c) d](e)", "`f`"]


async def test_half_a_letter_is_refused_before_a_model_is_asked() -> None:
    model = ScriptedModel(echo)
    with pytest.raises(InvalidRequest, match="Character 3"):
        _ = [event async for event in improve(built_in("proofread"), "a \ud83d b", model)]
    assert model.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "cafe\u0301 ist scho\u0308n",
        "שלום \u200fworld\u200f לכולם",
        "می\u200cخواهم به خانه بروم",
        "Do\u00adnau\u00addampf\u00adschiff",
        "one\u2028two teh\x85three",
        "a\tb\u00a0c\u3000d  e teh",
        "ผมไปโรงเรียนเมื่อวานนี้",
        "नमस्ते दुनिया",
        "one\r\ntwo\rthree teh\n",
        "\ufeffteh cat\r\n\r\n",
    ],
)
async def test_a_model_that_changes_nothing_changes_no_odd_letter(text: str) -> None:
    events = [event async for event in improve(built_in("proofread"), text, ScriptedModel(echo))]
    result = events[-1].result
    assert result is not None
    assert (result.text, result.kept) == (text, ())


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("می\u200cخواهم به خانه بروم", "میخواهم به خانه بروم"),
        ("Do\u00adnau ist ein Fluss", "Donau ist ein Fluss"),
        ("he go home", "he goes\ufffd home"),
    ],
)
async def test_a_letter_nobody_sees_is_not_lost_either(text: str, answer: str) -> None:
    result = await answered("proofread", text, answer)
    assert (result.text, result.reason is None) == (text, False)


async def test_composed_and_decomposed_letters_are_the_same_words() -> None:
    result = await answered(
        "proofread", "le cafe\u0301 est tre\u0300s bon\net chaud", "Le café est très bon et chaud."
    )
    assert (result.text, result.reason) == ("Le café est très bon\net chaud.", None)


async def test_an_answer_that_says_the_piece_before_again_is_not_taken() -> None:
    def script(prompt: str, _asked: int) -> str:
        said = {
            "first": "We walked along the river.",
            "second": "We walked along the river. It was dark then.",
        }
        return said["second" if "dark" in prompt else "first"]

    text = "We was walking along the river.\n\nIt were dark then.\n"
    model = ScriptedModel(script)
    events = [event async for event in improve(built_in("rewrite"), text, model)]
    result = events[-1].result
    assert result is not None
    assert result.text == "We walked along the river.\n\nIt were dark then.\n"
    assert result.reason in (Reason.REPETITION, Reason.INVENTED_TEXT)
