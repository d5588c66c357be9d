"""The bounds of what is read: some are counted before anything is parsed, the rest are met on the way.

A command that breaks one is at least high: what lies beyond it was not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from .finding import Level

# Counted before parsing.
MAX_BYTES = 16_384
MAX_PIPES = 128
MAX_SUBSTITUTIONS = 128
MAX_NESTING = 48
MAX_HEREDOCS = 16
MAX_SEPARATORS = 1_024
MAX_REDIRECTIONS = 1_024
MAX_BRACKETS = 1_024
# Of 16 kB of ordinary commands a parse asks some 300 times whether to go on (every hundred steps, about 30 microseconds).
# Error recovery can go on without end and takes 8 kB each time: tree-sitter-zsh 0.63 does so on `${x/while]]` and a newline.
MAX_PATIENCE = 2_000
# Met on the way. Code inside code, and steps of the walk:
MAX_DEPTH = 12
MAX_STEPS = 6_000
# Words that one word, array or text becomes, and the characters of all that a brace group is written out to:
MAX_FIELDS = 1_024
MAX_EXPANSION = 1 << 18
# Words of one command, after that:
MAX_WORDS = 4_096
# Characters of one value:
MAX_TEXT = 65_536
# Values that a variable may hold after branches, and values that a body, a command or a format is followed for:
MAX_OTHERS = 16
MAX_ROUNDS = 128
# Characters of arithmetic, of a text that a pattern is tried on, of such a pattern:
MAX_ARITHMETIC = 1_000
MAX_MATCHED = 2_048
MAX_PATTERN = 200
# Characters of code in a language that is read by its tokens, nodes of Python, tokens after a name:
MAX_CODE = 8_000
MAX_NODES = 4_000
MAX_REACH = 60
# Characters of a command's name and of a mode, settings of git in variables:
MAX_NAME = 100
MAX_MODE = 200
MAX_SETTINGS = 64


class Teller(Protocol):
    """Who collects findings."""

    def report(self, level: Level, effect: str, consequence: str) -> None: ...


def cut(teller: Teller, what: str) -> None:
    """Report that something is beyond a bound and stays unread."""
    teller.report(Level.HIGH, "unread", f"{_CUT} {what} than are followed: the rest was not read")


_CUT = "holds more"


def is_cut(consequence: str) -> bool:
    """Whether a finding is one that `cut` makes."""
    return consequence.startswith(_CUT)


_SHORT = min(MAX_PIPES, MAX_SUBSTITUTIONS, MAX_NESTING)
"""Characters that cannot hold too many of anything of one character."""


def _nesting(text: str) -> int:
    depth = deepest = 0
    for char in text:
        if char in "({[`":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")}]" and depth:
            depth -= 1
    return deepest


def _counts(text: str) -> Iterator[tuple[str, int, int]]:
    yield "bytes", len(text.encode("utf-8", "surrogatepass")), MAX_BYTES
    yield "pipes", text.count("|"), MAX_PIPES
    yield "here-documents", text.count("<<"), MAX_HEREDOCS
    yield "separators", text.count(";") + text.count("&") + text.count("\n"), MAX_SEPARATORS
    yield "substitutions", text.count("$(") + text.count("`") // 2 + text.count("<("), MAX_SUBSTITUTIONS
    yield "redirections", text.count(">") + text.count("<"), MAX_REDIRECTIONS
    opened = text.count("(") + text.count("{") + text.count("[") + text.count("`")
    yield "brackets", opened, MAX_BRACKETS
    yield "brackets in one another", _nesting(text) if opened > MAX_NESTING else 0, MAX_NESTING


def exceeded(text: str) -> str:
    """Which bound the text breaks, in words; empty when it may be parsed."""
    if len(text) <= _SHORT and "<<" not in text:
        return ""
    for name, found, limit in _counts(text):
        if found > limit:
            return f"{found} {name}, more than the {limit} that are read"
    return ""
