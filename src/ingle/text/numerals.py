"""Tells which numbers an answer lost, invented or put into another order, in digits and in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from enum import Enum
from itertools import islice, pairwise, product

from ingle.text.alignment import alike
from ingle.text.figures import Figure, read, values, with_late_hours
from ingle.text.grammar import spoken_language
from ingle.text.number_words import (
    AFTER,
    BEFORE,
    LANGUAGES,
    MINUS,
    MULTIPLE,
    OF_ALL,
    POINTS,
    VAGUE,
    lexicon,
    value_of,
)
from ingle.text.reason import Reason
from ingle.text.spans import WORD, without_protected

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
LIST_MARKER = re.compile(r"(?m)^\s*\d+[.)]\s")
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
SPOKEN_PARTS = frozenset(
    "half quarter quarters dozen noon midnight halb halbe viertel dreiviertel demi demie quart media cuarto second "
    "null un une quatre dix onze douze treize quatorze quinze seize vingt vingts trente quarante cinquante soixante "
    "uno una once".split()
)
"""Words that may become any digits, or that other words change: `half past three` is 3:30, `quatre-vingt-dix` 90."""
SPOKEN_NUMBERS = frozenset(VALUES) | POWERS | SPOKEN_PARTS | OF_ALL.values.keys() | OF_ALL.factors.keys()
HOMOPHONES = {
    "two": {"to", "too"},
    "four": {"for"},
    "eight": {"ate"},
    "one": {"won"},
    "three": {"tree"},
    "ten": {"then", "than"},
    "tre": {"the"},
    "sei": set(),
}
"""What a misheard or misspelt number word may rightly be corrected to, and from."""
WAYS = 256
"""Ways to write the numbers of one stretch that are tried at most."""
MANY = 12
"""Numbers in one stretch beyond which each must stand there, also a `one`."""


class Change(Enum):
    LOST = "lost"
    INVENTED = "invented"
    REORDERED = "reordered"


BY_NUMBERS = {
    Change.LOST: Reason.LOST_NUMBER,
    Change.INVENTED: Reason.INVENTED_NUMBER,
    Change.REORDERED: Reason.REORDERED,
}


def number_words(text: str) -> frozenset[str]:
    """The words that may become digits: those of all languages, and those of `text` that are put together."""
    language = spoken_in(text)
    known = lexicon(language)
    own = {part for part in _parts(text) if value_of(part, known, language) is not None}
    signs = (
        MINUS | POINTS | AFTER | BEFORE | MULTIPLE.keys() | {"oh"}
        if own or NUMBER.search(text)
        else frozenset()
    )
    return SPOKEN_NUMBERS | own | signs


def states_numbers(text: str) -> bool:
    return bool(read(text, spoken_in(text)))


def has_number_words(text: str) -> bool:
    return any(part in SPOKEN_NUMBERS for part in _parts(text))


def spoken_in(text: str) -> str | None:
    """The language whose words for numbers `text` uses; None for whichever."""
    found = spoken_language(text)
    return "ru" if found == "script:cyrillic" else found


def change(source: str, answer: str, *, spoken: bool = True) -> Change | None:
    """What a correction did to the numbers: each must still be said, in words or digits, in its place.

    Without `spoken` only what is plain from digits counts: one that went, or that came although no word said it.

    `three thirty` may be 3:30, `two hundred` 200 and never 2,000, a misspelt number word may be corrected, and `one` come
    and go where it is an article or a pronoun.
    """
    language = spoken_in(source)
    respelled = _respelled(source, answer, language)
    mine, theirs = read(source, language, respelled), read(answer, language)
    excused = _homophones(source, answer)
    left, right = [], []
    for some, others in _regions(mine, theirs):
        if not _says(some, others, excused):
            left += some
            right += others
    gone, came = _without(left, excused), _without(right, excused)
    if not gone and not came:
        return None
    if not spoken:
        plain = any(not figure.spoken for figure in gone)
        made_up = not gone and any(not figure.spoken for figure in came)
        return (
            None
            if _keys(gone) == _keys(came)
            else Change.LOST
            if plain
            else Change.INVENTED
            if made_up
            else None
        )
    if _keys(gone) == _keys(came) or (
        all(figure.spoken for figure in left)
        and len(left) > 1
        and sorted(_bare("".join(_keys(left).elements()))) == sorted(_bare("".join(_keys(right).elements())))
    ):
        return Change.REORDERED
    return Change.INVENTED if not gone else Change.LOST


def fact_lost(source: str, answer: str, target: str | None = None) -> Change | None:
    """What a text that was reworded, or translated into `target`, did to the numbers; their order is its own.

    A `two` may become `both`, and what an ordinal or half of something becomes in another language is not known here.
    """
    language = spoken_in(source)
    heard = target if target in LANGUAGES else (spoken_in(answer) if target is None else None)
    mine = with_late_hours(read(source, language), source)
    theirs = with_late_hours(read(answer, heard), answer)
    blind = target is not None and (target not in LANGUAGES or language is None)
    there = _pieces(theirs)
    said = (figure for figure in mine if _counts(figure, translated=target is not None))
    for figure, count in Counter(figure for figure in said if not (figure.spoken and blind)).items():
        if max(_times(way, there) for way in figure.written) < count:
            return Change.LOST
    here = _grounds(mine)
    for figure in theirs:
        if not _counts(figure, translated=target is not None) or (figure.spoken and blind):
            continue
        if here.isdisjoint(_plain(figure)) and not _composed_of(figure, here):
            return Change.INVENTED
    return None


def unfounded_number(source: str, answer: str, most: int = 0) -> bool:
    """Whether a text about `source` states a number that `source` has in no form; up to `most` it may count."""
    language = spoken_in(source)
    there = _grounds(read(source, language)) | {
        group.lstrip("0") or "0" for group in re.findall(r"\d+", source)
    }
    for figure in read(LIST_MARKER.sub("", answer), language):
        plain = _plain(figure)
        if figure.spoken and (
            figure.soft or figure.ordinal or all(way.isdecimal() and int(way) <= MANY for way in plain)
        ):
            continue
        counted = any(way.isdecimal() and int(way) <= most for way in plain)
        if not counted and there.isdisjoint(plain) and not _composed_of(figure, there):
            return True
    return False


def _grounds(figures: Sequence[Figure]) -> set[str]:
    """What a number in other words may rest on; of `half` only what it always is."""
    vague = {figure for figure in figures if len(figure.written) > 1 and figure.written in VAGUE.values()}
    found = values(figure for figure in figures if figure not in vague)
    return found | ({"50", "5", "1|2", "1", "2", "25", "75", "0|5", "4", "12"} if vague else set())


def _counts(figure: Figure, *, translated: bool) -> bool:
    """Whether a reworded text must still say it."""
    if not figure.spoken:
        return True
    way = figure.written[0]
    vague = not way.isdecimal() or (translated and (figure.ordinal or figure.written in VAGUE.values()))
    return not figure.soft and not vague and int(way) > 2


def _plain(figure: Figure) -> set[str]:
    return {way.replace(".", "").replace("~", "|") for way in figure.written}


def _pieces(figures: Sequence[Figure]) -> Counter[str]:
    """How often each way and each part of a number is written."""
    found: Counter[str] = Counter()
    for figure in figures:
        found.update(values([figure]))
    return found


def _times(way: str, there: Counter[str]) -> int:
    plain = way.replace(".", "").replace("~", "|")
    parts = [part.lstrip("0") or "0" for part in plain.split("|")]
    return max(there[plain], min(there[part] for part in parts) if len(parts) > 1 else there[parts[0]])


def _composed_of(figure: Figure, there: set[str]) -> bool:
    """Whether the parts of a date or time are there one by one."""
    parts = figure.written[0].split("|")
    return len(parts) > 1 and all(part == "00" or (part.lstrip("0") or "0") in there for part in parts)


def _regions(mine: list[Figure], theirs: list[Figure]) -> Iterator[tuple[list[Figure], list[Figure]]]:
    """Where the numbers differ, those that are the same left out."""
    left = [figure.written[0].replace(".", "") for figure in mine]
    right = [figure.written[0].replace(".", "") for figure in theirs]
    for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag != "equal" or any(
            "." in one.written[0] and not one.spoken and "." not in other.written[0] and not other.spoken
            for one, other in zip(mine[a:b], theirs[c:d], strict=True)
        ):
            yield mine[a:b], theirs[c:d]


def _says(mine: list[Figure], theirs: list[Figure], excused: Iterable[str]) -> bool:
    """Whether the digits of one stretch are those of the other, parted where they must be."""
    if len(mine) <= MANY and all(figure.soft or _is_excused(figure, excused) for figure in (*mine, *theirs)):
        return True
    pattern = re.compile(_pattern(mine, len(mine) <= MANY))
    options = [
        (*figure.written, *(("",) if figure.soft else ())) if len(theirs) <= MANY else figure.written[:1]
        for figure in theirs
    ]
    for ways in islice(product(*options), WAYS):
        joined = _joined(theirs, ways)
        if pattern.fullmatch(joined) or pattern.fullmatch(joined.replace("~", "")):
            return True
    return False


def _pattern(figures: list[Figure], lenient: bool) -> str:
    parts = []
    for before, figure in zip([None, *figures], figures, strict=False):
        if before is not None:
            parts.append(r"[|]" if figure.pointed or not (before.spoken or figure.spoken) else r"[|~]?")
        ways = "|".join(_way(way) for way in figure.written)
        parts.append(f"(?:{ways})" + ("?" if figure.soft and lenient else ""))
    return "".join(parts)


def _way(way: str) -> str:
    """A pattern for one way to write a number: thousands may be grouped where they were not."""
    pattern = ""
    for at, letter in enumerate(way):
        rest = re.match(r"\d*", way[at:])
        left = len(rest[0]) if rest else 0
        if at and letter.isdigit() and way[at - 1].isdigit() and left % 3 == 0:
            pattern += r"\.?"
        pattern += {"|": r"[|]", "~": r"[|~]?", ".": r"\.", "-": "-"}.get(letter, letter)
    return pattern


def _joined(figures: list[Figure], ways: tuple[str, ...]) -> str:
    """The digits of one stretch; of two numbers that stood in digits a mark is between."""
    said = [(figure, way) for figure, way in zip(figures, ways, strict=True) if way]
    parts = [way for _, way in said[:1]]
    for (before, _), (figure, way) in pairwise(said):
        parts += ["|" if figure.pointed or not (before.spoken or figure.spoken) else "~", way]
    return "".join(parts)


def _keys(figures: list[Figure]) -> Counter[str]:
    return Counter(figure.written[0].replace(".", "") for figure in figures)


def _bare(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_excused(figure: Figure, excused: Iterable[str]) -> bool:
    return figure.written[0] in excused


def _without(figures: list[Figure], excused: Iterable[str]) -> list[Figure]:
    return [figure for figure in figures if not figure.soft and not _is_excused(figure, excused)]


def _homophones(source: str, answer: str) -> set[str]:
    """Numbers whose word may have been misheard: `to` that became `two`, or the other way."""
    mine, theirs = Counter(_parts(source)), Counter(_parts(answer))
    found = set()
    for word, others in HOMOPHONES.items():
        gained = theirs[word] - mine[word]
        if gained and any((theirs[other] - mine[other]) * gained < 0 for other in others):
            found.add(str(lexicon("en").values.get(word, "")))
    return found


def _respelled(source: str, answer: str, language: str | None) -> dict[str, str]:
    """Words of the source that an answer corrected to words for numbers: `fourty` to `forty`."""
    known = lexicon(language)
    mine, theirs = set(_parts(source)), set(_parts(answer))

    def counts(word: str) -> bool:
        return word in known.factors or value_of(word, known, language) is not None

    gone = [word for word in mine - theirs if not counts(word)]
    return {
        word: number for number in theirs - mine if counts(number) for word in gone if alike(word, {number})
    }


def _parts(text: str) -> list[str]:
    """Words in lower case, hyphenated ones apart: `twenty-one` is two."""
    plain = without_protected(text).lower()
    return [part for word in WORD.findall(plain) for part in re.split(r"[-’']", word)]
