"""Word differences between two texts, as values; colours are the terminal's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from enum import StrEnum

import msgspec

SENTENCE = re.compile(r"[^\n.!?]*[\n.!?]+\s*|[^\n.!?]+")
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
MAX_COMPARISONS = 25_000_000
"""Tokens of both sides multiplied, beyond which a stretch is shown as a whole: a few seconds' work."""


class Change(StrEnum):
    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


class Span(msgspec.Struct, frozen=True):
    change: Change
    text: str


def word_diff(before: str, after: str) -> list[Span]:
    """Spans in reading order. SAME and REMOVED joined are `before`; SAME and ADDED joined are `after`.

    Sentences are laid side by side first and words within those that differ, so that a book takes
    seconds too.
    """
    spans: list[Span] = []
    for span in _sentences(SENTENCE.findall(before), SENTENCE.findall(after)):
        if not span.text:
            continue
        if spans and spans[-1].change is span.change:
            spans[-1] = Span(span.change, spans[-1].text + span.text)
        else:
            spans.append(span)
    return spans


def _sentences(old: list[str], new: list[str]) -> Iterator[Span]:
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            yield Span(Change.SAME, "".join(old[a:b]))
        elif b - a == d - c:
            for mine, theirs in zip(old[a:b], new[c:d], strict=True):
                yield from _words(mine, theirs)
        else:
            yield from _words("".join(old[a:b]), "".join(new[c:d]))


def _words(before: str, after: str) -> Iterator[Span]:
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    if len(old) * len(new) > MAX_COMPARISONS:
        yield Span(Change.REMOVED, before)
        yield Span(Change.ADDED, after)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Span(Change.SAME, "".join(old[a:b]))
        else:
            yield Span(Change.REMOVED, "".join(old[a:b]))
            yield Span(Change.ADDED, "".join(new[c:d]))
