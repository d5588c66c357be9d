"""Reads the effects of commands from data: one table a command, one rule a line, first match wins.

A rule is `LEVEL pattern… :: consequence`, or `EFFECT@WHERE pattern…` for an effect on operands (or on `stdin`).
In a pattern a bare word is the next operand (`a|b`, `pre*`), `-x/--long` an option that must be
there, `!-x` one that must not, `-x=glob` an option's value, `@glob` any word, `!@glob` no word,
`+` one more operand at least, `$` no more operands, `%all` a listing of everything, `<<` input from a pipe or here-document. In a table `takes` names the options with a value,
`dry` those that neutralise it, `long = true` says that `-abc` is one option and no cluster, `same` lists other names.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from pathlib import Path
from typing import Any

from .arguments import Arguments
from .finding import Level
from .words import Taint, Value, show

_FAMILIES = (
    "everyday",
    "files",
    "build",
    "git",
    "packages",
    "containers",
    "cloud",
    "databases",
    "network",
    "servers",
    "system",
    "desktop",
    "macos",
    "security",
    "windows",
    "devices",
)
_LEVELS = {level.label: level for level in Level}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: `level` of a terminal rule, or `effect` with `where` for one that goes on."""

    level: Level | None
    effect: str
    where: str
    tokens: tuple[str, ...]
    consequence: str


@dataclass(frozen=True, slots=True)
class Spec:
    """What is known of one command."""

    name: str
    level: Level
    takes: frozenset[str]
    dry: frozenset[str]
    rules: tuple[Rule, ...] = field(default=())
    consequence: str = ""
    cluster: bool = True


_WILD = re.compile(r"[*?\[]")


@cache
def _tables() -> tuple[dict[str, Level], dict[str, dict[str, Any]]]:
    """Plain names by level, and tables by name, from every family."""
    plain: dict[str, Level] = {}
    tables: dict[str, dict[str, Any]] = {}
    folder = Path(__file__).parent / "effects"
    for family in _FAMILIES:
        data = tomllib.loads((folder / f"{family}.toml").read_text(encoding="utf-8"))
        for name, table in data.items():
            if isinstance(table, str):
                plain.update(dict.fromkeys(table.split(), _LEVELS[name]))
                continue
            tables[name] = table
            for other in table.get("same", "").split():
                tables[other] = table
    return plain, tables


@cache
def find(name: str) -> Spec | None:
    """The specification of a command by its plain name."""
    plain, tables = _tables()
    table = tables.get(name)
    if table is None:
        level = plain.get(name)
        return None if level is None else Spec(name, level, frozenset(), frozenset())
    return Spec(
        name,
        _LEVELS[table.get("level", "moderate")],
        frozenset(table.get("takes", "").split()),
        frozenset(table.get("dry", "").split()),
        tuple(
            _rule(line)
            for line in table.get("rules", "").splitlines()
            if line.strip() and line.strip()[0] != "#"
        ),
        table.get("says", ""),
        not table.get("long", False),
    )


@cache
def _said() -> dict[str, dict[str, str]]:
    data = tomllib.loads((Path(__file__).parent / "effects" / "says.toml").read_text(encoding="utf-8"))
    return {other: table for name, table in data.items() for other in (name, *table.get("same", "").split())}


def says(name: str, task: str) -> str:
    """What an everyday call does, in words; empty where nothing is written down."""
    return "" if task == "same" else _said().get(name, {}).get(task, "")


def known() -> frozenset[str]:
    """Every command name that has a specification."""
    plain, tables = _tables()
    return frozenset(plain) | frozenset(tables)


def _rule(line: str) -> Rule:
    pattern, _, consequence = line.partition(" :: ")
    head, *tokens = pattern.split()
    effect, _, where = head.partition("@")
    level = None if where else _LEVELS[effect]
    return Rule(level, effect, where, tuple(tokens), consequence.strip())


@cache
def _globs(wanted: str) -> tuple[frozenset[str], re.Pattern[str] | None]:
    """The alternatives of a token: those that are plain text, and the rest as one pattern."""
    globs = wanted.split("|")
    plain = frozenset(glob for glob in globs if not _WILD.search(glob))
    wild = [translate(glob) for glob in globs if glob not in plain]
    return plain, re.compile("|".join(wild)) if wild else None


def _fits(wanted: str, text: str) -> bool:
    plain, wild = _globs(wanted)
    return text in plain or (wild is not None and wild.match(text) is not None)


@cache
def _option_of(token: str) -> tuple[tuple[str, ...], str | None]:
    """The names of an option, and what its value has to be like."""
    name, equals, wanted = token.partition("=")
    return tuple(name.split("/")), wanted if equals else None


def _option(token: str, arguments: Arguments) -> bool:
    names, wanted = _option_of(token)
    if wanted is None:
        return not arguments.flags.isdisjoint(names)
    return any(_fits(wanted, value.text) for value in arguments.each(*names))


def _word(token: str, arguments: Arguments) -> bool:
    return any(_fits(token, show(word.text)) for word in arguments.words)


def matches(rule: Rule, arguments: Arguments, piped: bool) -> bool:
    """Whether a rule's pattern fits these arguments."""
    position = 0
    rest = arguments.rest
    for token in rule.tokens:
        head = token[0]
        if token == "$":
            held = position == len(rest)
        elif token == "+":
            held = position < len(rest)
        elif token == "<<":
            held = piped
        elif token == "%all":
            held = any(word.has(Taint.EVERYTHING) for word in arguments.words)
        elif token == "!%all":
            held = not any(word.has(Taint.EVERYTHING) for word in arguments.words)
        elif head == "!":
            inner = token[1:]
            held = not (_word(inner[1:], arguments) if inner[0] == "@" else _option(inner, arguments))
        elif head == "-":
            held = _option(token, arguments)
        elif head == "@":
            held = _word(token[1:], arguments)
        else:
            held = position < len(rest) and _fits(token, show(rest[position].text))
            position += 1
        if not held:
            return False
    return True


def select(where: str, rule: Rule, arguments: Arguments) -> list[Value]:
    """The operands an effect falls on: `*` all, `1` the second, `-1` the last, `-o/--output` a value; `0/.` the folder at hand without one."""
    used = sum(1 for token in rule.tokens if token[0] not in "-!@$+<%")
    rest = arguments.rest[used:]
    if where == "*":
        return rest
    if where[0] == "-" and not where[1:].isdigit():
        names = where.split("/")
        return arguments.each(*names) or [Value(name) for name in names if name == "."]
    where, _, otherwise = where.partition("/")
    if otherwise and not rest:
        return [Value(otherwise)]
    index = int(where)
    return [rest[index]] if -len(rest) <= index < len(rest) else []
