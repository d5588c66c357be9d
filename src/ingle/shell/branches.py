"""Branches and loops: everything that could run does, with what is known of the values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from .evaluate import evaluate, one
from .finding import Level
from .rounds import CROWD, chosen
from .words import EMPTY, Value, bounded

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


# Commands that succeed as long as there is room: a loop on them ends when the disk or the path is full.
_WILLING = frozenset(("true", ":", "echo", "printf", "mkdir", "cd", "pushd", "touch", "print"))
_SEPARATORS = re.compile(r"&&|[;|\n]")
_RANGE = re.compile(
    r"\{(\d{1,12})\.\.(\d{1,12})(?:\.\.\d+)?\}|\bseq\s+(?:(\d{1,12})\s+)?(?:\d{1,12}\s+)?(\d{1,12})"
)
_BOUND = re.compile(r"[<>]=?\s*(\d{1,12})")


def _willing(text: str) -> bool:
    """Whether a loop's condition is one that goes on holding, because it makes something each time."""
    firsts = [part.split()[0] if part.split() else "" for part in _SEPARATORS.split(text) if part.strip()]
    return bool(firsts) and all(first in _WILLING for first in firsts)


def _crowded(text: str) -> bool:
    """Whether a loop's range or bound counts so far that what it leaves behind each time is a crowd."""
    ranges = [(low or first or "0", high or last) for low, high, first, last in _RANGE.findall(text)]
    return any(abs(int(high) - int(low)) >= CROWD for low, high in ranges)


_LITERAL_FALSE = re.compile(r"\s*(?:false|/bin/false)\s*;?\s*\Z")


_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")
# A wait holds a loop back, unless it waits in the background.
_PACE = re.compile(r"\b(?:sleep|wait|read|inotifywait)\b[^;&|\n]*(?:&&|[;|\n)}]|\Z)")


_GROWS = re.compile(r"\b(\w+)=[\"']?\$\{?\1\}?[\"']?\$\{?\1\b|\b\w+\+=\(?[\"']?\$")


def join_output(machine: Machine, first: Value, second: Value) -> Value:
    if not first.text and not first.taint:
        return second
    return bounded(machine, first.text + second.text, first.taint | second.taint)


def visit_branches(machine: Machine, node: Node, stdin: Value) -> Value:
    before, machine.conditional = machine.conditional, True
    out = EMPTY
    try:
        for child in node.children:
            if child.is_named and child.type not in SKIPPED:
                out = join_output(machine, out, machine.visit(child, stdin))
    finally:
        machine.conditional = before
    return out


def _paced(text: str) -> bool:
    """Whether something in a loop waits, so that its rounds do not pile up."""
    return _PACE.search(_QUOTED.sub("''", text)) is not None


def visit_while(machine: Machine, node: Node, stdin: Value) -> Value:
    keyword = node.children[0].type
    condition = [
        child for child in node.children if child.type not in ("while", "until", "do_group", ";", "\n", "do")
    ]
    text = " ".join(machine.text(child) for child in condition if child.is_named)
    endless = bool((_LITERAL_TRUE if keyword == "while" else _LITERAL_FALSE).match(text))
    endless = endless or (keyword == "while" and _willing(text))
    breaks = re.search(r"\b(?:break|exit|return)\b", machine.text(node)) is not None
    paced = machine.paced or _paced(machine.text(node))
    if endless and not breaks and not paced and _GROWS.search(machine.text(node)):
        machine.report(Level.HIGH, "exhaust", "lets a text grow without end: the memory is full then")
    with machine.setting(endless=machine.endless or (endless and not breaks), paced=paced):
        return visit_branches(machine, node, stdin)


def visit_for(
    machine: Machine, node: Node, stdin: Value, run: Callable[[Node], Value] | None = None
) -> Value:
    """Run the body once for each known value; `run` is how, where it is redirected."""
    bodies = [child for child in node.children_by_field_name("body") if child.is_named]
    body = bodies[-1] if bodies else None
    variable = node.child_by_field_name("variable")
    if variable is None or body is None:
        whole = machine.text(node)
        endless = ";;" in whole.replace(" ", "")[:12] and "break" not in whole
        bound = _BOUND.search(whole.partition("))")[0]) if node.type == "c_style_for_statement" else None
        many = bound is not None and int(bound[1]) >= CROWD and not _paced(whole)
        with machine.setting(endless=machine.endless or endless, crowded=machine.crowded or many):
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
    head = " ".join(machine.text(child) for child in node.children if child.is_named and child != body)
    many = _crowded(head) and not _paced(machine.text(node))
    with machine.setting(crowded=machine.crowded or many):
        for value in chosen(machine, split, "values in one loop"):
            machine.state.names[name] = [value]
            again = machine.visit(body, stdin) if run is None else run(body)
            out = join_output(machine, out, again)
    return out


def visit_repeat(machine: Machine, node: Node, stdin: Value) -> Value:
    """zsh's `repeat COUNT …`."""
    count = node.child_by_field_name("count")
    number = one(machine.text(count), machine).text if count is not None else ""
    crowded = number.isdigit() and (len(number) > 9 or int(number) >= CROWD)
    out = EMPTY
    many = crowded and not _paced(machine.text(node))
    with machine.setting(crowded=machine.crowded or many):
        for child in node.children:
            if child.is_named and child != count and child.type not in SKIPPED:
                out = join_output(machine, out, machine.visit(child, stdin))
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
                    out = join_output(machine, out, machine.visit(child, stdin))
    machine.conditional = before
    return out


def is_word(node: Node) -> bool:
    return node.type in WORDS


WORDS = frozenset(
    "word concatenation string raw_string ansi_c_string extglob_pattern glob_pattern regex number simple_expansion "
    "expansion command_substitution arithmetic_expansion process_substitution translated_string variable_ref "
    "string_content special_variable_name file_descriptor heredoc_start".split()
)
