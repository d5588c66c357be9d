"""Cleans a transcript without a model: fillers, stutters, spoken punctuation. Deterministic, and optional.

Only what cannot carry meaning goes: sounds, asides set off by commas, a word or a pair of words said
twice in a row. Numbers, spelled letters, names and words that are meant twice ("had had", "that that")
are never collapsed, and "a new line of" is no line break.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from ingle.text.language import language_of, likeliest
from ingle.text.numerals import SPOKEN_NUMBERS
from ingle.text.spans import PROTECTED

MEANT_TWICE = frozenset(
    "had that no yes very really many so bye ha is do das die der sie sehr nein ja nous vous muy no sí oh double "
    "more long far big please never ever there now well go come hear knock chop night walla bora duran pom bla blah "
    "non oui sì sim não nee heel erg echt zeer molto assai muito mucha "
    "la più tanto tan mucho très trop bien immer ganz viel viele".split()
)
SPOKEN_WORDS = frozenset(
    "comma period full stop question exclamation mark point colon semicolon dash hyphen new line paragraph newline "
    "open close quote unquote quotes parenthesis bracket slash ellipsis percent per cent at dot hash euro euros "
    "dollar dollars pound pounds komma punkt fragezeichen ausrufezeichen doppelpunkt semikolon neue neuer zeile "
    "absatz prozent virgule nouveau paragraphe coma punto nueva línea párrafo virgola riga nuova nuovo paragrafo "
    "vírgula ponto nova novo linha parágrafo vraagteken uitroepteken nieuwe regel alinea".split()
)
"""Words of a dictation that may rightly become symbols."""
DETERMINERS = (
    "a an the this that these those my our your his her its their no any some each every another one whole first "
    "last ein eine einen einem einer der die das den dem dieser diese dieses mein meine unser unsere kein keine un "
    "une le la les ce cet cette mon ma notre votre del el una este esta mi nuestra su il lo gli uno questo quel o os um "
    "uma esse essa nosso nossa een de het deze dit ons onze geen"
)
PARTS = "of characters? items? breaks? von de du des d di del della dei degli delle do da dos das van voor para por pour per"
"""What follows `new line` where it is a thing: `a new line of products`."""
STUTTER = re.compile(r"\b(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)(?:[ ,]+(?P=word)\b)+", re.IGNORECASE)
PAIR = re.compile(r"\b(?P<pair>[^\W\d_]{1,20} [^\W\d_]{1,20})(?:[ ,]+(?P=pair)\b)+", re.IGNORECASE)
FRAGMENT = re.compile(
    r"(?<![\w-])(?P<start>[^\W\d_]{1,4})(?:[-–—]+ |[-–—](?P=start)[-–—])(?=(?P=start)[^\W\d_]*)",
    re.IGNORECASE,
)
"""A word begun and begun again: `wa- want`, `w-w-what`; not `re-read`, `win-win` or `T-test`."""

PRIVATE = (0xF0000, 0xFFFFE)
"""Plane 15 of Unicode, where no letter has a meaning (private use)."""
HIDDEN = re.compile(f"[{chr(PRIVATE[0])}-{chr(PRIVATE[1] - 1)}]")


UNTOLD = "any"
"""The entry of `fillers.toml` for sounds that are a word nowhere: all that goes where no language can be told."""


class Speech(msgspec.Struct, frozen=True):
    """Fillers and spoken punctuation of one language, longest first."""

    always: tuple[str, ...]
    aside: tuple[str, ...]
    spoken: tuple[tuple[str, str], ...]
    before_break: tuple[tuple[str, str], ...]


def load_speech(language: str) -> Speech | None:
    """The lists for a language code or `UNTOLD`, or None when there are none."""
    data = _lists()
    if language not in data:
        return None
    entry = data[language]
    by_length = sorted(entry.get("spoken", {}).items(), key=lambda pair: -len(pair[0]))
    before_break = tuple(entry.get("before_break", {}).items())
    aside = sorted(entry["aside"], key=len, reverse=True)
    always = dict.fromkeys([*entry["always"], *data[UNTOLD]["always"]])
    return Speech(tuple(always), tuple(aside), tuple(by_length), before_break)


@cache
def _lists() -> dict[str, dict[str, Any]]:
    return tomllib.loads(resources.files("ingle.text").joinpath("fillers.toml").read_text("utf-8"))


def clean_speech(text: str, language: str | None = None) -> str:
    """`text` without fillers and stutters, spoken punctuation written. Unknown languages: stutters only.

    `language` None means: told from the text; where it cannot be told, only sounds that are no word in
    any language here go ("um" stays, which in German is "at").
    """
    told = language or language_of(text) or _by_marks(text) or likeliest(text, _lists().keys())
    speech = load_speech(told or UNTOLD)
    text, hidden = _hide(text)
    if speech is not None:
        text = _fillers(text, speech)
        text = _spoken(text, speech)
    text = FRAGMENT.sub("", text)
    text = PAIR.sub(_pair_once, text)
    text = STUTTER.sub(_once, text)
    return HIDDEN.sub(lambda match: hidden.get(match[0], match[0]), text)


@cache
def _spoken_marks() -> dict[str, re.Pattern[str]]:
    """What finds the spoken punctuation of each language."""
    spoken = {language: lists["spoken"] for language, lists in _lists().items() if "spoken" in lists}
    return {
        language: re.compile(rf"(?i)\b(?:{'|'.join(map(re.escape, said))})\b")
        for language, said in spoken.items()
    }


def _by_marks(text: str) -> str | None:
    """The language whose spoken punctuation stands in a text too short to tell it otherwise; None where it is that of two."""
    found = [language for language, said in _spoken_marks().items() if said.search(text)]
    return found[0] if len(found) == 1 else None


def _hide(text: str) -> tuple[str, dict[str, str]]:
    """`text` with one private letter in the place of each protected span, and what each stands for."""
    there = set(HIDDEN.findall(text))
    unused = (chr(code) for code in range(*PRIVATE) if chr(code) not in there)
    hidden: dict[str, str] = {}

    def cover(match: re.Match[str]) -> str:
        letter = next(unused, "")
        if not letter:  # more spans than private letters: the rest is taken for words
            return match[0]
        hidden[letter] = match[0]
        return letter

    return PROTECTED.sub(cover, text), hidden


def _once(match: re.Match[str]) -> str:
    word = match["word"]
    if (
        match[0].startswith("A A")
        or word.lower() in MEANT_TWICE
        or word.lower() in SPOKEN_NUMBERS
        or (len(word) == 1 and _spelled(match))
    ):
        return match[0]
    named = word[0].isupper() and len(word) > 1 and all(part[0].isupper() for part in _said(match[0]))
    return match[0] if named and match.start() > 0 else word


def _pair_once(match: re.Match[str]) -> str:
    said = [part.lower() for part in _said(match["pair"])]
    is_name = all(part[0].isupper() for part in _said(match[0]))
    is_number = any(part in SPOKEN_NUMBERS | {"oh", "double"} for part in said)
    is_spelled = any(len(part) == 1 and part not in "ai" for part in said)
    is_meant = said[0] == said[-1] and said[0] in MEANT_TWICE
    return match[0] if is_name or is_number or is_spelled or is_meant else match["pair"]


def _said(text: str) -> list[str]:
    return re.split(r"[ ,]+", text)


def _spelled(match: re.Match[str]) -> bool:
    """Whether a letter said twice is one of a word that is spelled out: `b o b b y`."""
    if match["word"].lower() not in "ai":
        return True
    around = match.string[: match.start()].split()[-1:] + match.string[match.end() :].split()[:1]
    return any(len(word) == 1 and word.isalpha() for word in around)


def _fillers(text: str, speech: Speech) -> str:
    beside = HIDDEN.pattern  # the words of a link or in emphasis are not taken from between its marks
    said = "|".join(re.escape(word) for word in speech.always)
    sounds = rf"(?<!{beside})\b(?:{said})\b(?!{beside})"
    asides = "|".join(re.escape(word) for word in speech.aside)
    text = re.sub(rf"(?i)(^|(?<=[.!?\n]))([ \t]*){sounds}[,.…]*[ \t]*", r"\1\2", text)
    text = re.sub(rf"(?i),[ \t]*{sounds}[ \t]*,", ",", text)
    text = re.sub(rf"(?i)[ \t]*,?[ \t]*{sounds}(?!['’-])", "", text)
    if asides:
        text = re.sub(rf"(?i),[ \t]*(?:{asides})[ \t]*,", ",", text)
    return re.sub(r"[ \t]{2,}(?=\S)", " ", text) if "  " in text.strip() else text


def _spoken(text: str, speech: Speech) -> str:
    """Spoken punctuation as symbols, where it is no noun: not behind an article, not before `of`."""
    nouns = "".join(rf"(?<!\b{word} )" for word in DETERMINERS.split())
    phrases = rf"(?! (?:{'|'.join(PARTS.split())})\b)"
    breaks = "|".join(re.escape(said) for said, written in speech.spoken if written[-1].isspace())
    for said, written in speech.before_break:
        text = re.sub(
            rf"(?i)[ \t]*{nouns}\b{re.escape(said)}\b(?=[ \t]+(?:{breaks})\b{phrases})", written, text
        )
    for said, written in speech.spoken:
        after = r"[ \t]*" if written[-1].isspace() or written == "(" else ""
        before = "" if written == "(" else r"[ \t]*"
        text = re.sub(
            rf"(?i){before},?{nouns}\b{re.escape(said)}\b{phrases}{after}", written.replace("\\", r"\\"), text
        )
    return text
