"""Word differences between two texts, as values; colours are the terminal's business."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from enum import StrEnum

import msgspec

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


class Change(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Span(msgspec.Struct, frozen=True):
    change: Change
    text: str


def word_diff(before: str, after: str) -> list[Span]:
    """Spans in reading order. SAME and REMOVED joined are `before`; SAME and ADDED joined are `after`."""
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    spans: list[Span] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            spans.append(Span(Change.SAME, "".join(old[a:b])))
            continue
        if b > a:
            spans.append(Span(Change.REMOVED, "".join(old[a:b])))
        if d > c:
            spans.append(Span(Change.ADDED, "".join(new[c:d])))
    return spans
