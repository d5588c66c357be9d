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
        for good in item.acceptable[:1]:
            flat = " ".join(good.split())
            found = await run_item(item, find_tool(item.tool), ScriptedModel(_always(flat)))
            failed += [(found, good)] if not found.passed else []
    assert failed == []


def test_returning_the_original_is_counted_and_is_not_a_pass() -> None:
    item = parse_items(DATA.read_bytes().splitlines())[0]
    rows = scores([mark(item, item.input, "refusal"), mark(item, item.acceptable[0], None)])
    assert [(row.kind, row.items, row.passed, row.kept) for row in rows] == [
        ("errors", 2, 1, 1),
        ("all", 2, 1, 1),
    ]
