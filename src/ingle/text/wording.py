"""Tells which words of meaning an answer dropped, added or put in the place of others; a correction may do little of it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Set
from difflib import SequenceMatcher
from enum import Enum
from itertools import groupby

import msgspec

from ingle.text import units
from ingle.text.alignment import SENTENCE, Region, alike, regions
from ingle.text.grammar import GRAMMAR, is_grammar, spoken_language
from ingle.text.spans import is_spaceless, words

LIGHT = frozenset(
    "made make makes making take takes took taken gave give gives put keep way old piece pieces bit both time times mr mrs ms dr years year people order by way percent per cent "
    "alt jahre stück uhr an ans âgé heures heure h uhr años hora horas anni ore anos jaar uur".split()
)
"""Words that an idiom asks for: `a piece of advice`, `20 years old`."""
STEPS = 3
"""Letters of a script without spaces that may go or come in one place: a particle, no word."""
STEM = 0.6
"""The share of the shorter of two words that is their stem when both begin with it."""
ROOT = 4
"""Letters that words of one root begin with."""
SOUNDED = 0.6
"""How alike a word is to one of grammar that it was misspelt as: `except`, `accept`; `no`, `know`."""
JOINED = 0.85
"""How alike words written together are to the one they become."""
SOUNDS = (
    ("qu", "k"),
    ("ce", "se"),
    ("ci", "si"),
    ("ll", "y"),
    ("ß", "ss"),
    ("c", "k"),
    ("z", "s"),
    ("v", "b"),
    ("h", ""),
)
"""Letters that languages of Latin letters take for each other: `haber`, `a ver`; `valla`, `vaya`."""
VOWELS = frozenset("aeiouyäöüáàâãéèêíîóôõúûå")
REPLACED = 0.2
"""The share of the words of meaning that a correction may replace by quite other ones; one it always may."""


class Change(Enum):
    LOST = "lost"
    INVENTED = "invented"
    REPLACED = "replaced"


class _Left(msgspec.Struct, frozen=True):
    """What one stretch lost and gained after spelling is forgiven."""

    lost: tuple[str, ...]
    came: tuple[str, ...]


def change(source: str, answer: str, free: Set[str]) -> Change | None:
    """What a correction did to the words of meaning beyond spelling; `free` ones may become something else.

    A word may be respelled, put together or apart, written out (`asap`), or, once or for a fifth of the words, be
    another (`borrow`, `lend`). None may go or come with nothing in its place.
    """
    language = spoken_language(source)
    stretches = []
    for region in regions(source, answer):
        letters = _letters(region)
        if abs(letters) > STEPS:
            return Change.LOST if letters > 0 else Change.INVENTED
        stretches.append(_unforgiven(region, free, lambda word: is_grammar(word, language)))
    other = 0
    for left in _without_moved(stretches):
        if len(left.lost) > len(left.came):
            return Change.LOST
        if len([word for word in left.came if word not in LIGHT]) > len(left.lost):
            return Change.INVENTED
        other += _other(left)
    said = sum(not is_grammar(word, language) for word in set(words(source)))
    return Change.REPLACED if other > max(1, math.ceil(REPLACED * said)) else None


def _without_moved(stretches: list[_Left]) -> list[_Left]:
    """The stretches without the words that only stand in another one, respelled: their place is judged elsewhere."""
    gone = [word for left in stretches for word in left.lost]
    moved = [(word, new) for left in stretches for new in left.came for word in gone if _is_same(word, new)]
    old, new = {word for word, _ in moved}, {word for _, word in moved}
    return [
        _Left(
            tuple(word for word in left.lost if word not in old),
            tuple(word for word in left.came if word not in new),
        )
        for left in stretches
    ]


def _letters(region: Region) -> int:
    """How many more letters of a script without spaces went than came."""
    return sum(map(is_spaceless, region.removed)) - sum(map(is_spaceless, region.added))


def _unforgiven(region: Region, free: Set[str], is_small: Callable[[str], bool]) -> _Left:
    """The words of meaning of a stretch that are not the same word on the other side."""
    removed = [word for word in region.removed if not is_spaceless(word)]
    added = [word for word in region.added if not is_spaceless(word)]
    lost = [word for word in removed if word not in free and not is_small(word)]
    came = [word for word in added if word not in free and not is_small(word)]
    for word in list(lost):
        twin = next((new for new in came if _is_same(word, new)), None)
        if twin is not None:
            lost.remove(word)
            came.remove(twin)
    lost = [word for word in lost if not any(_is_form(word, new) for new in added)]
    small = [old for old in removed if is_small(old)]
    came = [
        word for word in came if not any(_is_form(word, old) for old in removed) and not _sounds(word, small)
    ]
    lost = [word for word in lost if not _is_joined(word, added) and not _initials(word, added)]
    came = [word for word in came if not _is_joined(word, removed) and not _written_out(word, removed, added)]
    lost = [word for word in lost if not _is_part(word, removed, added)]
    came = [word for word in came if not _is_part(word, added, removed)]
    if removed and added:  # `do` and `make` are chosen by idiom
        lost = [word for word in lost if word not in LIGHT]
    return _Left(tuple(lost), tuple(came))


def _is_same(word: str, other: str) -> bool:
    """The same word but for spelling, ending or form: `hear`, `hearing`; `pleut`, `pleuve`."""
    least = min(len(word), len(other))
    if sounded(word) == sounded(other) or units.is_same(word, other):
        return True
    if alike(word, {other}) or (
        least >= 2 and abs(len(word) - len(other)) <= 3 and word[:least] == other[:least]
    ):
        return True
    return least >= 4 and word[: max(3, math.ceil(STEM * least))] == other[: max(3, math.ceil(STEM * least))]


def _sounds(word: str, small: Iterable[str]) -> bool:
    return any(SequenceMatcher(None, word, old, autojunk=False).ratio() >= SOUNDED for old in small)


def _is_form(word: str, other: str) -> bool:
    return _is_same(word, other) or _is_short_for(word, other) or _is_short_for(other, word)


def _is_short_for(short: str, word: str) -> bool:
    """Whether `short` abbreviates `word`: `Mr`, `km`."""
    if not 2 <= len(short) <= 3 or len(word) <= len(short) or short[0] != word[0] or short in GRAMMAR["en"]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


def _is_joined(word: str, others: list[str]) -> bool:
    """Whether `word` is two or three of the others written together, or a part of one: `kaputtgegangen`, `zu Hause`."""
    if len(word) < 4:
        return False
    runs = ["".join(others[at : at + count]) for count in (2, 3) for at in range(len(others) - count + 1)]
    if any(_is_sound(word, run) for run in runs):
        return True
    return any(word in other or other.startswith(word[:-1]) for other in others if len(other) > len(word))


def _is_part(word: str, side: list[str], others: list[str]) -> bool:
    """Whether `word` and those beside it, said together, are one of the others: `a ver`, `haber`; `every day`, `everyday`."""
    for count in (2, 3):
        for at in range(len(side) - count + 1):
            run = side[at : at + count]
            if word in run and any(_is_sound(other, "".join(run)) for other in others):
                return True
    return False


def _is_sound(word: str, run: str) -> bool:
    return SequenceMatcher(None, sounded(word), sounded(run), autojunk=False).ratio() >= JOINED


def sounded(word: str) -> str:
    """About how a word is said: without accents and a silent `h`, and one letter for those that sound alike."""
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    for written, said in SOUNDS:
        plain = plain.replace(written, said)
    return "".join(letter for letter, _ in groupby(plain))


def _initials(word: str, others: Iterable[str]) -> bool:
    """Whether a short word that nobody can say is made of the first letters of the others: `gdp`."""
    return 2 <= len(word) <= 6 and VOWELS.isdisjoint(word) and word in "".join(other[0] for other in others)


def _written_out(word: str, removed: Iterable[str], added: list[str]) -> bool:
    return any(_initials(short, added) and word[0] in short for short in removed)


def _other(left: _Left) -> int:
    """How many words were replaced by quite other ones: not even the first letter is the same."""
    return sum(
        all(word[0] != new[0] and SequenceMatcher(None, word, new).ratio() < 0.5 for new in left.came)
        for word in set(left.lost)
    )


def content(text: str, language: str | None = None) -> list[str]:
    """The words of meaning of `text`, in order."""
    language = language or spoken_language(text)
    return [word for word in words(text) if not is_grammar(word, language)]


def related(said: Iterable[str], there: Set[str]) -> int:
    """How many of the words stand in `there`, or share their first letters with one that does."""
    stems = {word[:ROOT] for word in there if len(word) >= ROOT}
    return sum(word in there or word[:ROOT] in stems for word in said)


def is_told(sentence: str, there: Set[str], language: str | None, least: int) -> bool:
    """Whether a sentence of at least `least` words of meaning shares one with `there`; a shorter one is not judged."""
    said = content(sentence, language)
    return len(said) < least or related(said, there) > 0


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text that have something in them."""
    return (part for part in SENTENCE.split(text.replace("\n", " ")) if part.strip())
