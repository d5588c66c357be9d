"""Where input comes from and output goes: files, descriptors, here-documents, sockets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tree_sitter import Node

from . import branches, statements, targets
from .evaluate import inside_double, one
from .finding import Level
from .meaning import Piece
from .paths import Place
from .sql import looks_destructive
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine


class Output(NamedTuple):
    """Where one stream goes: the target, the word it is written as, and which descriptor (empty for 1)."""

    target: Value
    written: Piece
    append: bool
    descriptor: str


_LOCAL = ("/dev/tcp/localhost/", "/dev/tcp/127.", "/dev/udp/localhost/", "/dev/udp/127.")
_SILENT = re.compile(r"\s*(?::|true)\s*(?:\Z|[<>])")
_FOLLOWS = re.compile(r"tail\s+(?:-[a-zA-Z0-9]*[fF]|--follow)")
_OUTPUT = frozenset((">", ">>", ">|", "&>", "&>>", ">!", ">>|", "&>|", "<>", "&>!", ">>!", ">&", ">&|"))


def _operator(node: Node) -> str:
    for child in node.children:
        if not child.is_named and child.type.strip("&<>|!-") == "":
            return child.type
    return ""


def _descriptor(machine: Machine, node: Node) -> str:
    for child in node.children:
        if child.type == "file_descriptor":
            return machine.text(child)
    before = machine.data[max(node.start_byte - 1, 0) : node.start_byte].decode("ascii", "replace")
    return before if before.isdigit() else ""


def words_behind(machine: Machine, node: Node) -> list[Node]:
    """The words after a redirection's own: they belong to the command (`rm >log -rf x`)."""
    if node.type == "heredoc_redirect":
        return node.children_by_field_name("argument")
    named = node.children_by_field_name("destination")
    return named[2 if len(named) > 1 and machine.text(named[0]) == "!" else 1 :]


def _here_document(machine: Machine, node: Node) -> tuple[Value, list[Node]]:
    """The text of a here-document, and the statements the grammar hangs below it."""
    start, body, hanging = "", "", []
    for child in node.children:
        if child.type == "heredoc_start":
            start = machine.text(child)
        elif child.type == "heredoc_body":
            body = machine.text(child)
        elif child.is_named and child.type not in ("heredoc_end", "file_descriptor", "comment"):
            hanging.append(child)
    if any(child.type == "<<-" for child in node.children):
        body = "\n".join(line.lstrip("\t") for line in body.split("\n"))
    quoted = any(mark in start for mark in "'\"\\")
    return (Value(body) if quoted else inside_double(body, machine)), hanging


def apply(
    machine: Machine,
    body: Node | None,
    redirects: list[Node],
    stdin: Value,
    sources: list[Node] | None = None,
    assignments: list[Node] | None = None,
) -> Value:
    """Run `body` with its redirections; `sources` when it is a simple command already taken apart."""
    hanging: list[Node] = []
    outputs: list[Output] = []
    before = stdin
    for node in redirects:
        if node.type == "herestring_redirect":
            words = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
            found = one(machine.text(words[-1]), machine) if words else EMPTY
            stdin = Value(found.text + "\n", found.taint)
        elif node.type == "heredoc_redirect":
            stdin, extra = _here_document(machine, node)
            outputs.extend(
                output for item in extra if item.type == "file_redirect" for output in _output(machine, item)
            )
            hanging.extend(item for item in extra if item.type != "file_redirect")
        else:
            stdin = _file(machine, node, stdin, outputs)
    if stdin is not before and sources and [machine.text(source) for source in sources] == ["exec"]:
        machine.state.input = stdin  # `exec < file`: what follows reads it
    out = _run(machine, body, stdin, sources, assignments)
    for output in outputs:
        errors = output.descriptor == "2"
        with machine.at(body if body is not None else redirects[0], [Piece("", ()), output.written]):
            _written(machine, output, EMPTY if errors else out, body)
        out = out if errors else EMPTY
    for node in hanging:
        if node.type == "pipeline":
            out = statements.pipe(machine, node, out, [])
        elif not branches.is_word(node):
            out = machine.visit(node, out)
    return out


def _run(
    machine: Machine,
    body: Node | None,
    stdin: Value,
    sources: list[Node] | None,
    assignments: list[Node] | None,
) -> Value:
    if body is None:
        return EMPTY
    if sources is not None:
        return statements.simple(machine, body, sources, assignments or [], stdin)
    return machine.visit(body, stdin)


def _output(machine: Machine, node: Node) -> list[Output]:
    found: list[Output] = []
    _file(machine, node, EMPTY, found)
    return found


def _file(machine: Machine, node: Node, stdin: Value, outputs: list[Output]) -> Value:
    """One `<file`, `>file`, `n>&m`; gives the input, and adds to the outputs."""
    operator = _operator(node)
    named = node.children_by_field_name("destination")
    destination = next((child for child in named if machine.text(child) != "!"), None)
    if destination is None:
        named = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
        destination = named[-1] if named else None
    if destination is None:
        return stdin
    target = one(machine.text(destination), machine)
    written = Piece(machine.text(destination), [target])
    if machine.endless and not machine.paced and "$" in machine.text(destination) and operator in _OUTPUT:
        machine.report(Level.HIGH, "exhaust", "makes files in a loop that never ends")
    descriptor = _descriptor(machine, node)
    streams = machine.state.streams
    if operator in (">&", "<&") and (target.text.rstrip("-").isdigit() or target.text == "-"):
        linked = streams.get(target.text)
        if linked is None:
            return stdin
        target = Value(linked)
        operator = ">" if operator == ">&" else "<"
    if (descriptor.isdigit() and int(descriptor) > 2) or any(child.is_error for child in node.children):
        streams[descriptor or "3"] = target.text
    if operator == ">>" and descriptor == "0":
        operator = "<>"  # `0<>` in the form that the grammar reads
    if operator in ("<", "<&", "<>") and not any(child.is_error for child in node.children):
        return _input(machine, target)
    if operator in _OUTPUT or not operator:
        outputs.append(Output(target, written, ">>" in operator, descriptor))
    return stdin


def _input(machine: Machine, target: Value) -> Value:
    path, _ = targets.place_of(machine, target)
    if path == "/dev/null":
        return Value("", Taint.FILE)
    made = machine.state.files.get(path)
    if made is not None:
        return made
    taint = targets.read(machine, target)
    return Value(
        HOLE, taint & ~Taint.FILE if target.text == HOLE else taint
    )  # a file that nothing is known of


def _follows(machine: Machine, body: Node, path: str) -> bool:
    """Whether a command is a `tail -f` of this file."""
    text = machine.text(body)
    return _FOLLOWS.match(text) is not None and any(
        targets.place_of(machine, one(word, machine))[0] == path for word in text.split()[2:]
    )


def _written(machine: Machine, output: Output, out: Value, body: Node | None) -> None:
    target = output.target
    path, place = targets.place_of(machine, target)
    if place is Place.SOCKET:
        if out.has(Taint.SECRET):
            targets.leak(machine, out)
        elif out.has(Taint.INTERACTIVE):
            machine.report(
                Level.CRITICAL, "backdoor", "gives another host an interactive shell on this machine"
            )
        elif looks_destructive(out.text):
            machine.report(Level.HIGH, "database", "empties or stops a service through its own protocol")
        elif out.text.strip(" \n") and not path.startswith(_LOCAL):
            machine.report(Level.MODERATE, "send", "sends data over a raw connection to another host")
        return
    inner = machine.state.files.get(path)
    if inner is not None and inner.has(Taint.QUOTED):
        machine.source(inner.text, out)
        return
    if body is not None and out == EMPTY and output.descriptor != "2":
        out = EMPTY if _SILENT.match(machine.text(body)) else UNKNOWN
    if output.append and body is not None and _follows(machine, body, path):
        machine.report(Level.HIGH, "exhaust", "appends to the file that it follows, until the disk is full")
    targets.write(machine, target, out, append=output.append)
