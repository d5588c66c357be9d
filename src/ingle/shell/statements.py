"""What each kind of statement does with state, input and output: lists, pipes, loops, redirections."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import redirect
from .evaluate import evaluate, one
from .finding import Level
from .limits import MAX_FIELDS
from .state import Function
from .words import EMPTY, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_REDIRECTS = frozenset(("file_redirect", "heredoc_redirect", "herestring_redirect"))
_SKIPPED = frozenset(
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
_LITERAL_TRUE = re.compile(r"\s*(?:true|:|\[ 1 \]|\(\( ?1 ?\)\)|\[\[ 1 \]\]|test 1|/bin/true)\s*;?\s*\Z")
_LITERAL_FALSE = re.compile(r"\s*(?:false|/bin/false)\s*;?\s*\Z")
_CHOICES = 8


def _joined(first: Value, second: Value) -> Value:
    if not first.text and not first.taint:
        return second
    return Value((first.text + second.text)[:65_536], first.taint | second.taint)


def sequence(machine: Machine, node: Node, stdin: Value) -> Value:
    """Statements one after the other; `&` after one puts it in the background."""
    out = EMPTY
    children = node.children
    conditional = machine.conditional
    for index, child in enumerate(children):
        if not child.is_named:
            if child.type in ("&&", "||"):
                machine.conditional = True
            continue
        if child.type in _SKIPPED:
            continue
        after = children[index + 1].type if index + 1 < len(children) else ""
        if after == "&":
            if machine.endless and not machine.paced:
                with machine.at(child, []):
                    machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")
            with machine.setting(background=True), machine.subshell():
                out = _joined(out, machine.visit(child, stdin))
        else:
            out = _joined(out, machine.visit(child, stdin))
    machine.conditional = conditional
    return out


def _pipeline(machine: Machine, node: Node, stdin: Value) -> Value:
    return pipe(machine, node, stdin, [])


def pipe(machine: Machine, node: Node, stdin: Value, redirects: list[Node]) -> Value:
    stages = [child for child in node.children if child.is_named and child.type != "comment"]
    out = stdin
    with machine.setting(piped=len(stages) > 1 or machine.piped):
        for index, stage in enumerate(stages):
            last = index == len(stages) - 1
            if last and redirects:
                out = redirect.apply(machine, stage, redirects, out)
            else:
                out = machine.visit(stage, out)
    return out


def _redirected(machine: Machine, node: Node, stdin: Value) -> Value:
    body, redirects = None, []
    for child in node.children:
        if child.type in _REDIRECTS:
            redirects.append(child)
        elif child.is_named and child.type != "comment":
            body = child
    return redirect.apply(machine, body, redirects, stdin)


def _command(machine: Machine, node: Node, stdin: Value) -> Value:
    assignments: list[Node] = []
    sources: list[Node] = []
    redirects: list[Node] = []
    for child in node.children:
        kind = child.type
        if kind in ("variable_assignment", "subscript"):
            assignments.append(child)
        elif kind in _REDIRECTS:
            redirects.append(child)
        elif kind == "ERROR" or (not child.is_named and not sources and kind in ("$", "!")):
            continue
        else:
            sources.append(child)
    if redirects:
        return redirect.apply(machine, node, redirects, stdin, sources, assignments)
    return simple(machine, node, sources, assignments, stdin)


def simple(machine: Machine, node: Node, sources: list[Node], assignments: list[Node], stdin: Value) -> Value:
    """One simple command; once for every value a variable in it may hold."""
    others = machine.state.others
    if others:
        text = machine.text(node)
        for name in [name for name in others if name in text]:
            now = machine.state.names.get(name, [UNKNOWN])
            for values in others[name]:
                machine.state.names[name] = values
                _run_simple(machine, node, sources, assignments, stdin)
            machine.state.names[name] = now
    return _run_simple(machine, node, sources, assignments, stdin)


def _run_simple(
    machine: Machine, node: Node, sources: list[Node], assignments: list[Node], stdin: Value
) -> Value:
    texts = _texts(machine, sources)
    words: list[Value] = []
    for text in texts:
        words.extend(evaluate(text, machine))
    before = machine.state.names
    with machine.at(node, words):
        if assignments:
            if words:
                machine.state.names = dict(before)
            for child in assignments:
                assignment(machine, child)
        if not words:
            if texts and not assignments and any("$" in text or "`" in text for text in texts):
                machine.report(Level.HIGH, "opaque", "the name of the command is not known before it runs")
            return EMPTY
        if machine.background and texts[0].strip('"') in ("$0", "${0}"):
            machine.report(
                Level.CRITICAL, "exhaust", "a script that starts itself again and again: a fork bomb"
            )
        bare = bool(texts) and texts[0].isascii() and not any(mark in texts[0] for mark in "\\'\"$")
        out = machine.call(words, stdin, bare=bare)
        if assignments and machine.state.names is not before:
            machine.state.names = before
        return out


def _texts(machine: Machine, sources: list[Node]) -> list[str]:
    """The source of each word; nodes that touch are one word whatever the grammar says."""
    texts: list[str] = []
    end = -1
    for source in sources:
        text = machine.text(source)
        if source.start_byte == end and texts:
            texts[-1] += text
        else:
            texts.append(text)
        end = source.end_byte
    return texts


def assignment(machine: Machine, node: Node) -> None:
    """`x=…`, `x+=…`, `x=(…)`, `x[1]=…`."""
    name_node = node.child_by_field_name("name")
    value_node = node.child_by_field_name("value")
    if name_node is None:
        return
    name = machine.text(name_node).partition("[")[0]
    if value_node is None:
        values = [EMPTY]
    elif value_node.type == "array":
        values = []
        for item in value_node.children:
            if item.is_named:
                values.extend(evaluate(machine.text(item), machine))
        values = values[:MAX_FIELDS]
    else:
        values = [one(machine.text(value_node), machine)]
    if any(child.type == "+=" for child in node.children):
        before = machine.state.every(name)
        if value_node is not None and value_node.type == "array":
            values = before + values
        else:
            values = [Value(before[-1].text + values[0].text, before[-1].taint | values[0].taint)]
    if name_node.type == "subscript" or "[" in machine.text(name_node):
        values = machine.state.names.get(name, []) + values
    machine.assign_all(name, values)


def _declaration(machine: Machine, node: Node, stdin: Value) -> Value:
    if not any(
        child.type in ("variable_assignment", "variable_name", "concatenation", "string")
        for child in node.children
    ):
        return Value(UNKNOWN.text, Taint.SECRET)
    with machine.at(node, []):
        for child in node.children:
            if child.type == "variable_assignment":
                assignment(machine, child)
            elif child.is_named and child.type in ("word", "concatenation", "string", "command_substitution"):
                for value in evaluate(machine.text(child), machine):
                    name, equals, text = value.text.partition("=")
                    if equals:
                        machine.assign(name, Value(text, value.taint))
    return EMPTY


def _assignments(machine: Machine, node: Node, stdin: Value) -> Value:
    with machine.at(node, []):
        if node.type == "variable_assignment":
            assignment(machine, node)
        else:
            for child in node.children:
                if child.type == "variable_assignment":
                    assignment(machine, child)
    return EMPTY


def _unset(machine: Machine, node: Node, stdin: Value) -> Value:
    for child in node.children:
        if child.is_named:
            name = machine.text(child)
            if name.startswith("HIST"):
                with machine.at(node, []):
                    machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
            machine.state.names[name] = [EMPTY]
            machine.state.functions.pop(name, None)
    return EMPTY


def _function(machine: Machine, node: Node, stdin: Value) -> Value:
    body = node.child_by_field_name("body")
    names = [
        child
        for child in node.children
        if child.type in ("word", "command_name", "variable_name", "simple_variable_name")
    ]
    name_node = node.child_by_field_name("name") or (names[0] if names else None)
    if body is not None and name_node is not None:
        machine.state.functions[machine.text(name_node)] = Function(body, machine.data)
    return EMPTY


def _subshell(machine: Machine, node: Node, stdin: Value) -> Value:
    with machine.subshell():
        return sequence(machine, node, stdin)


def _branches(machine: Machine, node: Node, stdin: Value) -> Value:
    before, machine.conditional = machine.conditional, True
    out = EMPTY
    try:
        for child in node.children:
            if child.is_named and child.type not in _SKIPPED:
                out = _joined(out, machine.visit(child, stdin))
    finally:
        machine.conditional = before
    return out


def _while(machine: Machine, node: Node, stdin: Value) -> Value:
    keyword = node.children[0].type
    condition = [
        child for child in node.children if child.type not in ("while", "until", "do_group", ";", "\n", "do")
    ]
    text = " ".join(machine.text(child) for child in condition if child.is_named)
    endless = bool((_LITERAL_TRUE if keyword == "while" else _LITERAL_FALSE).match(text))
    breaks = re.search(r"\b(?:break|exit|return)\b", machine.text(node)) is not None
    paced = machine.paced or re.search(r"\b(?:sleep|wait|read|inotifywait)\b", machine.text(node)) is not None
    with machine.setting(endless=machine.endless or (endless and not breaks), paced=paced):
        return _branches(machine, node, stdin)


def _for(machine: Machine, node: Node, stdin: Value) -> Value:
    """Run the body once for each known value; a long or unknown list is run once, unknown."""
    body = node.child_by_field_name("body")
    variable = node.child_by_field_name("variable")
    if variable is None or body is None:
        endless = ";;" in machine.text(node).replace(" ", "")[:12] and "break" not in machine.text(node)
        with machine.setting(endless=machine.endless or endless):
            return _branches(machine, node, stdin)
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
        out = _joined(out, machine.visit(body, stdin))
    return out


def _lines(value: Value) -> list[Value]:
    if "\n" not in value.text:
        return [value]
    return [Value(line, value.taint) for line in value.text.split("\n") if line]


def _case(machine: Machine, node: Node, stdin: Value) -> Value:
    subject = node.child_by_field_name("value")
    if subject is not None:
        one(machine.text(subject), machine)
    before, machine.conditional = machine.conditional, True
    out = EMPTY
    for item in node.children:
        if item.type in ("case_item", "last_case_item"):
            for child in item.children:
                if child.is_named and not is_word(child) and child.type not in _SKIPPED:
                    out = _joined(out, machine.visit(child, stdin))
    machine.conditional = before
    return out


def is_word(node: Node) -> bool:
    return node.type in _WORDS


_WORDS = frozenset(
    "word concatenation string raw_string ansi_c_string extglob_pattern glob_pattern regex number simple_expansion "
    "expansion command_substitution arithmetic_expansion process_substitution translated_string variable_ref "
    "string_content special_variable_name file_descriptor heredoc_start".split()
)


def _test(machine: Machine, node: Node, stdin: Value) -> Value:
    text = machine.text(node)
    if "$(" in text or "`" in text or "<(" in text:
        one(text.replace("'", "").replace("~", ""), machine)
    return EMPTY


def _compound(machine: Machine, node: Node, stdin: Value) -> Value:
    if node.children and node.children[0].type in ("((", "$(("):
        return _test(machine, node, stdin)
    return sequence(machine, node, stdin)


def _nothing(machine: Machine, node: Node, stdin: Value) -> Value:
    return EMPTY


_VISITORS: dict[str, Callable[[Machine, Node, Value], Value]] = {
    "program": sequence,
    "list": sequence,
    "compound_statement": _compound,
    "do_group": sequence,
    "subshell": _subshell,
    "pipeline": _pipeline,
    "redirected_statement": _redirected,
    "command": _command,
    "variable_assignment": _assignments,
    "variable_assignments": _assignments,
    "declaration_command": _declaration,
    "unset_command": _unset,
    "function_definition": _function,
    "if_statement": _branches,
    "elif_clause": _branches,
    "else_clause": _branches,
    "while_statement": _while,
    "for_statement": _for,
    "terse_for_statement": _for,
    "foreach_statement": _for,
    "select_statement": _for,
    "c_style_for_statement": _for,
    "case_statement": _case,
    "test_command": _test,
    "arithmetic_command": _test,
    "comment": _nothing,
    "heredoc_body": _nothing,
}


def visit(machine: Machine, node: Node, stdin: Value) -> Value:
    visitor = _VISITORS.get(node.type)
    if visitor is not None:
        return visitor(machine, node, stdin)
    if node.type in _WORDS:
        if "$" in machine.text(node) or "`" in machine.text(node):
            evaluate(machine.text(node), machine)
        return EMPTY
    return sequence(machine, node, stdin)
