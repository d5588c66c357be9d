"""Finds characters that make a command look like another one, and shows them escaped; pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from .words import MARKS

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_ZERO = frozenset(
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u034f\u115f\u1160\u3164\uffa0"
)
_JOINERS = frozenset("\u200d\ufe0f")
_KEYCAPS = frozenset("0123456789#*")
_PADDING = re.compile(r"(?<![ \t])[ \t]{40,}+(?=[^\s#])|(?<![ \t\n])(?:[ \t]*+\n){12,}+(?=\S)")
_SUSPECT = re.compile(r"[^\t\n\x20-\x7e]")
# A word of one script that spells ASCII except for a letter or two is how a name is faked.
_LOOKALIKE = frozenset(
    "аеорсухіјѕԁһӏԛԝьтмкнвгпмАВЕКМНОРСТХІЈЅᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢαβγενικορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
)
_SLASHES = frozenset("\u2044\u2215\u29f8\uff0f\u2571\u1735\u0338")
_PUNCTUATION = frozenset("‐‑‒–—−﹣－；｜＆＄＞＜＊～˜∼․‥﹒．")
_WORD = re.compile(r"[^\s'\"|;&<>()]+")


class Trick(NamedTuple):
    kind: str
    start: int
    end: int
    shown: str


def escaped(text: str) -> str:
    """The text with every character that hides something written as its code point."""
    return _SUSPECT.sub(lambda m: _escape(m.group()) if _hides(m.group()) else m.group(), text)


def visible(text: str) -> str:
    """The text with what does not print written as its code point; letters of any script stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else _escape(char) for char in text)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) > 0xFF else f"\\x{ord(char):02x}"


def _hides(char: str) -> bool:
    return (
        char in _BIDI
        or char in _ZERO
        or char in _LOOKALIKE
        or char in _SLASHES
        or unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Co", "Cs", "Cn")
    )


def _kind(char: str, before: str, after: str) -> str:
    if char in _BIDI:
        return "bidirectional control"
    if char in _ZERO:
        emoji = char in _JOINERS and before and ord(before) > 0x2000
        return "" if emoji else "zero-width character"
    if char == "\ufe0f" and before.isascii() and before not in _KEYCAPS:
        return "zero-width character"
    if char in MARKS:
        return "private-use character"
    if 0xE0000 <= ord(char) <= 0xE007F:
        return "invisible tag character"
    category = unicodedata.category(char)
    if category == "Cc":
        return "" if char == "\r" and after in ("\n", "") else "control character"
    if category in ("Zs", "Zl", "Zp"):
        return "a space that is no separator"
    if category == "Cs":
        return "broken encoding"
    return "invisible format character" if category == "Cf" and char != "\u00ad" else ""


# Letters that nobody tells from ASCII in any type; a word of them alone spells another one.
_TWINS = frozenset("аеорсухіјѕԁһӏԛԝАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧονι")
# Between quotes stands prose, with short words of its own: `о`, `со`.
_SPELT = 4
_PARTS = re.compile(r"[\W\d_]+")
_MIXED = re.compile(f"[A-Za-z][{''.join(_LOOKALIKE)}]|[{''.join(_LOOKALIKE)}][A-Za-z]")


def _faked(word: str, bare: bool) -> bool:
    """True when a word mixes ASCII letters with letters of another script that look like ASCII."""
    if any(char in _SLASHES for char in word):
        return True
    foreign = [char for char in word if ord(char) > 127 and char.isalpha()]
    if not foreign:
        return any("\uff01" <= char <= "\uff5e" for char in word)
    if any("\uff01" <= char <= "\uff5e" or 0x1D400 <= ord(char) <= 0x1D7FF for char in foreign):
        return True
    if any(_MIXED.search(part) for part in _PARTS.split(word)):
        return True
    return _TWINS.issuperset(foreign) and (bare or len(foreign) >= _SPELT)


_DASH = re.compile(r"(?<=[ \t])[‐‑‒–—―−﹣－]{1,2}(?=[A-Za-z])")


_REMARK = re.compile(r"(?<!\S)#[^\n]*")


class _Quotes:
    """Where the quotes of a text stand, counted once."""

    def __init__(self, text: str) -> None:
        self.kinds = [[at for at, char in enumerate(text) if char == quote] for quote in "\"'"]
        self.remarks = [match.span() for match in _REMARK.finditer(text) if self.bare(match.start())]

    def bare(self, at: int) -> bool:
        """Whether a place is outside quotes, by their number before it."""
        return all(bisect_left(places, at) % 2 == 0 for places in self.kinds)

    def remarked(self, at: int) -> bool:
        """Whether a place stands in a comment."""
        index = bisect_left(self.remarks, (at, at)) - 1
        return index >= 0 and at < self.remarks[index][1]


def _tricks(text: str, words_are_code: bool) -> Iterator[Trick]:
    for match in _PADDING.finditer(text):
        yield Trick("padding that pushes the rest out of sight", match.start(), match.end(), "")
    if text.isascii() and not _SUSPECT.search(text):
        return
    quotes = _Quotes(text)
    for match in _SUSPECT.finditer(text):
        at, char = match.start(), match.group()
        kind = _kind(char, text[at - 1 : at], text[at + 1 : at + 2])
        if char == "\xad" and quotes.bare(at):
            kind = "invisible format character"
        if kind:
            yield Trick(kind, at, at + 1, _escape(char))
    if not words_are_code:
        return
    for match in _DASH.finditer(text):
        if quotes.bare(match.start()) and not quotes.remarked(match.start()):
            yield Trick("a dash that begins no option", *match.span(), _escape(match[0][0]))
    for match in _WORD.finditer(text):
        word = match.group()
        if not word.isascii() and (
            _faked(word, quotes.bare(match.start())) or (match.start() == 0 and word[0] in _PUNCTUATION)
        ):
            yield Trick("letters of another alphabet that look like ASCII", *match.span(), escaped(word))


def find_tricks(text: str) -> list[Trick]:
    """Every deception in the text, in order; quoted prose may hold other alphabets, never controls."""
    return list(_tricks(text, words_are_code=True))
