"""Scores a model on the set of error-ridden sentences, dictations and texts that give orders.

An item passes when the model's answer was taken and the whole result, runs of spaces and typographic quotes
aside, is one of its acceptable answers. `kept` counts items whose original was returned with a reason:
harmless, and never a pass, not even where the original was right. `wrong` counts the rest: a text that was
changed, or left alone without a reason, and is not acceptable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

import msgspec

from ingle.text.improve import Generate, TextResult, improve
from ingle.text.tool import Tool


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    kind: str
    tool: str
    input: str
    acceptable: tuple[str, ...]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """`closeness` is the best similarity of the result to an acceptable answer, 0.0 to 1.0.

    `reason` is that of the guards when they kept the original.
    """

    id: str
    kind: str
    passed: bool
    closeness: float
    result: str
    reason: str | None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    items: int
    passed: int
    kept: int
    wrong: int
    closeness: float


def parse_items(lines: Iterable[bytes]) -> list[Item]:
    return [msgspec.json.decode(line, type=Item) for line in lines if line.strip()]


async def run_item(item: Item, tool: Tool, generate: Generate) -> Mark:
    """One item through the whole tool, guards and all."""
    result: TextResult | None = None
    async for event in improve(tool, item.input, generate):
        result = event.result or result
    assert result is not None
    return mark(item, result.text, result.reason)


def mark(item: Item, text: str, reason: str | None) -> Mark:
    given = _plain(text)
    ratios = [SequenceMatcher(None, given, _plain(good), autojunk=False).ratio() for good in item.acceptable]
    return Mark(
        id=item.id,
        kind=item.kind,
        passed=reason is None and given in {_plain(good) for good in item.acceptable},
        closeness=round(max(ratios), 4),
        result=text,
        reason=reason,
    )


def scores(marks: list[Mark]) -> list[Score]:
    """One row a kind, in order of appearance, and one for all."""
    kinds = [*dict.fromkeys(found.kind for found in marks), "all"]
    return [_score(kind, [found for found in marks if kind in (found.kind, "all")]) for kind in kinds]


def _score(kind: str, marks: list[Mark]) -> Score:
    passed = sum(found.passed for found in marks)
    kept = sum(found.reason is not None for found in marks)
    return Score(
        kind=kind,
        items=len(marks),
        passed=passed,
        kept=kept,
        wrong=len(marks) - passed - kept,
        closeness=round(sum(found.closeness for found in marks) / max(1, len(marks)), 3),
    )


def _plain(text: str) -> str:
    for curly, straight in (("“", '"'), ("”", '"'), ("’", "'"), ("‘", "'"), ("…", "...")):
        text = text.replace(curly, straight)
    lines = "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines)
