"""Turns command text into a syntax tree and says whether it was read with certainty; pure."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Tree

SHELLS = ("bash", "sh", "zsh", "fish", "powershell")


class Parsed(NamedTuple):
    """The tree, the bytes its offsets point into, and the first place that did not parse."""

    tree: Tree
    source: bytes
    doubt: tuple[int, int] | None


_QUALIFIERS = re.compile(r"((?:(?<=\))|[*?\]][\w./,-]*))(\([^()\s$'\"`;|&<>]+\))")
_EXTENDED = re.compile(r"()([?*+@!]\([^()\s$'\"`;&<>]*\))")
_GRAMMARS = {"zsh": "tree_sitter_zsh", "powershell": "tree_sitter_powershell"}


@cache
def _language(grammar: str) -> Language:
    return Language(import_module(_GRAMMARS.get(grammar, "tree_sitter_bash")).language())


def _first_doubt(node: Node) -> tuple[int, int] | None:
    """The first ERROR or MISSING node below a tree that is known to hold one."""
    stack = [node]
    while stack:
        here = stack.pop()
        if here.is_error or here.is_missing:
            return here.start_byte, here.end_byte
        stack.extend(child for child in reversed(here.children) if child.has_error or child.is_missing)
    return node.start_byte, node.end_byte


def plain_globs(source: str, shell: str) -> str:
    """Glob qualifiers and extended patterns, which the grammars read only in part, as wildcards of the same length."""
    pattern = _QUALIFIERS if shell == "zsh" else _EXTENDED
    return pattern.sub(lambda match: match[1] + "*" * len(match[2]), source)


def parse(source: str, shell: str = "bash") -> Parsed:
    """Parse bounded text (see `limits`) with the grammar of its shell; fish comes here translated."""
    grammar = shell if shell in ("zsh", "powershell") else "bash"
    data = source.encode("utf-8", "replace")
    tree = Parser(_language(grammar)).parse(data)
    root = tree.root_node
    return Parsed(tree, data, _first_doubt(root) if root.has_error else None)
