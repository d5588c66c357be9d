"""Tells which names of a text an answer lost, or has from nowhere."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from ingle.text import language, spans
from ingle.text.alignment import alike
from ingle.text.grammar import is_grammar, spoken_language

PRONOUNS = frozenset(
    "he she it they him her them his hers its their er sie es ihn ihm ihr il elle lui ils elles el ella ellos".split()
)
TITLES = frozenset(
    "mr mrs ms dr st prof sir mister missus doctor saint am pm ok tv no uhr herr frau hr fr mme mlle sr sra dra etc".split()
)
"""Written with a capital wherever they stand, and said in other letters."""
MANY = 0.5
"""The share of capitalised words above which capitals say nothing: a title, a text that shouts."""


def is_lost(source: str, answer: str) -> bool:
    """Whether a name went; one corrected by a letter or two did not, and one said twice must be said twice."""
    there = Counter(spans.words(answer))
    said = Counter(word for word, _ in spans.capitalised(source))
    mine = Counter(spans.words(source))
    for name in spans.names(source):
        low = name.lower()
        if not alike(low, there.keys()):
            return True
        if low in there and there[low] < mine[low] and said[name] > 1 and not _stutters(low, source):
            return True
    return False


def _stutters(name: str, source: str) -> bool:
    found = spans.words(source)
    return any(a == b == name for a, b in pairwise(found))


def opener_is_lost(source: str, answer: str) -> bool:
    """Whether a first word of a sentence that may be a name went, or became a pronoun.

    It may be an ordinary word all the same: one of grammar is not missed, nor one whose place is taken
    by a new word with the same first letter (`Pls`, `Please`).
    """
    spoken = spoken_language(source)
    said = Counter(spans.words(answer))
    there = said.keys()
    new = {word[0] for word in said - Counter(spans.words(source)) if word not in PRONOUNS}
    return any(
        not alike(word, there) and word[0] not in new
        for word in map(str.lower, spans.openers(source))
        if not language.is_function_word(word) and not is_grammar(word, spoken)
    )


def is_invented(source: str, answer: str) -> bool:
    """Whether a name came that nothing in the source is like, not even its first letters."""
    found = spans.words(source)
    there, run = set(found), "".join(found)
    spoken = spoken_language(source)
    for name in spans.names(answer):
        low = name.lower()
        if low in TITLES or is_grammar(low, spoken) or alike(low, there) or low in run:
            continue
        if any(len(word) >= 3 and low.startswith(word[:3]) for word in there):
            continue
        if not (low in "".join(word[0] for word in found) and len(low) <= 6):
            return True
    return False


def tells_by_capitals(text: str) -> bool:
    """Whether a capital says that a word is a name: not in German, and not where most words have one."""
    if spoken_language(text) == "de":
        return False
    named = spans.names(text)
    return len(named) <= MANY * max(2, len(spans.words(text)))


def is_gone(source: str, answer: str) -> bool:
    """Whether a name of a text went when it was reworded; its initials, or what they stand for, are it too."""
    if not tells_by_capitals(source):
        return False
    found = spans.words(answer)
    there, initials = set(found), "".join(word[0] for word in found)
    return any(
        not alike(name.lower(), there) and not (name.isupper() and name.lower() in initials)
        for name in spans.names(source)
        if not is_grammar(name.lower(), "en")
    )
