"""The bounds that are checked before anything is parsed; beyond them a command is not read at all."""

from __future__ import annotations

from collections.abc import Iterator

MAX_BYTES = 16_384
MAX_PIPES = 128
MAX_NESTING = 48
MAX_HEREDOCS = 16
MAX_SEPARATORS = 1_024
MAX_DEPTH = 12
MAX_STEPS = 3_000
MAX_FIELDS = 64
MAX_TEXT = 65_536
MAX_OTHERS = 4
MAX_REDIRECTIONS = 1_024
MAX_BRACKETS = 1_024


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
    yield "substitutions", text.count("$(") + text.count("`") // 2 + text.count("<("), MAX_PIPES
    yield "redirections", text.count(">") + text.count("<"), MAX_REDIRECTIONS
    opened = text.count("(") + text.count("{") + text.count("[") + text.count("`")
    yield "brackets", opened, MAX_BRACKETS
    yield "brackets in one another", _nesting(text) if opened > MAX_NESTING else 0, MAX_NESTING


def exceeded(text: str) -> str:
    """Which bound the text breaks, in words; empty when it may be parsed."""
    for name, found, limit in _counts(text):
        if found > limit:
            return f"{found} {name}, more than the {limit} that are read"
    return ""
