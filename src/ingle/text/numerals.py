"""Reads the numbers a text states, in digits and in words, and tells which of them an answer lost or invented."""

from __future__ import annotations

import re
from collections import Counter

from ingle.text.spans import WORD, without_protected, words

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
LIST_MARKER = re.compile(r"(?m)^\s*\d+[.)]\s")
_SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
SMALL_NUMBERS = dict(enumerate(_SMALL))
VALUES: dict[str, str] = {
    word: digits
    for digits, said in {
        "1": "one first eins ten tenth zehn diez dieci",
        "2": "two zwei deux dos due twenty twentieth zwanzig veinte venti",
        "3": "three third drei trois tres tre thirty thirtieth dreißig treinta trenta",
        "4": "four fourth vier cuatro quattro forty fortieth vierzig cuarenta quaranta",
        "5": "five fifth fünf cinq cinco cinque fifty fiftieth fünfzig cincuenta cinquanta",
        "6": "six sixth sechs seis sei sixty sixtieth sechzig sesenta sessanta",
        "7": "seven seventh sieben sept siete sette seventy seventieth siebzig setenta settanta",
        "8": "eight eighth acht huit ocho otto eighty eightieth achtzig ochenta ottanta",
        "9": "nine ninth neun neuf nueve nove ninety ninetieth neunzig noventa novanta",
        "11": "eleven eleventh elf undici",
        "12": "twelve twelfth zwölf doce dodici",
        "13": "thirteen thirteenth dreizehn trece",
        "14": "fourteen fourteenth vierzehn catorce",
        "15": "fifteen fifteenth fünfzehn quince",
        "16": "sixteen sixteenth sechzehn",
        "17": "seventeen seventeenth siebzehn",
        "18": "eighteen eighteenth achtzehn",
        "19": "nineteen nineteenth neunzehn",
    }.items()
    for word in said.split()
}
"""A number word and its digits without zeros: what of it is still there in `3:30`, `95%`, `2026` or `21st`."""
POWERS = frozenset("hundred thousand million billion hundert tausend cent mille cien mil cento".split())
VAGUE = frozenset(
    "half quarter quarters dozen noon midnight halb halbe viertel dreiviertel demi demie quart media cuarto second "
    "null un une quatre dix onze douze treize quatorze quinze seize vingt vingts trente quarante cinquante soixante "
    "uno una once".split()
)
"""Words that may become any digits, or that other words change: `half past three` is 3:30, `quatre-vingt-dix` 90."""
SPOKEN_NUMBERS = frozenset(VALUES) | POWERS | VAGUE
HOMOPHONES = {
    "two": {"to", "too"},
    "four": {"for"},
    "eight": {"ate"},
    "one": {"won"},
    "tre": {"the"},
    "sei": set(),
}
"""What a misheard or misspelt number word may rightly be corrected to."""
SURVIVES_ANYHOW = frozenset({"one", "sei", "due", "tre", "vier", "acht", "elf", "first", "nove"})
"""Words of a number that mean other things too, or that a neighbouring language has: never missed."""


def numbers(text: str) -> Counter[str]:
    """Numbers in digits, with grouping and decimal marks dropped so that `1,000` equals `1000`."""
    return Counter(re.sub(r"[^\d]", "", match[0]) for match in NUMBER.finditer(without_protected(text)))


def has_number_words(text: str) -> bool:
    return any(part in SPOKEN_NUMBERS for part in _parts(text))


def lost_number(source: str, answer: str, *, spelled_too: bool = True) -> bool:
    """Whether a number of `source`, in digits or spelled, is less often in `answer`.

    A number in digits may come back as its English word up to twelve; a spelled one as digits.
    Without `spelled_too` only digits are missed, as in a translation.
    """
    mine, theirs = numbers(source), numbers(answer)
    spoken = Counter(words(answer))
    for number, count in mine.items():
        spelled = SMALL_NUMBERS.get(int(number)) if len(number) <= 2 else None
        if theirs[number] + (spoken[spelled] if spelled else 0) < count:
            return True
    if not spelled_too:
        return False
    said = [part for part in _parts(source) if part in VALUES and not _excused(part, source, answer)]
    missing = Counter("".join(VALUES[part] for part in said)) - _digits(answer)
    return bool(missing)


def invented_number(source: str, answer: str, *, spelled_too: bool = True) -> bool:
    """Whether `answer` states a number that nothing in `source` stands for; see `lost_number`."""
    if not has_number_words(source):
        mine = numbers(source)
        said = {part for part in _parts(answer) if part in VALUES} - SURVIVES_ANYHOW - set(HOMOPHONES)
        digits = _digits(source)
        return any(number not in mine for number in numbers(answer)) or (
            spelled_too and any(Counter(VALUES[part]) - digits for part in said)
        )
    if not spelled_too:
        return False
    parts = _parts(source)
    if any(part in VAGUE for part in parts):
        return False
    powers = sum(part in POWERS for part in parts)
    in_digits = Counter(re.sub(r"[^1-9]", "", "".join(numbers(answer).elements())))
    return bool(in_digits - _digits(source) - Counter("1" * powers))


def unfounded_number(source: str, answer: str, most: int = 0) -> bool:
    """Whether a text about `source` states a number that `source` has in no form; up to `most` it may count."""
    if has_number_words(source):
        return False
    there = set(_groups(source))
    return any(
        group not in there and not (group.isdecimal() and int(group) <= most)
        for group in _groups(LIST_MARKER.sub("", answer))
    )


def _groups(text: str) -> list[str]:
    """Every run of digits and every whole number, without leading zeros."""
    whole = [re.sub(r"\D", "", match[0]) for match in NUMBER.finditer(text)]
    return [group.lstrip("0") or "0" for group in [*whole, *re.findall(r"\d+", text)]]


def _parts(text: str) -> list[str]:
    """Words in lower case, hyphenated ones apart: `twenty-one` is two."""
    plain = without_protected(text).lower()
    return [part for word in WORD.findall(plain) for part in re.split(r"[-’']", word)]


def _digits(text: str) -> Counter[str]:
    """All digits but zero that a text states, in figures and in words."""
    spelled = "".join(VALUES.get(part, "") for part in _parts(text))
    return Counter(re.sub(r"[^1-9]", "", "".join(numbers(text).elements())) + spelled)


def _excused(part: str, source: str, answer: str) -> bool:
    if part in SURVIVES_ANYHOW:
        return True
    before, after = Counter(words(source)), Counter(words(answer))
    return any(after[other] > before[other] for other in HOMOPHONES.get(part, ()))
