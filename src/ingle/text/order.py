"""Tells whether an answer put what its source says into another order; pure, and silent where it cannot be sure.

Compared are the words of meaning, names and protected spans, also those that are said twice, and the digits that
are said once: the numbers themselves are judged elsewhere, and a word of grammar moves with its sentence.
A script without spaces is compared by pairs of letters that stand there once.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from difflib import SequenceMatcher

import msgspec

from ingle.text.alignment import SENTENCE, alike
from ingle.text.language import is_function_word
from ingle.text.letters import SPACELESS
from ingle.text.numerals import NUMBER, VALUES
from ingle.text.spans import PROTECTED, WORD, names

MOVED = 2
"""Words that a correction may take to another place of their sentence: `I like very much pizza`."""
FAR = 100
"""Tokens past which no correction carries a word."""
DATE = 3
"""Tokens from a number to its word in `the 21st of May`, which may become `May 21`."""
COMPARED = 2500
"""Pairs of words compared letter by letter at most, which takes 50 ms; beyond it spelling is not forgiven."""
TOKEN = re.compile(f"{NUMBER.pattern}|{WORD.pattern}")
TURNS = re.compile(r"\d[:/.-]\d|(?:ty|tieth|zig|ßig|einte|enti|nta)\Z|\A(?:ten|tenth|zehn|diez|dieci)\Z")
"""Tens (`ein und zwanzig` is 21) and times and dates (`five past three` is 3:05); a row of digits keeps its order."""
LETTER = re.compile(f"[{SPACELESS}]")


class Token(msgspec.Struct, frozen=True):
    text: str
    start: int
    kept: bool = False


class Anchor(msgspec.Struct, frozen=True):
    """A thing that is said. `at` is the index of its token, `sentence` that of its sentence.

    A digit `turns` that some languages say after the next one, or in a time or date before it.
    """

    key: str
    at: int
    sentence: int
    fact: bool = False
    number: bool = False
    turns: bool = False


class _Side:
    """One of the two texts, read."""

    def __init__(self, text: str, named: Set[str], free: Set[str]) -> None:
        text = unicodedata.normalize("NFC", text)
        self.tokens = _tokens(text)
        ends = [match.end() for match in SENTENCE.finditer(text)]
        found = [
            Anchor(
                key,
                at,
                bisect_left(ends, token.start + 1),
                token.kept or key in named,
                key.isdecimal(),
                TURNS.search(token.text) is not None,
            )
            for at, token in enumerate(self.tokens)
            for key in _keys(self.tokens, at, named, free)
        ]
        count = Counter(anchor.key for anchor in found)
        self.anchors = [
            anchor
            for anchor in found
            if count[anchor.key] == 1 or not (anchor.number or LETTER.match(anchor.key))
        ]
        said = Counter(token.text for token in self.tokens)
        self.once = {word for word, times in said.items() if times == 1}

    def between(self, a: Anchor, b: Anchor) -> list[str]:
        """The tokens from one to the other, in reading order."""
        return [token.text for token in self.tokens[min(a.at, b.at) + 1 : max(a.at, b.at)]]


def reordered(source: str, answer: str, *, strictly: bool, free: Set[str] = frozenset()) -> bool:
    """Whether what `source` says stands in another order in `answer`.

    `strictly` lets one thing pass: a number and the word beside it may change places (`the 21st of May`,
    `May 21`). Else a correction may move up to `MOVED` words within their sentence, but never exchange two
    (`milk then bread`), nor change the order of names, digits and protected spans. `free` are words that may
    become something else.
    """
    named = frozenset(name.lower() for name in names(source) | names(answer))
    mine, theirs = _Side(source, named, free), _Side(answer, named, free)
    pairs = _pairs(mine.anchors, theirs.anchors)
    places = {id(anchor): place for place, anchor in enumerate(theirs.anchors)}
    ranks = {place: rank for rank, place in enumerate(sorted(places[id(b)] for _, b in pairs))}
    order = [ranks[places[id(b)]] for _, b in pairs]
    for start, end in _knots(order):
        moved = [start + at for at in _moved(order[start:end])]
        if not strictly and len(moved) > MOVED:
            return True
        for one in moved:
            for other in range(start, end):
                left, right = min(one, other), max(one, other)
                if order[left] <= order[right] or _may_turn(pairs[left], pairs[right]):
                    continue
                (a, there_a), (b, there_b) = pairs[left], pairs[right]
                if strictly or a.sentence != b.sentence or (a.fact and b.fact) or abs(a.at - b.at) > FAR:
                    return True
                before, after = mine.between(a, b), theirs.between(there_a, there_b)
                if before and (before == after or mine.once & theirs.once & set(before) & set(after)):
                    return True
    return False


def _tokens(text: str) -> list[Token]:
    kept = [Token(match[0], match.start(), True) for match in PROTECTED.finditer(text)]
    rest = PROTECTED.sub(lambda match: " " * len(match[0]), text)
    said = [Token(match[0].lower(), match.start()) for match in TOKEN.finditer(rest)]
    return sorted([*kept, *said], key=lambda token: token.start)


def _keys(tokens: Sequence[Token], at: int, named: Set[str], free: Set[str]) -> Iterator[str]:
    """What the token is compared by: digits one by one (`three thirty` is `3:30`), and nothing for grammar."""
    token = tokens[at]
    word = token.text
    if token.kept:
        yield word
    elif word in VALUES or word[0].isdecimal():
        yield from (digit for digit in VALUES.get(word, word) if digit.isdecimal() and digit != "0")
    elif LETTER.match(word):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if following and following.start == token.start + 1 and LETTER.match(following.text):
            yield word + following.text
    elif word not in free and (word in named or not is_function_word(word)):
        yield word


def _pairs(mine: list[Anchor], theirs: list[Anchor]) -> list[tuple[Anchor, Anchor]]:
    """What stands on both sides, in the order of the source; a word respelled is the same word.

    Of a word said as often on both sides the first is the first. Where one was dropped, the ones that stayed are those
    that leave most in its place.
    """
    left, right = _by_key(mine), _by_key(theirs)
    gone = [key for key, anchors in left.items() if key not in right and not anchors[0].number]
    new = {key for key, anchors in right.items() if key not in left and not anchors[0].number}
    if len(gone) * len(new) <= COMPARED:
        for key in gone:
            respelled = [other for other in new if alike(key, {other})]
            if len(respelled) == 1:
                new.remove(respelled[0])
                right[key] = right.pop(respelled[0])
    stayed = _in_place(left, right)
    pairs = []
    for key, anchors in left.items():
        others = right.get(key, [])
        if len(anchors) != len(others) and others:
            anchors, others = _chosen(anchors, others, stayed)
        pairs += list(zip(anchors, others, strict=False))
    places = {id(anchor): place for place, anchor in enumerate(mine)}
    return sorted(pairs, key=lambda pair: places[id(pair[0])])


def _by_key(anchors: list[Anchor]) -> dict[str, list[Anchor]]:
    found: dict[str, list[Anchor]] = {}
    for anchor in anchors:
        found.setdefault(anchor.key, []).append(anchor)
    return found


def _in_place(left: dict[str, list[Anchor]], right: dict[str, list[Anchor]]) -> set[int]:
    """The ids of the anchors of both sides that a longest common run keeps in its place."""
    mine, theirs = (
        sorted(
            ((anchor.at, key, anchor) for key, found in side.items() for anchor in found),
            key=lambda it: it[:2],
        )
        for side in (left, right)
    )
    matcher = SequenceMatcher(
        None, [key for _, key, _ in mine], [key for _, key, _ in theirs], autojunk=False
    )
    kept: set[int] = set()
    for a, b, size in matcher.get_matching_blocks():
        for step in range(size):
            kept |= {id(mine[a + step][2]), id(theirs[b + step][2])}
    return kept


def _chosen(
    anchors: list[Anchor], others: list[Anchor], stayed: set[int]
) -> tuple[list[Anchor], list[Anchor]]:
    """As many of one word on both sides: first those in their place, then the first ones."""
    least = min(len(anchors), len(others))

    def choose(side: list[Anchor]) -> list[Anchor]:
        best = sorted(side, key=lambda anchor: id(anchor) not in stayed)[:least]
        return sorted(best, key=lambda anchor: anchor.at)

    return choose(anchors), choose(others)


def _may_turn(one: tuple[Anchor, Anchor], other: tuple[Anchor, Anchor]) -> bool:
    """Whether two that changed places may: the digits of one number, or a number and its word."""
    (a, there_a), (b, there_b) = one, other
    if a.number and b.number:
        together = there_a.at == there_b.at or a.at == b.at
        return together and any(anchor.turns for anchor in (a, b, there_a, there_b))
    return a.number != b.number and abs(a.at - b.at) <= DATE and abs(there_a.at - there_b.at) == 1


def _knots(order: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The shortest stretches that keep to themselves, of those that are not in order."""
    start, highest = 0, -1
    for place, rank in enumerate(order):
        highest = max(highest, rank)
        if highest == place:
            if place > start:
                yield start, place + 1
            start = place + 1


def _moved(order: Sequence[int]) -> list[int]:
    """The places of the fewest that must move for the rest to be in order; of two out of order at least one is there."""
    tails: list[int] = []
    ends: list[int] = []
    for rank in order:
        at = bisect_left(tails, rank)
        tails[at : at + 1] = [rank]
        ends.append(at)
    stay, after = len(tails) - 1, max(order) + 1
    moved: list[int] = []
    for place in range(len(order) - 1, -1, -1):
        if ends[place] == stay and order[place] < after:
            after, stay = order[place], stay - 1
        else:
            moved.append(place)
    return moved[::-1]
