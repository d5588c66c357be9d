"""Reads the quoting of shell text: where a quote, a bracket or a brace group ends; pure."""

from __future__ import annotations

import re

from .limits import MAX_FIELDS

_RANGE = re.compile(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?\Z")
_ANSI = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.S)
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
    return [str(n) if digits else chr(n) for n in numbers[:MAX_FIELDS]]


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


def brace_words(word: str) -> list[str]:
    """Expand brace groups in source text, before any other expansion, as the shell does.

    At most `MAX_FIELDS` words come back; a caller that gets that many knows the list was cut.
    """
    done: list[str] = []
    todo = [word]
    while todo and len(done) + len(todo) <= 4 * MAX_FIELDS:
        here = todo.pop(0)
        group = _group(here)
        if group is None:
            done.append(here)
            if len(done) >= MAX_FIELDS:
                return done
            continue
        start, end = group
        body = here[start + 1 : end]
        parts = _range(body)
        todo[:0] = [here[:start] + part + here[end + 1 :] for part in (parts or _split_group(body))]
    return (done + todo)[:MAX_FIELDS]
