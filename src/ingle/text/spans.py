"""Finds what must come back unchanged inside prose: code, links, addresses, placeholders, numbers, names."""

from __future__ import annotations

import re
from collections import Counter

PROTECTED = re.compile(
    r"""
      (?P<code>`+[^`\n]+`+)
    | (?P<url>(?:https?|ftp|mailto):[^\s<>()\[\]"']*[^\s<>()\[\]"'.,;:!?])
    | (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<target>\]\([^()\s]+\))
    | (?P<placeholder>\$\{[^{}\n]{1,60}\}|\{\{[^{}\n]{1,60}\}\}|\{[A-Za-z_][\w.]{0,40}\}|%\([A-Za-z_]\w*\)[sdfr]|%[sd]\b)
    | (?P<tag></?[A-Za-z][\w-]*(?:\s[^<>\n]{0,200})?/?>)
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
SMALL_NUMBERS = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split()))
NUMBER_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand "
    "million billion half first second third fourth fifth null eins zwei drei vier fünf sechs sieben acht "
    "neun zehn elf zwölf zwanzig dreißig vierzig fünfzig hundert tausend un deux trois quatre cinq sept huit "
    "neuf dix onze douze vingt trente quarante cinquante cent mille uno dos tres cuatro cinco seis siete ocho "
    "nueve diez once doce veinte treinta cuarenta cincuenta cien mil".split()
)


def protected(text: str) -> Counter[str]:
    """Spans that an improved text must hold as often as the original."""
    return Counter(match[0] for match in PROTECTED.finditer(text))


def without_protected(text: str) -> str:
    return PROTECTED.sub(" ", text)


def numbers(text: str) -> Counter[str]:
    """Numbers in digits, with grouping and decimal marks dropped so that `1,000` equals `1000`."""
    return Counter(re.sub(r"[^\d]", "", match[0]) for match in NUMBER.finditer(without_protected(text)))


def has_number_words(text: str) -> bool:
    words = {part for word in WORD.findall(text.lower()) for part in re.split(r"[-’']", word)}
    return bool(words & NUMBER_WORDS)


def spelled(number: str) -> str | None:
    """The English word of a number up to twelve."""
    return SMALL_NUMBERS.get(int(number)) if len(number) <= 2 else None


def names(text: str) -> set[str]:
    """Capitalised words that do not open a sentence: people, places, products.

    In languages that capitalise all nouns these are simply the nouns, which must survive too.
    """
    plain = without_protected(text)
    found = set()
    for match in WORD.finditer(plain):
        word = match[0]
        if len(word) < 2 or not word[0].isupper() or word in {"I'm", "I'll", "I've", "I'd", "OK"}:
            continue
        before = plain[: match.start()].rstrip(" \t\"'“”‘’«»([*_")
        if before and before[-1] not in ".!?:…\n-–—•#>|":
            found.add(word)
    return found


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())
