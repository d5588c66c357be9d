"""Reads the numbers that a text states, in digits and in words, as what they would be in digits; pure.

A `Figure` is written with `|` where a mark parts digits (`3:30` is `3|30`), with `~` where one may, with `.` where one
may group thousands (`1,200` is `1.200`), and with the power where a factor stays a word (`3M6` is three million).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ingle.text.number_words import (
    AFTER,
    ARTICLES,
    BEFORE,
    DOZENS,
    HAN,
    HOURS,
    MINUS,
    MULTIPLE,
    OF_LANGUAGE,
    POINTS,
    QUARTERS,
    SOFT,
    THEN,
    UNCLEAR,
    VAGUE,
    lexicon,
    value_of,
)
from ingle.text.spans import WORD, without_protected

DIGITS = r"\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,:/]\d+)*"
TOKEN = re.compile(rf"(?P<digits>(?:{DIGITS}))|(?P<word>{WORD.pattern})")
LATE = re.compile(r"(?<![\d.,:])(\d{1,2})(?:[.:]\d\d)?\s?p\.?m\b", re.IGNORECASE)
THOUSANDS = re.compile(r"k\b")
PARTS = re.compile(r"[^-'’]+")


class Figure(msgspec.Struct, frozen=True):
    """One number that is stated: all ways to write it in digits, the plainest first.

    A `soft` one need not be a number; of a `spoken` one the words stood there; `pointed` says that a spoken point is
    before it; an ordinal may be a fraction.
    """

    written: tuple[str, ...]
    spoken: bool = False
    soft: bool = False
    pointed: bool = False
    ordinal: bool = False


class _Token(msgspec.Struct, frozen=True):
    text: str
    start: int
    end: int
    digits: bool


def read(text: str, language: str | None, respelled: Mapping[str, str] | None = None) -> list[Figure]:
    """The figures of `text` in order. `respelled` says which misspelt words of it stand for which number words."""
    return list(_Reader(text, language, respelled or {}).figures())


def _plain_digits(text: str) -> str:
    """`text` in lower case, digits of other scripts and fractions of one letter as ASCII, Han digits apart."""
    plain = unicodedata.normalize("NFC", without_protected(text)).lower()
    out = []
    for letter in plain:
        kind = unicodedata.category(letter)
        if kind == "Nd":
            out.append(str(unicodedata.digit(letter)))
        elif kind == "No" and "fraction" in unicodedata.decomposition(letter):
            out.append(f" {unicodedata.normalize('NFKC', letter).replace('⁄', '/')} ")
        else:
            out.append(letter)
    return "".join(out)


class _Reader:
    def __init__(self, text: str, language: str | None, respelled: Mapping[str, str]) -> None:
        self.text = _plain_digits(text)
        self.language = language
        self.known = lexicon(language)
        self.tokens = [
            token
            if token.digits
            else msgspec.structs.replace(token, text=respelled.get(token.text, token.text))
            for token in self._tokens()
        ]

    def _tokens(self) -> Iterator[_Token]:
        for match in TOKEN.finditer(self.text):
            if match["digits"]:
                start, before = match.start(), self.text[: match.start()].rstrip(" \u00a0")
                signed = (
                    self.text[start - 1 : start] in ("-", "−") and not before[:-1].rstrip()[-1:].isdigit()
                )
                signed = signed and not self.text[max(0, start - 2) : start - 1].strip(" (\u00a0\n")
                yield _Token(("-" if signed else "") + match[0], start, match.end(), True)
                continue
            for part in PARTS.finditer(match[0]):
                yield _Token(part[0], match.start() + part.start(), match.start() + part.end(), False)

    def figures(self) -> Iterator[Figure]:
        at = 0
        while at < len(self.tokens):
            found = self._clock(at) or self._number(at)
            if found is None:
                at += 1
                continue
            figure, at = found
            yield figure

    def _word(self, at: int) -> str:
        """The word at `at`, or nothing where no word stands right behind the one before."""
        if not 0 <= at < len(self.tokens) or self.tokens[at].digits:
            return ""
        return self.tokens[at].text if at == 0 or self._beside(at) else ""

    def _beside(self, at: int) -> bool:
        between = self.text[self.tokens[at - 1].end : self.tokens[at].start]
        return not between.strip(" \t\n\r-\u00a0")

    def _value(self, at: int) -> int | None:
        return value_of(self.tokens[at].text, self.known, self.language) if at < len(self.tokens) else None

    def _next(self, at: int, joined: bool) -> tuple[int, int] | None:
        """The value of the next word of the same number, and where it stands."""
        if joined and self._word(at) in self.known.joints:
            at += 1
        value = self._value(at) if self._word(at) else None
        return None if value is None else (value, at)

    def _small(self, at: int) -> tuple[int, int] | None:
        """A number under a thousand without factors, and the token behind it."""
        if at >= len(self.tokens) or (value := self._value(at)) is None:
            return None
        at += 1
        if value == 4 and self._word(at) in ("vingt", "vingts"):
            value, at = 80, at + 1
        joined = self.language not in ("en", "de", "nl")
        if value >= 100:
            further = self._next(at, True)
            if further and further[0] < 100 and (rest := self._small(further[1])):
                return value + rest[0], rest[1]
        elif value >= 20 and value % 10 == 0:
            further = self._next(at, joined)
            most = 19 if value in (60, 80) and self.language in ("fr", None) else 9
            if further and 1 <= further[0] <= most:
                tail = self._small(further[1]) if further[0] == 10 else (further[0], further[1] + 1)
                assert tail is not None  # its first word is a number
                return value + tail[0], tail[1]
        elif (
            value == 10
            and (further := self._next(at, False))
            and self.language == "fr"
            and 7 <= further[0] <= 9
        ):
            return 10 + further[0], further[1] + 1
        elif 1 <= value <= 9 and self._word(at) in ("und", "en") and self.language in ("de", "nl", None):
            further = self._next(at + 1, False)
            if further and further[0] >= 20 and further[0] % 10 == 0:
                return value + further[0], further[1] + 1
        return value, at

    def _factor(self, at: int) -> int | None:
        word = self._word(at)
        return 12 if word in DOZENS else self.known.factors.get(word)

    def _composed(self, at: int) -> tuple[int, int, tuple[str, ...]] | None:
        """A number with its factors: value, the token behind it, and how it is written where the factor stays."""
        start = at
        small = self._small(at)
        if small:
            current, at = small
        elif self.tokens[at].text in self.known.factors or self.tokens[at].text in DOZENS:
            current = 1
        else:
            return None
        kept: tuple[str, ...] = ()
        total, last = 0, 10**15
        while True:
            factor = self._factor(at) if at > start else self.known.factors.get(self.tokens[at].text, 12)
            if factor is None or factor >= last or not current:
                break
            at += 1
            kept = (f"{current}M{len(str(factor)) - 1}",) if not total and factor != 12 else ()
            if factor <= 100:
                current *= factor
                further = self._next(at, True)
                rest = self._small(further[1]) if factor == 100 and further else None
                if rest and rest[0] < 100 and (self._factor(rest[1]) or 10**4) > 100:
                    current, at, kept = current + rest[0], rest[1], ()
                continue
            total, current, last = total + current * factor, 0, factor
            further = self._next(at, True)
            if further and (rest := self._small(further[1])):
                follow = self._factor(rest[1])
                if follow is None or follow < factor:
                    current, at, kept = rest[0], rest[1], ()
        return total + current, at, kept

    def _number(self, at: int) -> tuple[Figure, int] | None:
        token = self.tokens[at]
        if token.digits:
            return self._in_digits(at)
        if (
            token.text in MINUS
            and at + 1 < len(self.tokens)
            and self._word(at + 1)
            and (one := self._composed(at + 1))
        ):
            return Figure((f"-{one[0]}",), True), one[1]
        if token.text in MULTIPLE and self._word(at + 1) and (digit := self._value(at + 1)) is not None:
            return Figure((str(digit) * MULTIPLE[token.text],), True), at + 2
        if token.text in VAGUE and self.language in ("en", None):
            return Figure(VAGUE[token.text], True, token.text == "couple"), at + 1
        if token.text in HAN:
            return Figure((str(HAN[token.text]),), True, token.text == "一"), at + 1
        if token.text in ("oh", "o") and self._value(at - 1) is not None and self._value(at + 1) is not None:
            return Figure(("0",), True), at + 1
        composed = self._composed(at)
        if composed is None:
            return None
        value, end, kept = composed
        if self._word(end) == "and" and self._word(end + 1) == "a" and self._word(end + 2) == "half":
            return Figure((f"{value}|5", f"{value}~1|2"), True), end + 3
        pointed = at >= 2 and self._word(at - 1) in POINTS and self._is_number(at - 2)
        ordinal = re.search(r"(?:th|st|nd|rd|te[nrsm]?|ième|de)\Z", self.tokens[end - 1].text) is not None
        unclear = self.language not in OF_LANGUAGE and token.text in UNCLEAR
        soft = end == at + 1 and (token.text in SOFT or unclear)
        return Figure((str(value), *kept), True, soft and not pointed, pointed, ordinal), end

    def _is_number(self, at: int) -> bool:
        return (
            self.tokens[at].digits
            or self._value(at) is not None
            or self.tokens[at].text in self.known.factors
        )

    def _in_digits(self, at: int) -> tuple[Figure, int]:
        plain = canonical(self.tokens[at].text)
        factor = self._factor(at + 1)
        if THOUSANDS.match(self.text, self.tokens[at].end) and plain.isdecimal():
            return Figure((plain, f"{plain}000")), at + 2
        if factor is None or factor == 12:
            return Figure((plain,)), at + 1
        power = len(str(factor)) - 1
        whole, _, rest = plain.replace(".", "").partition("|")
        ways = [f"{plain}M{power}"]
        if rest.isdecimal() and len(rest) <= power:
            ways.append(whole.lstrip("0") + rest + "0" * (power - len(rest)))
        elif not rest:
            ways.append(whole + "0" * power)
        return Figure(tuple(ways)), at + 2

    def _clock(self, at: int) -> tuple[Figure, int] | None:
        """A time of day as people say it: `half past three`, `Viertel nach acht`, `tres y media`."""
        if self.tokens[at].digits:
            return None
        first = self.tokens[at].text
        small = self._small(at)
        minutes, end = (QUARTERS[first], at + 1) if first in QUARTERS else small or (None, at)
        if minutes is not None and 0 < minutes < 60:
            end += self._word(end) in ("minutes", "minuten")
            direction = self._word(end)
            hour = self._small(end + 1) if direction in AFTER | BEFORE and self._word(end + 1) else None
            if hour and 1 <= hour[0] <= 12 and first not in SOFT:
                back = direction in BEFORE
                ways = _times(hour[0] - back, 60 - minutes if back else minutes)
                apart = (f"{minutes}~{hour[0]}",) if first not in QUARTERS else ()
                return Figure((*ways, *apart), True), hour[1]
        hour = (
            self._small(at + 1)
            if first in ("halb", "halbe", "dreiviertel", "viertel") and self._word(at + 1)
            else None
        )
        if hour and 1 <= hour[0] <= 24:
            return Figure(_times(hour[0] - 1, QUARTERS.get(first, 30)), True), hour[1]
        return self._hour_first(small) if small else None

    def _hour_first(self, small: tuple[int, int]) -> tuple[Figure, int] | None:
        """`trois heures et quart`, `cuatro menos cuarto`: the hour, then its part."""
        hour, at = small
        if self._word(at) in HOURS:
            at += 1
        link = self._word(at)
        if not 1 <= hour <= 24 or link not in {"y", "et", "e", *MINUS}:
            return None
        at += 1 + (self._word(at + 1) in ARTICLES)
        part = THEN.get(self._word(at))
        if part is None:
            return None
        back = link in MINUS
        return Figure(_times(hour - back, 60 - part if back else part), True), at + 1


def _times(hour: int, minutes: int) -> tuple[str, ...]:
    """A time in digits; whether before or after noon nobody said."""
    twelve = hour % 12 or 12
    hours = dict.fromkeys((twelve, twelve + 12 if twelve < 12 else 0, hour))
    return tuple(
        f"{form}|{minutes:02}" for each in hours for form in dict.fromkeys((str(each), f"{each:02}"))
    )


def canonical(digits: str) -> str:
    """`1,200.50` and `1.200,50` as `1.200|50`, `2.10.3` as `2|10|3`; a sign stays."""
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    digits = re.sub(r"(?<=\d)[ \u00a0\u202f'’](?=\d)", ".", digits)
    marks = [mark for mark in digits if not mark.isdigit()]
    parts = re.split(r"\D", digits)
    if not marks:
        return sign + digits
    tail = (
        parts.pop() if len(set(marks)) > 1 and marks[-1] != marks[0] and len(set(marks[:-1])) == 1 else None
    )
    grouped = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3 and parts[0][0] != "0"
    grouped = grouped and set(marks[: len(parts) - 1]) <= {".", ","}
    whole = (("." if grouped else "|").join(parts)) + (f"|{tail}" if tail is not None else "")
    return sign + whole


def with_late_hours(figures: Iterable[Figure], text: str) -> list[Figure]:
    """The figures of `text`; of hours after noon (`6 p.m.`) also as they are on a clock of 24."""
    late = {hour: str(int(hour) + 12) for hour in LATE.findall(text) if 1 <= int(hour) <= 11}
    found = []
    for figure in figures:
        hour, mark, rest = figure.written[0].partition("|")
        ways = (*figure.written, f"{late[hour]}{mark}{rest}") if hour in late else figure.written
        found.append(msgspec.structs.replace(figure, written=ways))
    return found


def values(figures: Iterable[Figure]) -> set[str]:
    """Every way in which the figures, and what marks part in them, may be written; groups of thousands left out."""
    found: set[str] = set()
    for figure in figures:
        for way in figure.written:
            plain = way.replace(".", "").replace("~", "|")
            found |= {plain, *(piece.lstrip("0") or "0" for piece in plain.split("|"))}
    return found
