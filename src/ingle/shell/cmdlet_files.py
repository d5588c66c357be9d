"""The cmdlets that list, read, write, move and delete files and registry keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from . import stakes, targets, windows
from .commands.copying import into_folder
from .finding import Level
from .words import EMPTY, HOLE, Taint, Value, is_wild

if TYPE_CHECKING:
    from .machine import Machine
from .cmdlet_words import Given


def remove_item(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    tree = given.has("recurse")
    for value in given.paths(machine, stdin):
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=True, tree=tree),
                "delete",
                "deletes settings of Windows",
            )
        elif not re.match(r"(?i)(?:env|alias|function|variable):", value.text):
            recursed = (
                tree or value.has(Taint.EVERYTHING) or HOLE in given.flags
            )  # parameters that are not known
            targets.delete(machine, windows.path(machine, value), tree=recursed)
    if not given.paths(machine, stdin):
        machine.report(Level.MODERATE, "delete", "deletes what the pipeline names")
    return EMPTY


def list_items(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Get-ChildItem` stands for what is below its path."""
    paths = given.paths(machine, stdin)
    top = paths[0].text if paths else "."
    if re.match(r"(?i)env:", top):
        return Value(HOLE, Taint.SECRET)
    narrowed = given.value("filter", "include") is not None or re.search(r"\*\.\w+$", top)
    pattern = (given.value("filter", "include") or Value("*")).text
    text = (
        top
        if re.search(r"[*?]", top)
        else f"{top.rstrip('/' + chr(92))}\\{pattern if pattern.strip('*.') else '*'}"
    )
    return Value(text, 0 if narrowed else Taint.EVERYTHING if given.has("recurse") else 0)


def write_content(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    content = given.value("value", "inputobject") or (given.rest[1] if len(given.rest) > 1 else stdin)
    named = given.value("path", "literalpath", "filepath")
    for value in [named] if named is not None else given.rest[:1]:
        append = (given.has("append") and "append" in given.flags) or "-addcontent" in given.flags
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=False, tree=False),
                "write",
                "changes settings of Windows",
            )
        elif windows.starts_by_itself(value.text):
            machine.report(Level.HIGH, "persist", "changes what starts with your session")
        else:
            targets.write(machine, windows.path(machine, value), content, append=append)
    return EMPTY


def append_content(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    given.flags.update(("append", "-addcontent"))
    return write_content(machine, given, stdin, blocks)


def clear_content(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    for value in given.paths(machine, stdin):
        targets.write(machine, windows.path(machine, value), EMPTY, verb="empties")
    return EMPTY


def new_item(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    kind = given.value("itemtype", "type")
    for value in given.paths(machine, stdin):
        if windows.is_registry(value.text):
            machine.report(
                windows.registry_level(value.text, deletes=False, tree=False),
                "write",
                "changes settings of Windows",
            )
        elif (
            given.has("force") and "force" in given.flags and (kind is None or "dir" not in kind.text.lower())
        ):
            targets.write(machine, windows.path(machine, value), EMPTY)
    return EMPTY


def copy_item(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    target = given.value("destination") or (given.rest[-1] if len(given.rest) > 1 else None)
    source = given.value("path", "literalpath") or (given.rest[0] if given.rest else stdin)
    taint = source.taint | targets.read(machine, windows.path(machine, source), shows=False)
    if given.value("tosession") is not None:
        machine.report(Level.MODERATE, "send", "copies to another host")
    if target is not None:
        if windows.starts_by_itself(target.text):
            machine.report(Level.HIGH, "persist", "changes what starts with your session")
        name = Value(source.text.replace("\\", "/"), source.taint)
        targets.write(machine, into_folder(machine, name, windows.path(machine, target)), Value(HOLE, taint))
    return EMPTY


def pack(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Compress-Archive`: what was secret stays so inside the archive."""
    target = given.value("destinationpath") or (given.rest[-1] if len(given.rest) > 1 else None)
    named = given.value("path", "literalpath")
    taint = stdin.taint
    for source in [named] if named is not None else given.rest[:1]:
        taint |= source.taint | targets.read(machine, windows.path(machine, source), shows=False)
    if target is not None:
        targets.write(machine, windows.path(machine, target), Value(HOLE, taint & ~Taint.EVERYTHING))
    machine.report(Level.MODERATE, "write", "packs an archive")
    return EMPTY


def send_mail(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Send-MailMessage`: its attachments and its text leave."""
    attached = given.value("attachments")
    for part in re.split(r"[\n,]", attached.text) if attached is not None else ():
        targets.send(
            machine, windows.path(machine, Value(part.strip("\"' "), attached.taint if attached else 0))
        )
    body = given.value("body")
    if stdin.has(Taint.SECRET) or (body is not None and body.has(Taint.SECRET)):
        targets.leak(machine, EMPTY)
    machine.report(Level.MODERATE, "send", "sends mail")
    return EMPTY


def name_item(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    """`Get-Item`, `Resolve-Path`: what stands for the path that they are given."""
    paths = given.paths(machine, stdin)
    return paths[0] if len(paths) == 1 and not is_wild(paths[0].text) else None


def move_item(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    source = given.value("path", "literalpath") or (given.rest[0] if given.rest else stdin)
    place = targets.place_of(machine, windows.path(machine, source))[1]
    if stakes.DELETE.get(place, Level.SAFE) is Level.CRITICAL:
        targets.delete(machine, windows.path(machine, source), tree=True, moved=True)
    copy_item(machine, given, stdin, blocks)
    machine.report(Level.MODERATE, "move", "moves or renames files")
    return EMPTY


def read_content(machine: Machine, given: Given, stdin: Value, blocks: list[Node]) -> Value | None:
    taint = stdin.taint
    for value in given.paths(machine, stdin):
        taint |= targets.read(machine, windows.path(machine, value))
    return Value(HOLE, taint)
