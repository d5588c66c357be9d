"""A cmdlet's parameters, and the data about cmdlets."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .finding import Level
from .words import EMPTY, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine


_LEVELS = {level.label: level for level in Level}


@cache
def cmdlet_data() -> tuple[dict[str, str], dict[str, tuple[Level, str]], frozenset[str]]:
    """Aliases, levels of cmdlets, and the parameters that take no value."""
    table = tomllib.loads((Path(__file__).parent / "effects" / "powershell.toml").read_text(encoding="utf-8"))
    aliases = dict(pair.split("=") for pair in table["aliases"].split())
    levels: dict[str, tuple[Level, str]] = {}
    for name in _LEVELS:
        for line in table[name].splitlines():
            names, _, consequence = line.partition("::")
            levels.update(dict.fromkeys(names.lower().split(), (_LEVELS[name], consequence.strip())))
    return aliases, levels, frozenset(table["switches"].split())


class Given:
    """A cmdlet's parameters: switches, values by name, and what stands alone."""

    def __init__(self, words: list[Value]) -> None:
        switches = cmdlet_data()[2]
        self.flags: set[str] = set()
        self.values: dict[str, Value] = {}
        self.rest: list[Value] = []
        at = 0
        while at < len(words):
            word = words[at]
            at += 1
            if not word.has(Taint.PARAMETER):
                self.rest.extend(
                    Value(part.strip("\"' "), word.taint) for part in re.split(r"[\n,]", word.text) if part
                )
                continue
            name, colon, value = word.text[1:].partition(":")
            name = name.lower()
            self.flags.add(name)
            if colon:
                self.values[name] = Value(value, word.taint)
            elif (
                at < len(words)
                and (name == "verb" or not any(known.startswith(name) for known in switches))
                and not words[at].has(Taint.PARAMETER)
            ):
                self.values[name] = words[at]
                at += 1

    def has(self, full: str) -> bool:
        """Parameters may be cut short: `-rec` is `-Recurse`; `:$false` switches one off."""
        for name in self.flags:
            if full.startswith(name) and self.values.get(name, EMPTY).text != "False":
                return True
        return False

    def value(self, *fulls: str) -> Value | None:
        for full in fulls:
            for name, value in self.values.items():
                if full.startswith(name) and len(name) >= min(2, len(full)):
                    return value
        return None

    def paths(self, machine: Machine, stdin: Value) -> list[Value]:
        given = self.value("path", "literalpath", "filepath")
        found = (
            [Value(part.strip(), given.taint) for part in re.split(r"[\n,]", given.text)]
            if given is not None
            else self.rest
        )
        return found or ([stdin] if stdin.text else [])
