"""Reads what an awk program hands to the shell and writes, by its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import targets
from .finding import Level
from .script_tokens import Token, literal_text
from .words import HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine


_STATEMENT = 40
"""Tokens before a `>` within which its `print` is looked for; where they hold no beginning of a statement it is taken for one."""


def _printing(before: list[Token]) -> bool:
    """Whether a `>` that follows sends a print elsewhere; in brackets it compares."""
    depth = 0
    for token in reversed(before):
        if token.text in ("print", "printf"):
            return depth == 0
        if token.text in (";", "{", "}", "\n"):
            return False
        depth += (token.text == ")") - (token.text == "(")
    return len(before) >= _STATEMENT


def judge_awk(machine: Machine, tokens: list[Token]) -> None:
    """`print > "file"`, `print | "cmd"`, `"cmd" | getline`, and variables that hold the command."""
    held: dict[str, str] = {}
    for at, token in enumerate(tokens):
        after = tokens[at + 1 : at + 3]
        if token.kind == "name" and len(after) > 1 and after[0].text == "=" and after[1].kind == "string":
            held[token.text] = literal_text(after[1])
        elif token.text == "sprintf" and at > 1 and tokens[at - 1].text == "=" and tokens[at + 2 : at + 3]:
            shape = tokens[at + 2]
            held[tokens[at - 2].text] = literal_text(shape) if shape.kind == "string" else HOLE
        sent = token.text == ">" and _printing(tokens[max(0, at - _STATEMENT) : at])
        if token.text == ">" and after and (tokens[at - 1].kind != "number" or sent):
            target = after[1] if len(after) > 1 and after[0].text == ">" else after[0]
            if target.kind == "string":
                targets.write(machine, Value(literal_text(target)), UNKNOWN, append=after[0].text == ">")
            elif sent:
                targets.write(machine, UNKNOWN, UNKNOWN, append=after[0].text == ">")
        if token.text == "|" and at and (not after or after[0].text != "|") and tokens[at - 1].text != "|":
            pair = (
                tokens[at - 1],
                after[0] if after[:1] and after[0].text != "&" else after[-1] if after else token,
            )
            for side in pair:
                code = literal_text(side) if side.kind == "string" else held.get(side.text, "")
                if code and not code.startswith("/inet/"):
                    machine.source(code, UNKNOWN)
            reads = bool(after) and after[0].text == "getline"
            run = pair[0] if reads else pair[1]
            field = run.text.startswith("$") or (reads and at > 1 and tokens[at - 2].text == "$")
            if field or (run.kind == "name" and not held.get(run.text)):
                machine.report(Level.HIGH, "opaque", "runs a command that is not known before it runs")
