from __future__ import annotations

from pathlib import Path

import pytest

from ingle.text.quality import mark, parse_items, run_item, scores
from ingle.text.tool import find_tool, load_tools
from tests.text.scripted import Script, ScriptedModel

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "bench" / "data" / "text.jsonl"


def _always(answer: str) -> Script:
    return lambda _prompt, _asked: answer


def test_the_set_has_sixty_items_each_with_an_answer_that_passes() -> None:
    items = parse_items(DATA.read_bytes().splitlines())
    assert len(items) == len({item.id for item in items}) == 60
    assert {item.kind for item in items} == {"errors", "dictation", "orders"}
    assert all(mark(item, good, None).passed for item in items for good in item.acceptable)
    assert {item.tool for item in items} <= set(load_tools())


async def test_an_acceptable_answer_passes_through_every_guard() -> None:
    items = parse_items(DATA.read_bytes().splitlines())
    failed = []
    for item in items:
        for good in item.acceptable:
            flat = " ".join(good.split())
            found = await run_item(item, find_tool(item.tool), ScriptedModel(_always(flat)))
            failed += [(found, good)] if not found.passed else []
    assert failed == []


def test_returning_the_original_is_counted_and_is_not_a_pass() -> None:
    item = parse_items(DATA.read_bytes().splitlines())[0]
    marks = [
        mark(item, item.input, "refusal"),
        mark(item, item.acceptable[0], None),
        mark(item, item.input, None),
    ]
    rows = scores(marks)
    assert [(row.kind, row.items, row.passed, row.kept, row.wrong) for row in rows] == [
        ("errors", 3, 1, 1, 1),
        ("all", 3, 1, 1, 1),
    ]


def test_an_original_that_was_right_and_kept_for_a_bad_answer_is_no_pass() -> None:
    items = parse_items(DATA.read_bytes().splitlines())
    right = [item for item in items if item.input in item.acceptable]
    assert right
    assert not any(mark(item, item.input, "refusal").passed for item in right)
    assert all(mark(item, item.input, None).passed for item in right)


def test_a_line_break_is_no_paragraph_and_curly_quotes_are_quotes() -> None:
    item = next(item for item in parse_items(DATA.read_bytes().splitlines()) if "\n\n" in item.acceptable[0])
    good = item.acceptable[0]
    assert not mark(item, good.replace("\n\n", "\n"), None).passed
    assert mark(item, good.replace("\n\n", " \n \n") + "\n", None).passed
