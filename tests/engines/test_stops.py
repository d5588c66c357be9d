"""Stop strings are found wherever the pieces are cut, and never come out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.engines.stops import StopFinder, held_suffix


def fed(text: str, stops: list[str], cuts: list[int]) -> tuple[str, str | None]:
    finder, shown, rest = StopFinder(stops), "", text
    for cut in [*cuts, len(text)]:
        piece, rest = rest[:cut], rest[cut:]
        shown += finder.push(piece)
    return shown + finder.flush(), finder.matched


def expected(text: str, stops: list[str]) -> tuple[str, str | None]:
    for end in range(len(text) + 1):
        ended = [stop for stop in stops if stop and text[:end].endswith(stop)]
        if ended:
            longest = max(ended, key=len)
            return text[: end - len(longest)], longest
    return text, None


letters = st.text("ab", max_size=30)


@settings(max_examples=40)
@given(letters, st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.lists(st.integers(0, 3)))
def test_any_cutting_gives_what_a_reader_of_single_characters_sees(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    assert fed(text, stops, cuts) == expected(text, stops)


def test_what_could_be_a_start_is_held_back_until_it_is_known() -> None:
    finder = StopFinder(["END"])
    assert finder.push("abE") == "ab"
    assert finder.push("N") == ""
    assert finder.push("x") == "ENx"


def test_nothing_comes_out_after_a_match() -> None:
    finder = StopFinder(["."])
    assert finder.push("one. two") == "one"
    assert (finder.push("three"), finder.flush(), finder.matched) == ("", "", ".")


def test_held_suffix_is_shorter_than_the_mark_itself() -> None:
    assert held_suffix("xxab", ("abc",)) == 2
    assert held_suffix("abc", ("abc",)) == 0
    assert held_suffix("", ("abc",)) == 0
