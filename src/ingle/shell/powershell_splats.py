"""Tables that PowerShell hands to a command as its parameters: `$p=@{Path='C:\\'}; Remove-Item @p`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from .words import EMPTY, HOLE, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_ONE = re.compile(r"\$\{?(?:\w+:)?(\w+)\}?(?:\.(\w+)|\[\s*['\"](\w+)['\"]\s*\])\Z")
_NAME = re.compile(r"@(?:\w+:)?(\w+)\Z")


def _find(node: Node, kind: str) -> Node | None:
    """The node of a kind that is all there is below `node`."""
    while node.type != kind:
        named = [child for child in node.children if child.is_named]
        if len(named) != 1:
            return None
        node = named[0]
    return node


def remember(machine: Machine, left: Node, value: Node, found: Value) -> None:
    """What an assignment puts into a table: all of it (`$p=@{…}`), or one entry (`$p.Path='x'`, `$p['Path']='x'`)."""
    splats = machine.state.splats
    name = machine.text(left)
    one = _ONE.match(name)
    if one is not None:
        table = dict(splats.get(one[1].lower(), {}))
        table[(one[2] or one[3]).lower()] = _entry(value, found)
        splats[one[1].lower()] = table
        return
    key = name.lower().lstrip("${[").rpartition(":")[2].rstrip("}")
    literal = _find(value, "hash_literal_expression")
    splats.pop(key, None)
    if literal is not None:
        splats[key] = dict(_entries(machine, literal))


def _entry(value: Node, found: Value) -> Value | Node:
    return _find(value, "script_block") or found


def _entries(machine: Machine, literal: Node) -> list[tuple[str, Value | Node]]:
    entries: list[tuple[str, Value | Node]] = []
    stack = [literal]
    while stack:
        here = stack.pop()
        if here.type != "hash_entry":
            stack.extend(reversed(here.children))
            continue
        key = next((child for child in here.children if child.type == "key_expression"), None)
        value = next((child for child in here.children if child.type in ("pipeline", "statement")), None)
        if key is not None:
            block = _find(value, "script_block") if value is not None else None
            held = block or (machine.statement(value) if value is not None else EMPTY)
            entries.append((machine.text(key).strip("\"' ").lower(), held))
    return entries


def splatted(machine: Machine, text: str, words: list[Value], blocks: list[Node]) -> bool:
    """Add what `@name` stands for to a command's words; whether it is such a word at all."""
    match = _NAME.match(text.strip())
    if match is None:
        return False
    name = match[1].lower()
    table = machine.state.splats.get(name)
    if table is None:
        words.extend(machine.state.names.get(name) or [Value(HOLE), Value(f"-{HOLE}:", Taint.PARAMETER)])
        return True
    for key, held in table.items():
        if isinstance(held, Node):
            blocks.append(held)
        else:
            words.append(Value(f"-{key}:{held.text}", held.taint | Taint.PARAMETER))
    return True
