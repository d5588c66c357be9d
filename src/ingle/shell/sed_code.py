"""Says of a script of sed whether it can be read, and whether a part that is not known stands where a command would; pure.

An unknown part inside a pattern, a replacement, an address or a file's name is an operand, as in `sed "s/foo/$x/"` or
`sed -n "${n}p"`: people write that every day, and mean text or a number by it. A script that is not known as a whole, or whose
command or flags are not (`sed "s/a/b/$f"`), may hold `e` or `w`, and is code.
"""

from __future__ import annotations

import re
from enum import Enum

from .words import HOLE


class Standing(Enum):
    """What is known of a script."""

    READ = 0
    UNKNOWN = 1
    BROKEN = 2


_BLANK = re.compile(r"[\s;]*")
_PLACE = re.compile(rf"[0-9$,~+!\s{HOLE}-]+")
_END = re.compile(r"[ \t]*(?:\Z|[;}\n#])")
_FLAGS = re.compile(r"[gpiImMe0-9]*(?:w[^\n]*)?")
_ONE = "=dDgGhHnNpPxFz"
_COUNTED = "qQlL"


def standing(script: str) -> Standing:
    """The better of the two ways in which seds read a bracket expression: with the delimiter in it, or not."""
    found = _read(script, brackets=True)
    return (
        found
        if found is Standing.READ
        else min(found, _read(script, brackets=False), key=lambda one: one.value)
    )


def _closing(text: str, at: int, mark: str, brackets: bool) -> int:
    """The index after the next `mark`, or -1."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == mark:
            return at + 1
        elif text[at] == "[" and brackets and (end := re.compile(r"\[\^?\]?[^\]\n]*\]").match(text, at)):
            at = end.end()
        else:
            at += 1
    return -1


def _behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what `pattern` matches at `at` ends; `at` where it matches nothing."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _read(text: str, brackets: bool) -> Standing:
    at = depth = 0
    while True:
        at = _behind(_BLANK, text, at)
        if at >= len(text):
            return Standing.BROKEN if depth else Standing.READ
        if text[at] == "#":
            at = _line(text, at)
            continue
        start = at
        at = _address(text, at, brackets)
        if at < 0:
            return Standing.BROKEN
        if at >= len(text) or text[at] in ";\n":
            return Standing.UNKNOWN if HOLE in text[start:at] else Standing.BROKEN
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if text[at] not in "{}":
            found = _command(text, at, brackets)
            if isinstance(found, Standing):
                return found
            at = found
        else:
            at += 1


def _address(text: str, at: int, brackets: bool) -> int:
    while at < len(text):
        if place := _PLACE.match(text, at):
            at = place.end()
        elif text[at] in "/\\" and at + 1 < len(text):
            at += text[at] == "\\"
            at = _closing(text, at + 1, text[at], brackets)
            if at < 0:
                return -1
            while text[at : at + 1] in ("I", "M"):
                at += 1
        else:
            break
    return at


def _line(text: str, at: int) -> int:
    """The end of a line whose breaks behind a backslash belong to it."""
    while at < len(text) and text[at] != "\n":
        at += 2 if text[at] == "\\" else 1
    return min(at, len(text))


def _command(text: str, at: int, brackets: bool) -> int | Standing:
    """The index after one command, or why there is none."""
    name, at = text[at], at + 1
    if name in "aicrRwWev:btT":
        if name in ":btT":
            label = re.compile(r"[^;}\n]*").match(text, at)
            return label.end() if label else at
        return _line(text, at)
    if name in "sy":
        mark = text[at : at + 1]
        if not mark or mark in "\n\\":
            return Standing.BROKEN
        if mark == HOLE:
            return Standing.UNKNOWN
        middle = _closing(text, at + 1, mark, brackets and name == "s")
        at = _closing(text, middle, mark, False) if middle > 0 else -1
        if at < 0:
            return Standing.BROKEN
        at = _behind(_FLAGS, text, at) if name == "s" else at
    elif name in _COUNTED:
        while text[at : at + 1] in (" ", HOLE) or text[at : at + 1].isdigit():
            at += 1
    elif name not in _ONE:
        return Standing.BROKEN
    if text[at : at + 1] == HOLE:
        return Standing.UNKNOWN
    return at if _END.match(text, at) else Standing.BROKEN
