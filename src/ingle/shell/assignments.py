"""What assignments and declarations put into the names of the line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import hooks
from .evaluate import evaluate, one
from .finding import Level
from .limits import MAX_FIELDS, cut
from .words import EMPTY, UNKNOWN, Taint, Value, bounded

if TYPE_CHECKING:
    from .machine import Machine


_BODIES = frozenset(("functions", "aliases", "BASH_ALIASES"))


def assignment(machine: Machine, node: Node) -> None:
    """`x=…`, `x+=…`, `x=(…)`, `x[1]=…`."""
    name_node = node.child_by_field_name("name")
    value_node = node.child_by_field_name("value")
    if name_node is None:
        return
    name, _, index = machine.text(name_node).partition("[")
    if "$(" in index or "`" in index:
        hooks.substituted(machine, index)
    if value_node is None:
        values = [EMPTY]
    elif value_node.type == "array":
        values = []
        for item in value_node.children:
            if item.is_named:
                values.extend(evaluate(machine.text(item), machine))
        if len(values) > MAX_FIELDS:
            cut(machine, "words in one array")
            values = [*values[:MAX_FIELDS], UNKNOWN]
    else:
        values = [one(machine.text(value_node), machine)]
    if any(child.type == "+=" for child in node.children):
        before = machine.state.every(name)
        if value_node is not None and value_node.type == "array":
            values = before + values
            if len(values) > MAX_FIELDS:
                cut(machine, "words in one array")
                values = [*values[:MAX_FIELDS], UNKNOWN]
        else:
            values = [bounded(machine, before[-1].text + values[0].text, before[-1].taint | values[0].taint)]
    if name in _BODIES and index:
        # zsh's `functions[name]=body` and bash's `BASH_ALIASES[name]=body`: a name for what will run
        machine.state.aliases[index.removesuffix("]").strip("'\"")] = values[0].text
        return
    if name_node.type == "subscript" or "[" in machine.text(name_node):
        values = machine.state.names.get(name, []) + values
    machine.assign_all(name, values)


def visit_declaration(machine: Machine, node: Node, stdin: Value) -> Value:
    named = [child for child in node.children if child.is_named]
    if all(child.type == "word" and machine.text(child)[:1] == "-" for child in named):
        return Value(UNKNOWN.text, Taint.SECRET)
    options = "".join(
        machine.text(child) for child in named if child.type == "word" and machine.text(child)[:1] == "-"
    )
    refers = options == "-n"
    if "i" in options or machine.text(node).startswith("integer"):
        machine.state.integers |= {
            re.split(r"\+?=", machine.text(child), maxsplit=1)[0]
            for child in named
            if machine.text(child)[:1] != "-"
        }
    with machine.at(node, []):
        for child in named:
            if child.type == "variable_assignment" and refers:
                key, _, target = machine.text(child).partition("=")
                hooks.arithmetic(machine, target)
                machine.state.references[key] = target.strip("\"'")
            elif child.type == "variable_assignment":
                assignment(machine, child)
            else:
                for value in evaluate(machine.text(child), machine):
                    name, equals, text = value.text.partition("=")
                    if equals:
                        machine.assign(name, Value(text, value.taint))
    return EMPTY


def visit_assignments(machine: Machine, node: Node, stdin: Value) -> Value:
    with machine.at(node, []):
        if node.type == "variable_assignment":
            assignment(machine, node)
        else:
            for child in node.children:
                if child.type == "variable_assignment":
                    assignment(machine, child)
    return EMPTY


def visit_unset(machine: Machine, node: Node, stdin: Value) -> Value:
    for child in node.children:
        if child.is_named:
            name = machine.text(child)
            hooks.arithmetic(machine, name)
            if name.startswith("HIST"):
                with machine.at(node, []):
                    machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
            machine.state.names[name] = [EMPTY]
            machine.state.functions.pop(name, None)
    return EMPTY
