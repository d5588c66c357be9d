"""The abstract word: text in which unknown parts and live wildcards are marked; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .limits import MAX_TEXT, Teller, cut

# Four private characters stand for what is not plain text. Input that contains them is refused
# before it is parsed, so a mark always comes from an evaluation.
HOLE = "\U000f0000"
STAR = "\U000f0001"
QUERY = "\U000f0002"
CLASS = "\U000f0003"
MARKS = (HOLE, STAR, QUERY, CLASS)
_SHOWN = str.maketrans({HOLE: "…", STAR: "*", QUERY: "?", CLASS: "["})
_WILD = (STAR, QUERY, CLASS)


class Taint:
    """Where text came from; bits, because a pipe may carry several origins at once."""

    SECRET = 1
    NETWORK = 2
    EVERYTHING = 4
    ENDLESS = 8
    DECODED = 16
    FILE = 32
    QUOTED = 64
    INTERACTIVE = 128
    PARAMETER = 256
    DEFAULT = 512
    SPACE = 1024
    COMPILED = 2048
    INHERITED = 4096
    PRIVATE = 8192


class Value(NamedTuple):
    """A word or a stream: its text with marks, and the origins of that text."""

    text: str
    taint: int = 0

    @property
    def known(self) -> bool:
        return HOLE not in self.text

    @property
    def wild(self) -> bool:
        return any(mark in self.text for mark in _WILD)

    @property
    def prefix(self) -> str:
        """What is known before the first unknown part."""
        return self.text.partition(HOLE)[0]

    def has(self, taint: int) -> bool:
        return bool(self.taint & taint)

    def shown(self) -> str:
        return self.text if self.text.isascii() else self.text.translate(_SHOWN)


EMPTY = Value("")
UNKNOWN = Value(HOLE)
INHERITED = Value(HOLE, Taint.INHERITED)
"""The input that what is started inherits from a terminal: a person's keys."""


def bounded(teller: Teller, text: str, taint: int) -> Value:
    """The text as a value; one that is longer than is followed is reported, and unknown."""
    if len(text) <= MAX_TEXT:
        return Value(text, taint)
    cut(teller, "characters in one text")
    return Value(HOLE, taint)


def replaced(teller: Teller, text: str, old: str, new: str, taint: int) -> Value:
    """The text with one part for another everywhere; it is not made when it would be longer than is followed."""
    if old and text.count(old) * (len(new) - len(old)) + len(text) > MAX_TEXT:
        cut(teller, "characters in one text")
        return Value(HOLE, taint)
    return Value(text.replace(old, new), taint)


def joined(teller: Teller, values: Sequence[Value], between: str = " ") -> Value:
    """The texts in a row, with the origins of all; unknown when that would be longer than is followed."""
    taint = mixed(values)
    if sum(len(value.text) for value in values) > MAX_TEXT:
        cut(teller, "characters in one text")
        return Value(HOLE, taint)
    return Value(between.join(value.text for value in values), taint)


def mixed(values: Iterable[Value]) -> int:
    """The origins of all the values."""
    taint = 0
    for value in values:
        taint |= value.taint
    return taint


def show(text: str) -> str:
    """The text as a person would write it: marks become the characters they stand for."""
    return text if text.isascii() else text.translate(_SHOWN)


def is_wild(text: str) -> bool:
    return STAR in text or QUERY in text or CLASS in text
