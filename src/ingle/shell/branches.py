"""Branches and loops: everything that could run does, with what is known of the values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from .evaluate import evaluate, one
from .finding import Level
from .words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine


SKIPPED = frozenset(
    (
        "comment",
        "heredoc_body",
        "heredoc_end",
        "heredoc_start",
        "variable_name",
        "simple_variable_name",
        "file_descriptor",
    )
)


_LITERAL_TRUE = re.compile(
    r"\s*(?:true|:|\[ 1 \]|\(\( ?1 ?\)\)|\[\[ 1 \]\]|test 1|/bin/true)\s*(?:\d?>++[^;]*+)?;?\s*\Z"
)


_LITERAL_FALSE = re.compile(r"\s*(?:false|/bin/false)\s*;?\s*\Z")


_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")
# A wait holds a loop back, unless it waits in the background.
_PACE = re.compile(r"\b(?:sleep|wait|read|inotifywait)\b[^;&|\n]*(?:&&|[;|\n)}]|\Z)")


_GROWS = re.compile(r"\b(\w+)=[\"']?\$\{?\1\}?[\"']?\$\{?\1\b|\b\w+\+=\(?[\"']?\$")


_CHOICES = 8


def join_output(first: Value, second: Value) -> Value:
    if not first.text and not first.taint:
        return second
    return Value((first.text + second.text)[:65_536], first.taint | second.taint)


def visit_branches(machine: Machine, node: Node, stdin: Value) -> Value:
    before, machine.conditional = machine.conditional, True
    out = EMPTY
    try:
        for child in node.children:
            if child.is_named and child.type not in SKIPPED:
                out = join_output(out, machine.visit(child, stdin))
    finally:
        machine.conditional = before
    return out


def visit_while(machine: Machine, node: Node, stdin: Value) -> Value:
    keyword = node.children[0].type
    condition = [
        child for child in node.children if child.type not in ("while", "until", "do_group", ";", "\n", "do")
    ]
    text = " ".join(machine.text(child) for child in condition if child.is_named)
    endless = bool((_LITERAL_TRUE if keyword == "while" else _LITERAL_FALSE).match(text))
    breaks = re.search(r"\b(?:break|exit|return)\b", machine.text(node)) is not None
    paced = machine.paced or _PACE.search(_QUOTED.sub("''", machine.text(node))) is not None
    if endless and not breaks and not paced and _GROWS.search(machine.text(node)):
        machine.report(Level.HIGH, "exhaust", "lets a text grow without end: the memory is full then")
    with machine.setting(endless=machine.endless or (endless and not breaks), paced=paced):
        return visit_branches(machine, node, stdin)


def visit_for(machine: Machine, node: Node, stdin: Value) -> Value:
    """Run the body once for each known value; a long or unknown list is run once, unknown."""
    bodies = [child for child in node.children_by_field_name("body") if child.is_named]
    body = bodies[-1] if bodies else None
    variable = node.child_by_field_name("variable")
    if variable is None or body is None:
        endless = ";;" in machine.text(node).replace(" ", "")[:12] and "break" not in machine.text(node)
        with machine.setting(endless=machine.endless or endless):
            return visit_branches(machine, node, stdin)
    values: list[Value] = []
    listed = False
    for child in node.children:
        if child.type == "in" or child.type == "(":
            listed = True
        elif child.is_named and child not in (variable, body):
            listed = True
            values.extend(evaluate(machine.text(child), machine))
    if not listed:
        values = machine.state.every("@")
    name, out = machine.text(variable), EMPTY
    split = [part for value in values for part in _lines(value)] or [EMPTY]
    chosen = split if len(split) <= _CHOICES else [*split[:_CHOICES], Value(UNKNOWN.text, split[-1].taint)]
    for value in chosen:
        machine.state.names[name] = [value]
        out = join_output(out, machine.visit(body, stdin))
    return out


def _lines(value: Value) -> list[Value]:
    if "\n" not in value.text:
        return [value]
    return [Value(line, value.taint) for line in value.text.split("\n") if line]


def visit_case(machine: Machine, node: Node, stdin: Value) -> Value:
    subject = node.child_by_field_name("value")
    if subject is not None:
        one(machine.text(subject), machine)
    before, machine.conditional = machine.conditional, True
    out = EMPTY
    for item in node.children:
        if item.type in ("case_item", "last_case_item"):
            for child in item.children:
                if child.is_named and not is_word(child) and child.type not in SKIPPED:
                    out = join_output(out, machine.visit(child, stdin))
    machine.conditional = before
    return out


def is_word(node: Node) -> bool:
    return node.type in WORDS


WORDS = frozenset(
    "word concatenation string raw_string ansi_c_string extglob_pattern glob_pattern regex number simple_expansion "
    "expansion command_substitution arithmetic_expansion process_substitution translated_string variable_ref "
    "string_content special_variable_name file_descriptor heredoc_start".split()
)
