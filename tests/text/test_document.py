from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.text.document import cut, split_prose
from ingle.text.whitespace import flatten, restore

MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# Title\n",
            "a line of words.\n",
            "- item one\n",
            "  - nested\n",
            "```py\n",
            "x = 1  # teh\n",
            "```\n",
            "\n",
            "    indented\n",
            "> quoted words\n",
            "| a | b |\n",
            "|---|---|\n",
            "1. first\n",
            "***\n",
            "\t",
            "é ",
            "<div>\n",
            "[a]: http://x.y\n",
            "word",
            "\r\n",
            "   ",
            "- [ ] todo me\n",
            "> ```\n",
            "---\n",
            "title: teh\n",
            "<!-- a\n",
            "-->\n",
            "$$\n",
            "a | b\n",
            "--- | ---\n",
            "\ufeff",
            "שלום ",
            "**b** ",
            "    ```\n",
        ]
    ),
    max_size=30,
).map("".join)


@given(st.text() | MARKDOWN)
def test_the_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in cut(text)) == text


@given(st.text() | MARKDOWN, st.integers(1, 60))
def test_split_prose_joined_is_the_text_and_no_piece_is_longer_than_the_limit(text: str, limit: int) -> None:
    pieces = split_prose(text, limit)
    assert "".join(piece.text for piece in pieces) == text
    assert all(len(piece.text) <= limit for piece in pieces if piece.prose)


@given(MARKDOWN)
def test_prose_never_starts_or_ends_with_white_space(text: str) -> None:
    assert all(piece.text == piece.text.strip() and piece.text for piece in cut(text) if piece.prose)


def test_fenced_code_is_never_prose() -> None:
    text = "Intro words.\n\n```python\nteh = 'wrong'\n```\n\nOutro words.\n"
    assert [piece.text for piece in cut(text) if piece.prose] == ["Intro words.", "Outro words."]


def test_an_unclosed_fence_keeps_the_rest() -> None:
    assert [piece.text for piece in cut("Words.\n~~~\nteh rest\n\nmore\n") if piece.prose] == ["Words."]


def test_markers_of_lists_headings_quotes_and_tasks_stay_outside() -> None:
    text = "## A heading\n- one thing\n  2. two things\n> quoted text\n- [x] done thing\n"
    prose = [piece.text for piece in cut(text) if piece.prose]
    assert prose == ["A heading", "one thing", "two things", "quoted text", "done thing"]


def test_a_heading_ends_with_its_line_and_what_is_indented_below_is_code() -> None:
    for text in ("# A heading\n    teh = 1\n", "***\n    teh = 1\n", "~~~\nx\n~~~\n    teh = 1\n"):
        assert "teh" not in "".join(piece.text for piece in cut(text) if piece.prose)
    prose = [piece.text for piece in cut("# A heading\nand words\n    that go on\n") if piece.prose]
    assert prose == ["A heading", "and words\n    that go on"]


def test_a_hard_wrapped_paragraph_is_one_piece() -> None:
    assert [piece.text for piece in cut("one line\nand the next\n") if piece.prose] == [
        "one line\nand the next"
    ]


def test_tables_rules_and_link_definitions_are_kept() -> None:
    text = "| a | b |\n|---|---|\n| teh | x |\n\n---\n\n[ref]: http://example.org\n"
    assert not any(piece.prose for piece in cut(text))


WORDS = st.lists(
    st.sampled_from(["he", "go", "went", "to", "school", "Yesterday,", "and"]), min_size=1, max_size=20
)
GAPS = st.sampled_from([" ", "\n", "\n  ", "  ", " \n", "\t"])


@given(WORDS, st.data())
def test_restore_of_the_same_words_is_the_source(words: list[str], data: st.DataObject) -> None:
    source = words[0] + "".join(data.draw(GAPS) + word for word in words[1:])
    assert restore(source, flatten(source)) == source


@given(WORDS, WORDS, st.data())
def test_restore_never_changes_the_words_of_the_answer(
    words: list[str], answer: list[str], data: st.DataObject
) -> None:
    source = words[0] + "".join(data.draw(GAPS) + word for word in words[1:])
    restored = restore(source, " ".join(answer))
    assert restored.split() == answer


def test_line_breaks_return_to_their_words() -> None:
    source = "he go to school\nyesterday and dont\ncame back"
    answer = "He went to school yesterday and didn't come back."
    assert restore(source, answer) == "He went to school\nyesterday and didn't\ncome back."


@pytest.mark.parametrize(
    "kept",
    [
        "- item\n\n    ```py\n    teh = 1\n    ```\n",
        "1. item\n   ```\n   teh\n   ```\n",
        "> ```\n> teh\n> ```\n",
        "```\n``` teh is no end\nteh\n```\n",
        "---\ntitle: teh\n---\n",
        "+++\ntitle = 'teh'\n+++\n",
        "<!-- teh\nteh -->\n",
        "$$\nteh = 1\n$$\n",
        "a | b\n--- | ---\nteh | x\n",
        "\ufeff---\r\ntitle: teh\r\n---\r\n",
    ],
)
def test_no_construct_that_is_not_prose_reaches_a_model(kept: str) -> None:
    pieces = cut(kept + "\nThese are words.\n")
    assert "teh" not in "".join(piece.text for piece in pieces if piece.prose)
    assert "These are words." in [piece.text for piece in pieces if piece.prose]


def test_a_byte_order_mark_stays_outside() -> None:
    assert [piece.text for piece in cut("\ufeffHello there.") if piece.prose] == ["Hello there."]


@pytest.mark.parametrize("odd", ["teh\0cat", "\x1b[31mteh\x1b[0m cat", "teh\x7f cat"])
def test_a_line_with_control_characters_is_no_prose(odd: str) -> None:
    prose = [piece.text for piece in cut(f"Some words.\n{odd}\nMore words.\n") if piece.prose]
    assert prose == ["Some words.", "More words."]


def test_a_line_of_code_marks_is_no_fence_and_a_rule_no_front_matter() -> None:
    for text in ("```code``` and words\n", "---\n\nand words\n\n---\n"):
        assert any("and words" in piece.text for piece in cut(text) if piece.prose)


def test_a_piece_is_measured_in_what_a_model_pays() -> None:
    text = "今日は天気が良かったので、みんなで川沿いを歩きました。" * 40
    pieces = split_prose(text, 300)
    assert all(len(piece.text.encode()) <= 300 for piece in pieces)
    assert all(piece.text.endswith("。") for piece in pieces)
