"""Words and columns, as pure functions."""

from __future__ import annotations

import pytest

from ingle.cli import render
from ingle.cli.answer import visible
from ingle.cli.render import Column


@pytest.mark.parametrize(
    ("count", "said"),
    [
        *[(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (98_362_432, "98.4 MB"), (999_600, "1.0 MB")],
        *[(2_279_000_000, "2.3 GB"), (123_400_000, "123 MB"), (None, "-")],
    ],
)
def test_a_size_has_a_unit_and_few_digits(count: int | None, said: str) -> None:
    assert render.size(count) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.4, "4s"), (65, "1m 05s"), (11_400, "3h 10m"), (190_000, "2d 4h"), (-1, "for ever"), (None, "-")],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert render.duration(seconds) == said


@pytest.mark.parametrize(
    ("moment", "said"), [(0, "-"), (9_990, "just now"), (6_000, "1h ago"), (20_000, "just now")]
)
def test_an_age_is_told_from_now(moment: float, said: str) -> None:
    assert render.age(moment, now=10_000) == said


def test_parameters_are_told_as_model_makers_do() -> None:
    assert [render.parameters(n) for n in (134_515_008, 1_720_574_976, None)] == ["135M", "1.7B", "-"]


def test_one_thing_is_not_many() -> None:
    assert [render.count(n, "file") for n in (0, 1, 2)] == ["0 files", "1 file", "2 files"]


def test_columns_are_aligned_and_numbers_stand_right() -> None:
    lines = render.columns([Column("NAME"), Column("SIZE", right=True)], [["a", "1 B"], ["long", "10 MB"]])
    assert lines == ["NAME   SIZE", "a       1 B", "long  10 MB"]


def test_a_narrow_terminal_loses_the_least_important_column_first() -> None:
    heads = [Column("NAME"), Column("LATER", rank=2), Column("SOONER", rank=1)]
    assert render.columns(heads, [["abc", "d", "e"]], width=13)[0] == "NAME  SOONER"
    assert render.columns(heads, [["abc", "d", "e"]], width=3) == ["NAME", "abc"]


def test_facts_of_several_lines_are_indented() -> None:
    assert render.facts([("a", "1\n2"), ("long", "3")]) == ["a     1", "      2", "long  3"]


def test_what_a_model_writes_cannot_steer_the_terminal() -> None:
    assert visible("a\x1b]0;title\x07b\tc\r\n\x9bd") == "a]0;titleb\tc\nd"
