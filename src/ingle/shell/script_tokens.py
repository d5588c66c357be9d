"""Cuts one-liners of foreign languages into tokens and calls with what is constant in them; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .limits import MAX_REACH
from .paths import HOME
from .scan import ansi
from .words import HOLE, Value

if TYPE_CHECKING:
    pass


_TOKEN = re.compile(
    r"(?P<tick>(?:`(?:[^`\\]|\\.)*`)|(?:qx|%x)\s*(?:\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|/[^/]*/))"
    r"|(?P<string>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|q[qw]?\s*(?:\{[^}]*\}|\([^)]*\)))"
    r"|(?P<name>[$@%]?[A-Za-z_](?:[\w]|::|\.(?=\w)|->(?=\w)|\?(?=\())*!?)"
    r"|(?P<number>\d[\w.]*)|(?P<comment>(?<![$\\])\#[^\n{][^\n]*|//[^\n]*(?=\n|\Z)|--[ \[][^\n]*)"
    r"|(?P<mark>[^\s\w])",
    re.S,
)


_HOME_FORMS = re.compile(
    r"\$ENV\{['\"]?HOME['\"]?\}|#\{ENV\[['\"]HOME['\"]\]\}|#\{Dir\.home\}|\$\{process\.env\.HOME\}|\$\{os\.homedir\(\)\}"
)


# What JavaScript puts into a text: a literal is known.
_INTERPOLATED = re.compile(r"\$\{(?:\s*[\"']([^\"'{}]*)[\"']\s*|[^{}]*)\}")
_THROUGH = frozenset(
    "glob Dir.glob Dir Pathname Pathname.new expand path.join path.resolve File.expand_path File.join String".split()
)


_HOME_NAMES = frozenset("Dir.home os.homedir process.env.HOME homedir".split())


# How the home is asked for in a call or a table of the environment.
_HOME_CALLS = re.compile(
    r"require\([\"'](?:node:)?os[\"']\)\.homedir\(\)|(?:getenv|Deno\.env\.get|os\.getenv|Bun\.env\.get)\(\s{0,4}[\"']HOME[\"']\s{0,4}\)|(?:\$_SERVER|\$_ENV|ENVIRON|process\.env|Bun\.env)\[[\"']HOME[\"']\]|"
    r"\b(?:Deno|Bun)\.env\.HOME\b"
)


class Token(NamedTuple):
    kind: str
    text: str
    start: int


def at_home(text: str) -> str:
    """The code with the home's path where it asks for it by a call or in the environment."""
    return _HOME_CALLS.sub(f'"{HOME}"', text)


def tokenise(text: str, language: str = "") -> list[Token]:
    """The tokens of a language; JavaScript's back-ticks are text, unless a tag runs it (zx's and Bun's `$`)."""
    tokens = [
        Token(m.lastgroup or "", m.group(), m.start())
        for m in _TOKEN.finditer(text)
        if m.lastgroup != "comment"
    ]
    if language != "node":
        return tokens
    return [
        token._replace(kind="string")
        if token.kind == "tick" and token.text[0] == "`" and text[token.start - 1 : token.start] != "$"
        else token
        for token in tokens
    ]


def literal_text(token: Token) -> str:
    text = token.text
    if text[0] == "q" or text[:2] in ("qx", "%x"):
        return text[text.index(text.lstrip("qwx% ")[0]) + 1 : -1]
    body = text[1:-1]
    if text[0] == "`":
        body = _INTERPOLATED.sub(
            lambda found: found[1] if found[1] is not None else HOLE, _HOME_FORMS.sub(HOME, body)
        )
    if text[0] == "'":
        return body.replace("\\'", "'").replace("\\\\", "\\")
    return _HOME_FORMS.sub(HOME, ansi(body) if "\\" in body else body)


def _arguments(tokens: list[Token], at: int) -> tuple[list[Value], bool]:
    """The values after a called name: literals joined over `.`, `+`, `..`; anything else is a hole. And whether all were read."""
    depth, values, joined, current = 0, list[Value](), False, ""
    started = False
    end, open_ended = min(len(tokens), at + MAX_REACH), at + MAX_REACH < len(tokens)
    while at < end:
        kind, text, _ = tokens[at]
        at += 1
        if kind == "mark":
            if text in "([{":
                depth += 1
                if text == "{" and started:
                    current += HOLE
            elif text in ")]}":
                depth -= 1
                if depth <= 0:
                    open_ended = False
                    break
            elif text in ";|" and depth <= 0:
                open_ended = False
                break
            elif text == "," and depth <= 2:
                values.append(Value(current))
                current, started = "", False
            elif text in ".+":
                joined = True
            continue
        if kind == "name" and text in _THROUGH:
            continue
        piece = literal_text(tokens[at - 1]) if kind in ("string",) else HOME if text in _HOME_NAMES else HOLE
        if kind == "number" and tokens[at - 2].text != "$":
            piece = text
        if kind == "name" and text in ("or", "and", "if", "unless", "while", "foreach", "do", "then"):
            if depth <= 0:
                open_ended = False
                break
            continue
        current = (
            current + piece
            if started and (joined or kind == "string")
            else piece
            if not started
            else current + piece
        )
        started, joined = True, False
    if started:
        values.append(Value(current))
    return values, not open_ended


def _owner(tokens: list[Token], at: int) -> str:
    """`fs.` where a name stands behind `require("fs").`, `import("fs")).` and their like."""
    back = at - 1
    if back < 4 or tokens[back].text != ".":
        return ""
    while back > at - 4 and tokens[back - 1].text == ")":
        back -= 1
    if (
        tokens[back].text != ")"
        or tokens[back - 1].kind != "string"
        or tokens[back - 3].text not in ("require", "import")
    ):
        return ""
    return literal_text(tokens[back - 1]).removeprefix("node:").partition("/")[0] + "."


def calls_in(tokens: list[Token]) -> Iterator[tuple[str, list[Value], bool]]:
    """Each name with the values behind it, and whether those are all."""
    for at, token in enumerate(tokens):
        if token.kind == "name":
            values, whole = _arguments(tokens, at + 1)
            yield _owner(tokens, at) + token.text, values, whole
        elif token.kind == "tick":
            yield "system", [Value(literal_text(token))], True
