"""What each kind of statement does with state, input and output: lists, pipes, loops, redirections."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import hooks, redirect
from .evaluate import evaluate
from .finding import Level
from .limits import MAX_EXPANSION, MAX_WORDS, cut
from .meaning import Piece
from .state import Function
from .words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine
from .assignments import assignment, visit_assignments, visit_declaration, visit_unset
from .branches import (
    SKIPPED,
    WORDS,
    join_output,
    visit_branches,
    visit_case,
    visit_for,
    visit_repeat,
    visit_while,
)

_WHOLE_WORD = re.compile(r"[\s;|&(){]\0[\s;|&)}]")
_NUMERIC = re.compile(r"(?:\s|\A\[+ ?)-(?:eq|ne|lt|le|gt|ge|v)\s")
_SWALLOWED = re.compile(rb"[ \t]+-(?=[ \t]*<<)")  # a `-` before a here-document, which the grammar drops
_REDIRECTS = frozenset(("file_redirect", "heredoc_redirect", "herestring_redirect"))


def sequence(
    machine: Machine, node: Node, stdin: Value, last: Callable[[Node], Value] | None = None
) -> Value:
    """Statements one after the other; `&` after one puts it in the background, `last` is how the last one is run."""
    out = EMPTY
    children = node.children
    final = children[-1] if last is not None else None
    conditional = machine.conditional
    for index, child in enumerate(children):
        if not child.is_named:
            if child.type in ("&&", "||"):
                machine.conditional = True
            continue
        if child.type in SKIPPED:
            continue
        after = children[index + 1].type if index + 1 < len(children) else ""
        if after == "&":
            if (machine.endless and not machine.paced) or machine.crowded:
                with machine.at(child):
                    machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")
            with machine.setting(background=True), machine.subshell():
                out = join_output(machine, out, machine.visit(child, stdin))
        elif last is not None and child == final:
            out = join_output(machine, out, last(child))
        else:
            out = join_output(machine, out, machine.visit(child, stdin))
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
    if body is not None and body.type == "terse_for_statement":
        return visit_for(machine, body, stdin, lambda inner: _inside(machine, inner, redirects, stdin))
    if body is None:
        return redirect.apply(machine, body, redirects, stdin)
    return _inside(machine, body, redirects, stdin)


def _inside(machine: Machine, body: Node, redirects: list[Node], stdin: Value) -> Value:
    """What is redirected itself: of a list the last, and the one command of zsh's `for f (*) …` once a round."""
    if body.type == "list":
        return sequence(machine, body, stdin, lambda last: _inside(machine, last, redirects, stdin))
    if body.type == "pipeline":
        return pipe(machine, body, stdin, redirects)
    if body.type != "command":
        return redirect.apply(machine, body, redirects, stdin)
    starts = {child.start_byte for child in redirects}
    late = [
        word
        for child in redirects
        for word in redirect.words_behind(machine, child)
        if word.end_byte not in starts  # in `>&f 0>&1` the grammar takes the number for a word
    ]
    return _command(machine, body, stdin, redirects, late)


def _command(
    machine: Machine, node: Node, stdin: Value, outer: Sequence[Node] = (), late: Sequence[Node] = ()
) -> Value:
    """A simple command; `outer` and `late` are redirections and words that the grammar hung behind it."""
    assignments: list[Node] = []
    sources: list[Node] = []
    redirects: list[Node] = []
    for child in (*node.children, *outer):
        kind = child.type
        if kind in ("variable_assignment", "subscript"):
            assignments.append(child)
        elif kind in _REDIRECTS:
            redirects.append(child)
            if sources and child.start_byte == sources[-1].end_byte and machine.text(sources[-1]).isdigit():
                sources.pop()  # the number of a descriptor, which the grammars take for a word now and then
        elif kind == "ERROR" or (not child.is_named and not sources and kind in ("$", "!")):
            continue
        else:
            sources.append(child)
    sources.extend(late)
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
    if texts == ["}"]:  # what is left of `coproc NAME { …; }`, which the grammar does not know
        return EMPTY
    if _SWALLOWED.match(machine.data, node.end_byte):
        texts.append("-")
    everywhere = machine.state.global_aliases
    if everywhere and not everywhere.keys().isdisjoint(texts):
        machine.state.global_aliases = {}
        try:
            return machine.source(" ".join(everywhere.get(text, text) for text in texts), stdin)
        finally:
            machine.state.global_aliases = everywhere
    pieces = _evaluated(machine, texts)
    if machine.rewritten and machine.depth == 0:
        pieces = _as_given(machine, sources, pieces)
    words = [field for piece in pieces for field in piece.fields]
    before = machine.state.names
    with machine.at(node, pieces):
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
        machine.state.names["_"] = words[-1:]
        return out


def _evaluated(machine: Machine, texts: list[str]) -> list[Piece]:
    """Each word with the fields it becomes; beyond what is followed only what runs inside a word is looked at."""
    pieces: list[Piece] = []
    words, size = MAX_WORDS, MAX_EXPANSION
    for text in texts:
        if words > 0 and size > 0:
            fields = evaluate(text, machine)
            words -= len(fields)
            for field in fields:
                size -= len(field.text)
        else:
            cut(machine, "words in one command")
            fields = [UNKNOWN]
            hooks.substituted(machine, text)
        pieces.append(Piece(text, fields))
    return pieces


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


def _as_given(machine: Machine, sources: list[Node], pieces: list[Piece]) -> list[Piece]:
    """The same pieces in the writing of the person, where what was parsed is a translation."""
    places: list[tuple[int, int]] = []
    for source in sources:
        start = places.pop()[0] if places and source.start_byte == places[-1][1] else source.start_byte
        places.append((start, source.end_byte))
    if len(places) != len(pieces):
        return pieces
    written = [machine.written(*place) for place in places]
    if not all(_WHOLE_WORD.search(f" {machine.given} ".replace(text, "\0", 1)) for text in written):
        return pieces  # the rewriting moved what stands inside a word
    return [Piece(text, piece.fields) for text, piece in zip(written, pieces, strict=True)]


def _function(machine: Machine, node: Node, stdin: Value) -> Value:
    body = node.child_by_field_name("body")
    names = [
        child
        for child in node.children
        if child.type in ("word", "command_name", "variable_name", "simple_variable_name")
    ]
    name_node = node.child_by_field_name("name") or (names[0] if names else None)
    if body is not None and name_node is None:
        return machine.visit(body, stdin)
    if body is not None and name_node is not None:
        name = machine.text(name_node)
        machine.state.functions[name] = Function(body, machine.data)
        if hooks.runs_itself(name):
            with machine.at(node), machine.subshell():
                machine.visit(body, stdin)
    return EMPTY


def _subshell(machine: Machine, node: Node, stdin: Value) -> Value:
    with machine.subshell():
        return sequence(machine, node, stdin)


def _test(machine: Machine, node: Node, stdin: Value) -> Value:
    """A condition changes nothing, but the commands substituted into it run."""
    text = machine.text(node)
    if text[:2] == "((" or _NUMERIC.search(text):
        hooks.arithmetic(machine, text)
    stack = [node]
    while stack:
        here = stack.pop()
        if here.type in ("command_substitution", "process_substitution"):
            evaluate(machine.text(here), machine)
        else:
            stack.extend(here.children)
    return EMPTY


def _compound(machine: Machine, node: Node, stdin: Value) -> Value:
    if node.children and node.children[0].type in ("((", "$(("):
        return _test(machine, node, stdin)
    return sequence(machine, node, stdin)


def _coprocess(machine: Machine, node: Node, stdin: Value) -> Value:
    """zsh's `coproc COMMAND`: the grammar takes the first word of a simple command off it."""
    code = machine.text(node).partition("coproc")[2]
    with machine.at(node), machine.setting(background=True):
        return machine.source(code, stdin)


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
    "variable_assignment": visit_assignments,
    "variable_assignments": visit_assignments,
    "declaration_command": visit_declaration,
    "unset_command": visit_unset,
    "function_definition": _function,
    "if_statement": visit_branches,
    "elif_clause": visit_branches,
    "else_clause": visit_branches,
    "while_statement": visit_while,
    "for_statement": visit_for,
    "terse_for_statement": visit_for,
    "foreach_statement": visit_for,
    "repeat_statement": visit_repeat,
    "select_statement": visit_for,
    "c_style_for_statement": visit_for,
    "case_statement": visit_case,
    "test_command": _test,
    "arithmetic_command": _test,
    "coprocess_statement": _coprocess,
    "comment": _nothing,
    "heredoc_body": _nothing,
}


def visit(machine: Machine, node: Node, stdin: Value) -> Value:
    visitor = _VISITORS.get(node.type)
    if visitor is not None:
        return visitor(machine, node, stdin)
    if node.type in WORDS:
        if "$" in machine.text(node) or "`" in machine.text(node):
            evaluate(machine.text(node), machine)
        return EMPTY
    return sequence(machine, node, stdin)
