"""Tells in words what written text really is: "`$x` is `rm`, `../../..` is `/home`"; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from . import deception
from .words import HOLE, MARKS, Value, show

_PAIRS = 4
"""Words that are told; a person reads no more."""
LONGEST = 120
"""Characters that are shown of one word."""
_QUOTES = re.compile(r"[\"'\\]")
_INSIDE = re.compile(r"\w[\"'\\]+\w")  # `e't'c`: quotes that hide a word instead of holding one together
_BLANKS = re.compile(r"\s*\n\s*")
_HOLES = re.compile(r"…{2,}")
_STARS = re.compile(r"\*{3,}")
_WORD = re.compile(r"[\w./~@%+:,*?-]+")
_BARE = "".join(MARKS) + " \t\n;"
_EXPANDS = re.compile(r"[$`~{]|[<>=]\(")


class Piece(NamedTuple):
    """One word as it is written, and the fields that it becomes."""

    text: str
    fields: Sequence[Value]


class Path(NamedTuple):
    """A path as a command gets it, what it names as a person would write it, and whether its text hides that."""

    given: str
    named: str
    hidden: bool


def is_partly_known(text: str) -> bool:
    """Whether anything stands between the marks."""
    return bool(text.strip(_BARE))


def shown(text: str, files: Mapping[str, str]) -> str:
    """Text for a person: no marks, and the substitution instead of the file that stands for it."""
    if text.isascii() and text.isprintable() and "/dev/fd/" not in text:
        return text
    if "/dev/fd/" in text:
        for path, source in files.items():
            text = text.replace(path, source)
    text = _HOLES.sub("…", show(text))
    return text if text.isprintable() else deception.visible(text)


def short(text: str) -> str:
    """On one line, the end left out when it is long."""
    text = _BLANKS.sub("; ", text.strip())
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def _plain(text: str, now: str, first: bool) -> bool:
    """Whether a word is what it looks like: quotes that only hold it together hide nothing."""
    if text == now or (text[:2] == "~/" and len(text) > 2 and now.endswith(text[1:])):
        return True
    if _EXPANDS.search(text) is None and not first and not _INSIDE.search(text):
        return _QUOTES.sub("", text) == _QUOTES.sub("", now)
    return text[:1] in ("'", '"') and text[1:-1] == now


def operand(pieces: Iterable[Piece], path: Path | None, files: Mapping[str, str]) -> str:
    """The path as it is written in the command; empty where no word of a shell is known for it."""
    if path is None:
        return ""
    for piece in pieces:
        if len(piece.fields) == 1 and show(piece.fields[0].text) == path.given:
            return "" if "\n" in piece.text else shown(piece.text, files)
    return path.named if _WORD.fullmatch(path.named) else ""


def tell(pieces: Iterable[Piece], path: Path | None, files: Mapping[str, str]) -> str:
    """What the words are; `path` is what the finding is about, when its text alone does not name it."""
    pairs: dict[str, str] = {}
    unknown = False
    path = path if path is not None and path.hidden else None
    for index, piece in enumerate(pieces):
        text = shown(piece.text, files)
        fields = piece.fields
        now = shown(fields[0].text if len(fields) == 1 else " ".join(field.text for field in fields), files)
        now = _STARS.sub("*", now) if "***" in now else now
        if path is not None and len(piece.fields) == 1 and show(piece.fields[0].text) == path.given:
            now, path = path.named, None
        if _plain(text, now, index == 0) or (not fields and text[:1] == "{"):
            continue  # a block of code is read by itself
        hole = any(HOLE in field.text for field in piece.fields)
        if hole and not now.strip("… "):
            now = ""
        unknown = unknown or (hole and now != "")
        pairs.setdefault(short(text), now and short(now))
    if path is not None:
        pairs.setdefault(short(path.given), short(path.named))
    return _sentence(pairs, unknown)


def tell_code(code: str, files: Mapping[str, str]) -> str:
    """What is run, where it does not stand in the command as it was given."""
    note = ", where `…` is not known" if HOLE in code else ""
    return f"what runs is `{short(shown(code, files))}`{note}"


def _sentence(pairs: Mapping[str, str], unknown: bool) -> str:
    known = [f"`{text}` is `{now}`" for text, now in pairs.items() if now]
    open_ = [f"`{text}` is not known before it runs" for text, now in pairs.items() if not now]
    if unknown and known:
        known[-1] += ", where `…` is not known"
    return ", ".join((known + open_)[:_PAIRS])
