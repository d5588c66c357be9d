"""Finds the command inside a wrapper's arguments, by table: arity of options, operands before it; pure."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .words import Value

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:%%|\(\))?=")


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How one wrapper is read."""

    takes: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    stops: frozenset[str] = frozenset()
    code: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    persists: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    root_unless: str = ""
    user: frozenset[str] = frozenset()
    operands: int = 0
    assign: bool = False
    root: bool = False
    shell: bool = False
    all_code: bool = False
    no_rest: bool = False
    rest_code: bool = False
    dashes: bool = False


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The inner command, the code in options, and which options were given."""

    inner: list[Value]
    codes: list[Value]
    assignments: list[Value]
    flags: frozenset[str]
    options: frozenset[str]
    values: dict[str, Value]


@cache
def wrappers() -> dict[str, Wrapper]:
    data = tomllib.loads((Path(__file__).parent / "effects" / "wrappers.toml").read_text(encoding="utf-8"))
    return {name: _wrapper(table) for name, table in data.items()}


def _wrapper(table: dict[str, Any]) -> Wrapper:
    lists = ("takes", "pairs", "sources", "stops", "code", "only", "persists", "writes", "user")
    read: dict[str, Any] = {
        key: frozenset(value.split()) if key in lists else value for key, value in table.items()
    }
    return Wrapper(**read)


def unwrap(words: list[Value], wrapper: Wrapper) -> Unwrapped:
    """Take a wrapper's own options and operands off the front of `words`."""
    at, flags, codes = 0, set[str](), list[Value]()
    assignments: list[Value] = []
    values: dict[str, Value] = {}
    options: set[str] = set()
    operands = wrapper.operands
    while at < len(words):
        text = words[at].text
        if text == "--":
            at += 1
            if operands <= 0 or wrapper.dashes:
                break
        elif len(text) > 1 and text[0] == "-":
            options.add(text)
            if text in wrapper.pairs:
                at += 3
                continue
            at = _option(words, at, wrapper, flags, codes, values)
        elif wrapper.assign and _ASSIGNMENT.match(text):
            assignments.append(words[at])
            at += 1
        elif operands > 0:
            operands -= 1
            at += 1
        elif wrapper.dashes:
            rest = [index for index, word in enumerate(words) if word.text == "--"]
            at = rest[0] + 1 if rest and rest[0] >= at else at
            break
        else:
            break
    return Unwrapped(words[at:], codes, assignments, frozenset(flags), frozenset(options), values)


def _option(
    words: list[Value],
    at: int,
    wrapper: Wrapper,
    flags: set[str],
    codes: list[Value],
    values: dict[str, Value],
) -> int:
    text = words[at].text
    name, equals, value = text.partition("=")
    found: Value | None = Value(value, words[at].taint) if equals else None
    at += 1
    flags.add(name)
    if text.startswith("--") or name in wrapper.takes or name in wrapper.code:
        if (name in wrapper.takes or name in wrapper.code) and not equals and at < len(words):
            found, at = words[at], at + 1
    else:
        for index, char in enumerate(text[1:], 1):
            name = "-" + char
            flags.add(name)
            if name in wrapper.takes or name in wrapper.code:
                if index + 1 < len(text):
                    found = Value(text[index + 1 :], words[at - 1].taint)
                elif at < len(words):
                    found, at = words[at], at + 1
                break
    if found is not None:
        values[name] = found
        if name in wrapper.code:
            codes.append(found)
    return at
