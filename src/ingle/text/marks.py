"""Tells which signs an answer lost or invented that are no words: units, emoji, invisible letters, letters of another script."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from ingle.text.language import SCRIPTS
from ingle.text.spans import protected, without_protected, words

WORDS_FOR: dict[str, frozenset[str]] = {
    sign: frozenset(said.split())
    for sign, said in {
        "%": "percent per cent percentage prozent pourcent por ciento cento procent",
        "‰": "permille promille",
        "€": "euro euros eur",
        "$": "dollar dollars usd bucks dólares dólar",
        "£": "pound pounds gbp quid pfund livres libras",
        "¥": "yen yuan jpy cny rmb",
        "₹": "rupee rupees inr",
        "°": "degree degrees grad degré degrés grado grados gradi graus graden",
        "@": "at ät klammeraffe arobase arroba chiocciola",
        "#": "hash hashtag number raute nummer numéro número pound",
        "&": "and und et y e en ampersand",
        "+": "plus más più mais and",
        "=": "equals equal is gleich égal igual ist",
        "/": "slash or per oder ou o schrägstrich barra barre stroke",
        "×": "times by x mal fois por",
        "<": "less smaller kleiner",
        ">": "greater more larger größer",
        "²": "square squared quadrat carré cuadrados",
        "³": "cube cubic cubed kubik",
        "~": "about around tilde approximately",
        "*": "asterisk star stern",
        "^": "caret power hoch",
        "\\": "backslash",
        "|": "pipe bar",
    }.items()
}
"""What a sign may be written as, and the other way round."""
MONEY = frozenset("%‰€$£¥₹")
"""Signs without which a number says something else."""
ASCII = frozenset("@#%&+=<>/\\^|~*$")
HELD = frozenset("\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0e\ufe0f") | frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
"""Letters nobody sees: joiners, directions, soft hyphens, how an emoji is drawn."""
UNIT = re.compile(
    r"\d\s?(a\.?m\b|p\.?m\b|kg|mg|g|lbs?|oz|km|cm|mm|mi|ft|ml|[kmgt]b|kwh|°[cf]|mph|km/h|h|min)(?![\w/])",
    re.IGNORECASE,
)
"""What is written behind a number and says of what it is one."""
FACE = re.compile(r"(?<!\w)[:;=][-'’]?[)(DPp3](?!\w)|(?<!\w)<3(?!\w)")
ABBREVIATED = re.compile(r"\bw/o?\b|\bn/a\b|\bb/c\b", re.IGNORECASE)
BROKEN = "\ufffd"


def lost_sign(source: str, answer: str) -> bool:
    """Whether a sign, a face or an invisible letter is less often there, and no word for it came."""
    mine, theirs = _signs(source), _signs(answer)
    return any(not _is_written(sign, count, source, answer) for sign, count in (mine - theirs).items())


def invented_sign(source: str, answer: str) -> bool:
    """Whether a sign, a face or an invisible letter came, and no word for it went."""
    mine, theirs = _signs(source), _signs(answer)
    return any(not _is_written(sign, count, answer, source) for sign, count in (theirs - mine).items())


def swapped_unit(source: str, answer: str) -> bool:
    """Whether a unit behind a number gave way to another: `5 pm`, `5 am`."""
    mine, theirs = (
        Counter(unit.lower().replace(".", "").removesuffix("s") for unit in UNIT.findall(text))
        for text in (source, answer)
    )
    return bool(mine - theirs) and bool(theirs - mine)


def said_as_signs(source: str, answer: str) -> frozenset[str]:
    """The words for signs that came or went."""
    mine, theirs = _signs(source), _signs(answer)
    changed = (mine - theirs).keys() | (theirs - mine).keys()
    return frozenset(word for sign in changed for word in WORDS_FOR.get(sign, ()))


def changed_unit(source: str, answer: str) -> bool:
    """Whether a percent sign or a currency went or came, as a sign and as a word."""
    mine = Counter(letter for letter in without_protected(source) if letter in MONEY)
    theirs = Counter(letter for letter in without_protected(answer) if letter in MONEY)
    went = any(not _is_written(sign, count, source, answer) for sign, count in (mine - theirs).items())
    return went or any(
        not _is_written(sign, count, answer, source) for sign, count in (theirs - mine).items()
    )


def is_broken(source: str, answer: str) -> bool:
    """Whether letters came out broken, or control over the direction of writing slipped in."""
    hidden = {letter for letter in answer if "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"}
    surrogate = any("\ud800" <= letter <= "\udfff" for letter in answer)
    return surrogate or (BROKEN in answer and BROKEN not in source) or not hidden <= set(source)


def foreign_letters(source: str, answer: str, allowed: frozenset[str] = frozenset()) -> bool:
    """Whether words came in a script that neither the source nor `allowed` has: two letters in a row or more."""
    there = _scripts(source) | allowed
    if there & {"han", "kana"}:
        there |= {"han", "kana"}
    return any(
        script not in there and len(word) > (script not in ("han", "kana", "hangul"))
        for word in words(answer)
        if not word.isascii()
        for script in _scripts(word)
    ) and bool(there)


def _scripts(text: str) -> set[str]:
    letters = {letter for letter in text if letter.isalpha()}
    return {
        SCRIPTS.get(unicodedata.name(letter, "").split(" ")[0].split("-")[0], "other") for letter in letters
    }


def _signs(text: str) -> Counter[str]:
    plain = ABBREVIATED.sub(" ", without_protected(text))
    found = Counter(letter for letter in plain if _is_sign(letter))
    found.update(letter for letter in text if letter in HELD)
    found.update(match[0] for match in FACE.finditer(plain))
    for sign in "<>=":  # of a face they are not signs
        found[sign] -= sum(match[0].startswith(sign) for match in FACE.finditer(plain))
    found.update(span for span in protected(text).elements() if span in ("#", "@"))
    return +found


def _is_sign(letter: str) -> bool:
    if letter.isascii():
        return letter in ASCII
    return unicodedata.category(letter) in ("So", "Sm", "Sc", "No") or "\U0001f000" <= letter <= "\U0001faff"


def _is_written(sign: str, count: int, before: str, after: str) -> bool:
    """Whether words for the sign came as often as it went."""
    if unicodedata.category(sign[0]) == "No" and "fraction" in unicodedata.decomposition(sign[0]):
        return True  # a number, and judged as one
    if sign == "−":
        return True
    said = WORDS_FOR.get(sign, frozenset())
    mine, theirs = Counter(words(before)), Counter(words(after))
    return sum(max(0, theirs[word] - mine[word]) for word in said) >= count
