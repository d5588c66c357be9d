"""Shows a model one line of words and puts the original white space back into its answer."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from difflib import SequenceMatcher

GAP = re.compile(r"\s+")


def flatten(text: str) -> str:
    """Every run of white space as one space."""
    return GAP.sub(" ", text).strip()


def restore(source: str, answer: str) -> str:
    """`answer` with the runs of white space of `source` that are not a single space.

    Each run goes before the word of the answer that stands where its next word stood: aligned words
    first, else in proportion. The words of the answer are never changed.
    """
    if answer == flatten(source):
        return source.strip()
    source_words, gaps = _split(source)
    special = {index: gap for index, gap in enumerate(gaps, start=1) if gap != " "}
    if not special:
        return answer
    answer_words = answer.split()
    places = _places(source_words, answer_words, sorted(special))
    parts: list[str] = []
    for index, word in enumerate(answer_words):
        if index:
            parts.append(special[places[index]] if index in places else " ")
        parts.append(word)
    return "".join(parts)


def runs(text: str) -> Counter[str]:
    """How often each run of white space stands between the words that is not a single space."""
    return Counter(gap for gap in GAP.findall(text.strip()) if gap != " ")


def _split(text: str) -> tuple[list[str], list[str]]:
    return text.split(), GAP.findall(text.strip())


def _places(source: list[str], answer: list[str], wanted: list[int]) -> dict[int, int]:
    """Index in `answer` -> index in `source` of the gap that goes before it; increasing, at most one each."""
    matcher = SequenceMatcher(None, _composed(source), _composed(answer), autojunk=False)
    aligned: dict[int, int] = {}
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal" or (tag == "replace" and b - a == d - c):
            aligned.update(zip(range(a, b), range(c, d), strict=True))
    places: dict[int, int] = {}
    last = 0
    for count, index in enumerate(wanted):
        guess = aligned.get(index, round(index * len(answer) / max(1, len(source))))
        remaining = len(wanted) - count - 1
        place = max(last + 1, min(guess, len(answer) - 1 - remaining))
        if place >= len(answer):
            break
        places[place] = index
        last = place
    return places


def _composed(found: list[str]) -> list[str]:
    return [unicodedata.normalize("NFC", word).lower() for word in found]
