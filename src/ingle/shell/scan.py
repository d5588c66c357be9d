"""Reads the quoting of shell text: where a quote, a bracket or a brace group ends; pure."""

from __future__ import annotations

import re

from .limits import MAX_EXPANSION, MAX_FIELDS
from .words import HOLE

_RANGE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?\Z")
_PADDED = re.compile(r"-?0\d|\S+ -?0\d")
_ANSI = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.S)
ROW = 32
"""Numbers of an endless row that are written out before the hole: enough to see that it is one."""
_SIMPLE_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}


def ansi(text: str) -> str:
    """Decode the escapes of `$'...'`."""

    def decode(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] in "xuU" and len(code) > 1:
            point = int(code[1:], 16)
            return chr(point) if point < 0x110000 else "\ufffd"
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        if code[0] == "c":
            return chr(ord(code[1]) & 0x1F)
        return _SIMPLE_ESCAPES.get(code, code if code in "\\'\"?" else "\\" + code)

    return _ANSI.sub(decode, text)


def end_of_double(text: str, at: int) -> int:
    """The index of the `"` that closes a string whose content starts at `at`."""
    while at < len(text):
        char = text[at]
        if char == '"':
            return at
        if char == "\\":
            at += 2
        elif char == "$" and text[at + 1 : at + 2] in ("(", "{"):
            at = end_of_bracket(text, at + 1) + 1
        elif char == "`":
            at = end_of_backtick(text, at + 1) + 1
        else:
            at += 1
    return len(text)


def end_of_backtick(text: str, at: int) -> int:
    while at < len(text) and text[at] != "`":
        at += 2 if text[at] == "\\" else 1
    return at


def end_of_bracket(text: str, at: int) -> int:
    """The index of the bracket that closes the one at `at`; the text's length when none does."""
    opener = text[at]
    closer = {"(": ")", "{": "}", "[": "]"}[opener]
    depth = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "'":
            at = text.find("'", at + 1)
            if at < 0:
                return len(text)
        elif char == '"':
            at = end_of_double(text, at + 1)
        elif char == "`":
            at = end_of_backtick(text, at + 1)
        elif char == opener:
            depth += 1
        elif char == closer:
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return len(text)


def substitutions(text: str) -> list[str]:
    """What stands in `$(...)` and backticks, outermost first come; arithmetic is looked into, quotes hide nothing."""
    found: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "`":
            end = end_of_backtick(text, at + 1)
            found.append(text[at + 1 : end])
            at = end + 1
        elif text.startswith("$(", at):
            end = end_of_bracket(text, at + 1)
            if text.startswith("$((", at) and text[end - 1 : end] == ")":
                found += substitutions(text[at + 3 : end - 1])
            else:
                found.append(text[at + 2 : end])
            at = end + 1
        else:
            at += 1
    return found


def _split_group(body: str) -> list[str]:
    parts, start, at, depth = [], 0, 0, 0
    while at < len(body):
        char = body[at]
        if char == "\\":
            at += 1
        elif char == "'":
            close = body.find("'", at + 1)
            at = close if close >= 0 else len(body)
        elif char == '"':
            at = end_of_double(body, at + 1)
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(body[start:at])
            start = at + 1
        at += 1
    parts.append(body[start:])
    return parts


def _range(body: str) -> list[str] | None:
    """The members of `1..9` or `a..f`; of more than may be written out the first, a hole and the last."""
    match = _RANGE.match(body)
    if match is None:
        return None
    low, high, step = match.groups()
    if low.lstrip("-").isdigit() != high.lstrip("-").isdigit():
        return None
    digits = low.lstrip("-").isdigit()
    first, last = (int(low), int(high)) if digits else (ord(low), ord(high))
    stride = max(abs(int(step or 1)), 1)
    numbers = range(first, last + 1, stride) if first <= last else range(first, last - 1, -stride)
    width = max(len(low), len(high)) if digits and _PADDED.match(f"{low} {high}") else 0
    if abs(last - first) // stride >= MAX_FIELDS:
        written = [str(number).zfill(width) for number in (*numbers[:ROW], numbers[-1])]
        return [*written[:-1], HOLE, written[-1]]
    return [str(n).zfill(width) if digits else chr(n) for n in numbers]


def _group(word: str) -> tuple[int, int] | None:
    """The first brace group that expands, outside quotes and `${`."""
    at = 0
    while at < len(word):
        char = word[at]
        if char == "\\":
            at += 1
        elif char == "'":
            close = word.find("'", at + 1)
            at = close if close >= 0 else len(word)
        elif char == '"':
            at = end_of_double(word, at + 1)
        elif char == "`":
            at = end_of_backtick(word, at + 1)
        elif char == "$" and word[at + 1 : at + 2] in ("{", "("):
            at = end_of_bracket(word, at + 1)
        elif char == "{":
            close = end_of_bracket(word, at)
            body = word[at + 1 : close]
            if close < len(word) and (len(_split_group(body)) > 1 or _range(body) is not None):
                return at, close
        at += 1
    return None


def brace_words(word: str) -> tuple[list[str], bool]:
    """Expand brace groups in source text, before any other expansion, as the shell does; and whether all came out.

    A row of numbers that is too long to be written out, and stands alone in its word, is whole: its ends and a hole for
    the numbers between them. Several groups that make more than `MAX_FIELDS` words or `MAX_EXPANSION` characters are not.
    """
    done: list[str] = []
    todo = [word]
    whole = True
    while todo:
        here = todo.pop()
        group = _group(here)
        if group is None:
            done.append(here)
            continue
        start, end = group
        body, rest = here[start + 1 : end], here[end + 1 :]
        ranged = _range(body)
        parts = ranged or _split_group(body)
        whole = whole and not (ranged and HOLE in ranged and (len(done) + len(todo) > 0 or _group(rest)))
        count = len(done) + len(todo) + len(parts)
        if count > MAX_FIELDS or count * len(here) > MAX_EXPANSION:
            return done, False
        todo += [here[:start] + part + rest for part in reversed(parts)]
    return done, whole
