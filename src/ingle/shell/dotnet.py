"""Judges static methods of .NET types, `[Type]::Method(…)`, from a table; of a type that is in no list nothing is known."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from . import targets, windows
from .finding import Level
from .words import UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine

_LEVELS = {level.label: level for level in Level}


class Rule(NamedTuple):
    """One line of the table: a level, or an effect on the argument at an index."""

    level: Level | None
    effect: str
    argument: int
    patterns: tuple[str, ...]
    consequence: str


@cache
def _table() -> tuple[tuple[Rule, ...], tuple[str, ...]]:
    """The rules in order, and the patterns of harmless types."""
    data = tomllib.loads((Path(__file__).parent / "effects" / "dotnet.toml").read_text(encoding="utf-8"))
    rules = []
    for line in data["rules"].splitlines():
        pattern, _, consequence = line.partition(" :: ")
        if pattern.strip():
            head, patterns = pattern.split()
            effect, at, argument = head.partition("@")
            level = None if at else _LEVELS[effect]
            rules.append(
                Rule(level, effect, int(argument or 0), tuple(patterns.split("|")), consequence.strip())
            )
    return tuple(rules), tuple(data["harmless"].split())


def _type_name(literal: str) -> str:
    """`[System.IO.File]` as `io.file`; of a generic type what stands before its parameters."""
    return re.sub(r"[\s\]]|(?<=\w)\[.*", "", literal.lower()).lstrip("[").removeprefix("system.")


def judge_static(machine: Machine, literal: str, method: str, given: Value) -> bool:
    """Report what a static call does; whether the table has told all of it. `given` holds one argument a line."""
    rules, harmless = _table()
    name = _type_name(literal)
    called = f"{name}::{method}"
    for rule in rules:
        if any(fnmatchcase(called, pattern) for pattern in rule.patterns):
            if rule.level is None:
                _effect(machine, rule, given)
            else:
                machine.report(rule.level, "effect", rule.consequence or f"`{called}` changes something")
            return True
    if method != "new" and not any(fnmatchcase(name, pattern) for pattern in harmless):
        machine.report(Level.MODERATE, "execute", f"calls `{called}`, of which nothing is known")
    return False


def _effect(machine: Machine, rule: Rule, given: Value) -> None:
    arguments = given.text.split("\n")
    if rule.argument >= len(arguments):
        machine.report(Level.MODERATE, "effect", "changes files")
        return
    text = arguments[rule.argument]
    if rule.effect == "registry":
        level = windows.registry_level(text, deletes=False, tree=False)
        machine.report(level, "write", "changes the registry")
        return
    path = windows.path(machine, Value(text, given.taint))
    if rule.effect in ("delete", "deltree"):
        targets.delete(machine, path, tree=rule.effect == "deltree")
    else:
        targets.write(machine, path, UNKNOWN)
