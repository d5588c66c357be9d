"""Cleans a transcript without a model: fillers, stutters, spoken punctuation. Deterministic, and optional.

Only what cannot carry meaning goes: sounds, asides set off by commas, a word or a pair of words said
twice in a row. "had had", "that that" and numbers are never collapsed.
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import msgspec

from ingle.text.language import language_of

MEANT_TWICE = frozenset(
    "had that no yes very really many so bye ha is do das die der sie sehr nein ja nous vous muy no sí".split()
)
STUTTER = re.compile(r"\b(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)?)(?:[ ,]+(?P=word)\b)+", re.IGNORECASE)
PAIR = re.compile(r"\b(?P<pair>[^\W\d_]{1,20} [^\W\d_]{1,20})(?:[ ,]+(?P=pair)\b)+", re.IGNORECASE)
FRAGMENT = re.compile(r"\b(?P<start>[^\W\d_]{1,4})[-–—]+ ?(?=(?P=start)[^\W\d_]*)", re.IGNORECASE)


class Speech(msgspec.Struct, frozen=True):
    """Fillers and spoken punctuation of one language, longest first."""

    always: tuple[str, ...]
    aside: tuple[str, ...]
    spoken: tuple[tuple[str, str], ...]


def load_speech(language: str) -> Speech | None:
    """The lists for a language code, or None when there are none."""
    data = tomllib.loads(resources.files("ingle.text").joinpath("fillers.toml").read_text("utf-8"))
    if language not in data:
        return None
    entry = data[language]
    by_length = sorted(entry.get("spoken", {}).items(), key=lambda pair: -len(pair[0]))
    aside = sorted(entry["aside"], key=len, reverse=True)
    return Speech(tuple(entry["always"]), tuple(aside), tuple(by_length))


def clean_speech(text: str, language: str | None = None) -> str:
    """`text` without fillers and stutters, spoken punctuation written. Unknown languages: stutters only.

    `language` None means: told from the text, English when it cannot be told.
    """
    speech = load_speech(language or language_of(text) or "en")
    if speech is not None:
        text = _fillers(text, speech)
        text = _spoken(text, speech)
    text = FRAGMENT.sub("", text)
    text = PAIR.sub(lambda match: match["pair"], text)
    return STUTTER.sub(_once, text)


def _once(match: re.Match[str]) -> str:
    word = match["word"]
    return match[0] if word.lower() in MEANT_TWICE else word


def _fillers(text: str, speech: Speech) -> str:
    sounds = "|".join(re.escape(word) for word in speech.always)
    asides = "|".join(re.escape(word) for word in speech.aside)
    text = re.sub(rf"(?i)(^|(?<=[.!?\n]))([ \t]*)(?:{sounds})\b[,.…]*[ \t]*", r"\1\2", text)
    text = re.sub(rf"(?i),[ \t]*(?:{sounds})\b[ \t]*,", ",", text)
    text = re.sub(rf"(?i)[ \t]*,?[ \t]*\b(?:{sounds})\b(?!['’-])", "", text)
    text = re.sub(rf"(?i),[ \t]*(?:{asides})[ \t]*,", ",", text)
    return re.sub(r"[ \t]{2,}(?=\S)", " ", text) if "  " in text.strip() else text


def _spoken(text: str, speech: Speech) -> str:
    for said, written in speech.spoken:
        after = r"[ \t]*" if written.isspace() or written == "(" else ""
        before = "" if written == "(" else r"[ \t]*"
        text = re.sub(rf"(?i){before},?\b{re.escape(said)}\b{after}", written.replace("\\", r"\\"), text)
    return text
