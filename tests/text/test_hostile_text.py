"""No text takes the tools more than bounded time to cut and to judge."""

from __future__ import annotations

import pytest

from ingle.text.document import cut
from ingle.text.spans import protected
from tests.bounded import within


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a@" + "a" * 50_000,
        "`" * 50_000,
        " " * 50_000 + "|x",
        "a|b\n" + " " * 50_000 + "x",
        "* " * 25_000 + "x",
    ],
    ids=["word", "address", "backticks", "spaces", "table", "rule"],
)
def test_long_runs_of_one_kind_are_read_in_bounded_time(text: str) -> None:
    with within(5):
        protected(text)
        assert "".join(piece.text for piece in cut(text)) == text


def test_addresses_and_code_are_found_as_they_stand() -> None:
    found = protected("mail a.b+c@x-y.example.org, or <x@y.de>, see `x` and ``a b``, not foo@bar")
    assert {"a.b+c@x-y.example.org", "<x@y.de>", "`x`", "``a b``"} <= set(found)
    assert "foo@bar" not in found


def test_a_name_with_underscores_is_one_whatever_it_begins_with() -> None:
    found = protected("the 7__strong__teh of über_mich and a_b, __strong__ and 3 _soft_ words")
    assert {"7__strong__teh", "über_mich", "a_b"} <= set(found)
    assert (found["__"], found["_"]) == (2, 2)


def test_a_placeholder_behind_a_digit_is_one_and_an_escaped_percent_sign_is_none() -> None:
    assert protected("file7%s.txt and 3%d") == {"%s": 1, "%d": 1}
    assert not protected("100%% of it, 50% of them, 20%%s, 90 % discount")
