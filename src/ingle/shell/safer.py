"""Finds the safer way for a finding: by the command's own means, else by what follows; data in `effects/safer.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

_URL = re.compile(r"(?:https?|ftp)://[^\s\"'`|;&<>()…]+")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_FIELD = re.compile(r"<(name|word|file|variable|url)>")
_NAME = re.compile(r"[\w.+-]+")
_ENDING = re.compile(r"\.(?:exe|cmd|bat)\Z")
# A command's own means go before what the consequence says; for the second group only where they fit just this use of it.
_OWN = frozenset(("effect", "git", "remote destroy", "database", "delete"))
_OWN_WHEN_NAMED = frozenset(("persist", "execute", "remote code"))
_FILE = re.compile(r"(?!.*\.bak)[^*?\[\s]{1,60}")
FALLBACK = "read it word by word, and name the one thing that is meant"


class Advice(NamedTuple):
    """One line of the table: the advice may be given where the pattern is found and every field is known."""

    pattern: re.Pattern[str]
    text: str
    fields: frozenset[str]


class Matter(NamedTuple):
    """What a finding is about: the command with its words, the operand as written, the source, the whole line."""

    words: tuple[str, ...] = ()
    word: str = ""
    source: str = ""
    line: str = ""


def _rows(text: str) -> tuple[Advice, ...]:
    rows = []
    for line in text.splitlines():
        pattern, mark, advice = line.partition(" :: ")
        if mark:
            rows.append(Advice(re.compile(pattern, re.I), advice.strip(), frozenset(_FIELD.findall(advice))))
    return tuple(rows)


@cache
def table(part: str) -> Mapping[str, tuple[Advice, ...]]:
    """The rows of `commands`, `effects` or `powershell`, by name."""
    file = Path(__file__).parent / "effects" / "safer.toml"
    data = tomllib.loads(file.read_text(encoding="utf-8"))[part]
    return MappingProxyType(
        {name: _rows(text) for names, text in data.items() for name in _names(part, names)}
    )


def _names(part: str, names: str) -> list[str]:
    return names.split() if part == "commands" else [names]


@lru_cache(maxsize=512)
def _fitting(part: str, name: str, text: str) -> tuple[Advice, ...]:
    return tuple(row for row in table(part).get(name, ()) if row.pattern.search(text))


def safer_way(effect: str, consequence: str, matter: Matter, shell: str = "") -> str:
    """One sentence for a finding; never empty."""
    name = _field("name", matter)
    rows: tuple[Advice, ...] = ()
    if name and (effect in _OWN or effect in _OWN_WHEN_NAMED):
        rows = _fitting("commands", name, " ".join(matter.words[1:]))
        if effect not in _OWN:
            rows = tuple(row for row in rows if row.pattern.pattern != ".")
    if shell == "powershell":
        rows += _fitting("powershell", effect, consequence)
    rows += _fitting("effects", effect, consequence)
    for row in rows:
        known = {field: _field(field, matter) for field in row.fields}
        if all(known.values()):
            return _filled(row.text, known)
    return FALLBACK


def _filled(text: str, known: Mapping[str, str]) -> str:
    for field, value in known.items():
        text = text.replace(f"<{field}>", value)
    return text


def _field(field: str, matter: Matter) -> str:
    """What one field of an advice stands for; empty where this matter has no such thing."""
    if field == "name":
        name = _ENDING.sub("", matter.words[0].rpartition("/")[2].lower()) if matter.words else ""
        return name if _NAME.fullmatch(name) else ""
    if field == "variable":
        variable = _VARIABLE.search(matter.source.partition("$(")[0].partition("`")[0])
        return variable[1] if variable else ""
    if field == "url":
        address = _URL.search(matter.source) or _URL.search(matter.line)
        return address[0] if address else ""
    word = "" if "`" in matter.word else matter.word
    return word if field == "word" or _FILE.fullmatch(word) else ""
