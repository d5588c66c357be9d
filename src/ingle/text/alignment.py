"""Lays the words of an answer along those of its source: what is still there, what went, what was added."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set
from difflib import SequenceMatcher
from functools import lru_cache

import msgspec

from ingle.text.spans import weight, words

SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])")

END = 2.0
"""Words that an answer may not stop short of."""
RECENT = 4
"""Comparisons that are remembered: each rule asks for the same one, or for it turned around."""


class Region(msgspec.Struct, frozen=True):
    """A stretch where source and answer differ: word indexes, and the words that only one side has.

    A word that only moved to another region is on neither side: alignment is not about order.
    """

    start: int
    end: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


def alike(word: str, there: Set[str]) -> bool:
    """Whether `word`, corrected by a letter or two or by their order, is there."""
    if word in there or word.removesuffix("'s") in there:
        return True
    letters = sorted(word)
    return any(
        (abs(len(word) - len(other)) <= 2 and SequenceMatcher(None, word, other).ratio() >= 0.75)
        or (len(word) == len(other) and sorted(other) == letters)
        for other in there
    )


@lru_cache(maxsize=RECENT)
def steps(source: str, answer: str) -> tuple[tuple[str, int, int, int, int], ...]:
    """How the words of the source become those of the answer: stretches, equal or not, as `difflib` names them."""
    return tuple(SequenceMatcher(None, words(source), words(answer), autojunk=False).get_opcodes())


@lru_cache(maxsize=RECENT)
def regions(source: str, answer: str) -> tuple[Region, ...]:
    """Where the words differ, in reading order. A single word in common does not part two regions."""
    mine, theirs = words(source), words(answer)
    found: list[Region] = []
    edges: list[tuple[int, int, int, int]] = []
    for tag, a, b, c, d in steps(source, answer):
        if tag == "equal":
            continue
        if edges and a - edges[-1][1] <= 1:
            edges[-1] = (edges[-1][0], b, edges[-1][2], d)
        else:
            edges.append((a, b, c, d))
    moved = Counter(word for a, b, _, _ in edges for word in mine[a:b])
    moved &= Counter(word for _, _, c, d in edges for word in theirs[c:d])
    left, right = moved.copy(), moved.copy()
    for a, b, c, d in edges:
        found.append(Region(a, b, _unmoved(mine[a:b], left), _unmoved(theirs[c:d], right)))
    return tuple(found)


def _unmoved(side: list[str], moved: Counter[str]) -> tuple[str, ...]:
    """The words of one side without those that stand in another region too; `moved` is used up."""
    kept = []
    for word in side:
        if moved[word]:
            moved[word] -= 1
        else:
            kept.append(word)
    return tuple(kept)


def lost(source: str, answer: str, free: Set[str], limit: float) -> bool:
    """Whether a run of words went without others in their place: `limit` of them, or a whole sentence.

    `free` are words that may become something else than words, such as spoken numbers.
    """
    spans = _sentence_spans(source)
    for region in regions(source, answer):
        gone = _weight(word for word in region.removed if word not in free) - _weight(region.added)
        if gone >= limit:
            return True
        within = [
            words(sentence) for start, end, sentence in spans if region.start <= start and end <= region.end
        ]
        if any(gone >= _weight(sentence) > 0 and not set(sentence) <= free for sentence in within):
            return True
    return False


def lost_end(source: str, answer: str, free: Set[str]) -> bool:
    """Whether the last two words or more went: an answer that stopped early."""
    found = regions(source, answer)
    if not found or found[-1].end < len(words(source)):
        return False
    added = set(found[-1].added)
    missed = (word for word in found[-1].removed if word not in free and not alike(word, added))
    return _weight(missed) - len(added) >= END


def invented(source: str, answer: str, limit: float) -> bool:
    """Whether a run of `limit` words or more came that stands for nothing in the source."""
    return any(_weight(region.added) - _weight(region.removed) >= limit for region in regions(source, answer))


def _weight(found: Iterable[str]) -> float:
    return sum(weight(word) for word in found)


def _sentence_spans(text: str) -> list[tuple[int, int, str]]:
    """(first word, past the last word, the sentence) of each sentence that has words."""
    spans: list[tuple[int, int, str]] = []
    at = 0
    for sentence in SENTENCE.split(text):
        count = len(words(sentence))
        if count:
            spans.append((at, at + count, sentence))
        at += count
    return spans
