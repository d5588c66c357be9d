"""Writes fish as bash would say it, block by block, and keeps where each piece came from; pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from .hooks import EVENT
from .scan import end_of_bracket, end_of_double
from .spans import Translation

_OPENERS = frozenset(("if", "while", "for", "function", "switch", "begin"))
_CLOSERS = {"if": "fi", "while": "done", "for": "done", "function": "}", "switch": "esac", "begin": "}"}
_SEPARATORS = ("&&", "||", "&|", "|&", ";", "\n", "|", "&")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|X[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|[0-7]{1,3}|[abefnrtv])")


class Piece(NamedTuple):
    """A word or a separator of the source."""

    text: str
    start: int
    separator: bool


def _pieces(text: str) -> list[Piece]:
    found: list[Piece] = []
    at, start = 0, -1
    while at <= len(text):
        char = text[at : at + 1]
        separator = next((mark for mark in _SEPARATORS if text.startswith(mark, at)), "") if char else "end"
        redirects = (separator == "&" and text[at - 1 : at] in ("<", ">")) or (
            separator == "&" and text[at + 1 : at + 2] == ">"
        )
        if char in ("", " ", "\t") or (separator and not redirects):
            if start >= 0:
                found.append(Piece(text[start:at], start, False))
                start = -1
            if separator and char not in ("", " ", "\t"):
                found.append(Piece(separator, at, True))
                at += len(separator)
                continue
            at += 1
            continue
        if char == "#" and start < 0:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        start = at if start < 0 else start
        at = _past(text, at)
    return found


def _past(text: str, at: int) -> int:
    """The index after the quoted, bracketed or plain character at `at`."""
    char = text[at]
    if char == "\\":
        return at + 2
    if char == "'":
        at += 1
        while at < len(text) and text[at] != "'":
            at += 2 if text[at] == "\\" else 1
        return at + 1
    if char == '"':
        return end_of_double(text, at + 1) + 1
    if char in "({":
        return end_of_bracket(text, at) + 1
    return at + 1


def _balanced(text: str) -> bool:
    """Whether every quote and bracket is closed."""
    at, depth = 0, 0
    while at < len(text):
        char = text[at]
        if char in "({":
            depth += 1
            at += 1
        elif char in ")}":
            depth -= 1
            at += 1
        elif char == "#" and (at == 0 or text[at - 1] in " \t\n;"):
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        else:
            at = _past(text, at)
        if depth < 0:
            return False
    return depth == 0 and at == len(text)


def _word(text: str) -> str:
    """One word: command substitutions get their `$`, escapes their `$'…'`."""
    out, at = [], 0
    while at < len(text):
        char = text[at]
        end = _past(text, at)
        if char == "'":
            body = text[at + 1 : end - 1].replace("\\\\", "\\")
            out.append("'" + body.replace("\\'", "'\\''") + "'")
        elif char == "(" or (char == "$" and text[at + 1 : at + 2] == "("):
            start = at if char == "(" else at + 1
            end = end_of_bracket(text, start) + 1
            out.append("$(" + translate(text[start + 1 : end - 1]) + ")")
        elif char == "\\" and (escape := _ESCAPE.match(text, at)):
            end = escape.end()
            out.append("$'" + escape.group().replace("\\X", "\\x") + "'")
        else:
            out.append(text[at:end])
        at = end
    return "".join(out)


def _set(words: list[str]) -> str:
    """`set -flags NAME VALUE…` as an assignment."""
    cut = next((index for index, word in enumerate(words) if not word.startswith("-")), len(words))
    flags = "".join(word.lstrip("-") for word in words[:cut])
    names, words = words[cut:], words[:cut]
    if not names:
        return "set"
    if any(word in ("-e", "--erase") or re.fullmatch(r"-[a-zU]*e[a-z]*", word) for word in words):
        return "unset " + " ".join(names)
    if any(word in ("-q", "--query") or re.fullmatch(r"-[a-z]*q[a-z]*", word) for word in words) or (
        "S" in flags and len(names) == 1
    ):
        return "true"
    values = " ".join(_word(word) for word in names[1:])
    name = names[0].partition("[")[0]
    if not re.fullmatch(r"\w+", name):
        return "set " + " ".join(_word(word) for word in names)
    return f"{name}=({values})"


def _statement(words: list[str], stack: list[str]) -> tuple[str, str]:
    """A statement in bash, and what must follow its separator (`then`, `do`)."""
    first, rest = words[0], words[1:]
    if first in ("and", "or"):
        return _statement(rest, stack) if rest else (":", "")
    if first in ("not", "!"):
        inner, after = _statement(rest, stack) if rest else (":", "")
        return "! " + inner, after
    if first == "end" and stack:
        closer = _CLOSERS[stack.pop()]
        tail = " ".join(_word(word) for word in rest)
        return (f";; {closer}" if closer == "esac" else closer) + (" " + tail if tail else ""), ""
    if first == "else":
        if rest[:1] == ["if"]:
            return "elif " + _statement(rest[1:], stack)[0], "then :;"
        return "else :", ""
    if first == "case" and "switch" in stack:
        return ";; " + "|".join(_word(word) for word in rest or ["*"]) + ") :", ""
    if first in _OPENERS:
        return _opening(first, rest, stack)
    if first == "set":
        return _set(rest), ""
    if first == "alias" and len(rest) >= 2 and not rest[0].startswith("-"):
        return f"alias {rest[0]}={_word(rest[1])}", ""
    if first == "alias" and len(rest) >= 3 and rest[0] in ("-s", "--save"):
        return (
            f"alias {rest[1]}={_word(rest[2])}; function {rest[1]} {{ {_word(rest[2])}; }}; funcsave {rest[1]}",
            "",
        )
    if first in ("abbr", "functions", "status", "string", "count", "math", "contains", "argparse"):
        return f"{first} " + " ".join(_word(word) for word in rest), ""
    return " ".join(_word(word) for word in words), ""


def _opening(first: str, rest: list[str], stack: list[str]) -> tuple[str, str]:
    stack.append(first)
    if first == "begin":
        inner = " " + _statement(rest, stack)[0] if rest else " :"
        return "{" + inner, ""
    if first in ("if", "while"):
        inner, _ = _statement(rest, stack) if rest else ("true", "")
        return f"{first} {inner}", "then :;" if first == "if" else "do :;"
    if first == "for":
        return "for " + " ".join(_word(word) for word in rest), "do :;"
    if first == "function":
        name = rest[0] if rest else "_"
        itself = any(word.startswith("--on-") for word in rest)
        return f"function {EVENT if itself else ''}{name} {{ :", ""
    return f"case {_word(rest[0]) if rest else '_'} in _never) :", ""


def translated(text: str) -> Translation:
    """The whole text, with its offsets."""
    out: list[str] = []
    here, there = [0], [0]
    length = 0
    stack: list[str] = []
    statement: list[Piece] = []
    after = ""

    def emit(piece: str, start: int) -> None:
        nonlocal length
        here.append(length)
        there.append(start)
        out.append(piece)
        length += len(piece)

    for piece in [*_pieces(text), Piece("", len(text), True)]:
        if not piece.separator:
            statement.append(piece)
            continue
        if statement:
            written, after = _statement([word.text for word in statement], stack)
            emit(written, statement[0].start)
        closes = not statement and piece.text in (";", "\n")
        statement = []
        if after:
            emit(f"; {after} ", piece.start)
            after = ""
        elif not closes:
            emit({"&|": " 2>&1 | ", "|&": " 2>&1 | ", "": ""}.get(piece.text, f" {piece.text} "), piece.start)
    whole = not stack and _balanced(text)
    while stack:
        emit("; " + _CLOSERS[stack.pop()], len(text))
    return Translation("".join(out), here, there, whole)


def translate(text: str) -> str:
    return translated(text).text
