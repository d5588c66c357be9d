"""Turns command text into a syntax tree and says whether it was read with certainty; pure."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Tree

from . import repair
from .spans import Translation

SHELLS = ("bash", "sh", "zsh", "fish", "powershell")


class Parsed(NamedTuple):
    """The tree, the bytes its offsets point into, and the first place that did not parse."""

    tree: Tree
    source: bytes
    doubt: tuple[int, int] | None


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


_SUBSTITUTION = re.compile(r"\$?\([^(){}]*\)|\\\)")


def _explosive(source: str) -> tuple[int, int] | None:
    """The first `${name/…)`: a closing bracket in a pattern makes zsh's grammar take memory without end."""
    text = source
    for _ in range(3):
        text = _SUBSTITUTION.sub(lambda match: "_" * len(match[0]), text)
    at = text.find("${")
    while at >= 0:
        end, depth, slash = at + 2, 1, False
        while end < len(text) and depth:
            char = text[end]
            depth += (char == "{") - (char == "}")
            slash = slash or char == "/"
            if slash and char == ")":
                return at, end + 1
            end += 1
        at = text.find("${", at + 2)
    return None


def parse(source: str, shell: str = "bash") -> Parsed:
    """Parse bounded text (see `limits`) with the grammar of its shell; fish comes here translated."""
    grammar = shell if shell in ("zsh", "powershell") else "bash"
    explosive = _explosive(source) if grammar == "zsh" and "${" in source and ")" in source else None
    if explosive is not None:
        # Never handed to the grammar as it is; what is left of it is read, and stays in doubt.
        start, end = explosive
        rest = parse(source.replace("${", "__").replace("\x00", " "), shell)
        return Parsed(
            rest.tree,
            rest.source,
            (len(source[:start].encode("utf-8", "replace")), len(source[:end].encode("utf-8", "replace"))),
        )
    data = source.encode("utf-8", "replace")
    tree = Parser(_language(grammar)).parse(data)
    root = tree.root_node
    return Parsed(tree, data, _first_doubt(root) if root.has_error else None)


def read(source: str, shell: str) -> tuple[Parsed, Translation | None]:
    """Parse; what is in doubt is tried again in the forms that the grammar knows, until one is whole."""
    if shell == "zsh" and "foreach " in source:
        made = repair.short_forms(source)
        return parse(made.text, shell), made
    found = parse(source, shell)
    if found.doubt is None or shell not in ("bash", "sh", "zsh"):
        return found, None
    tried = repair.here_strings_first(source) if "<<<" in source else source
    tried = repair.both_ways(tried) if "<>" in tried else tried
    for text in dict.fromkeys((tried, repair.plain_globs(tried, shell))):
        again = parse(text, shell)
        if again.doubt is None:
            return again, None
    if shell == "zsh":
        made = repair.short_forms(tried)
        for text in dict.fromkeys((made.text, repair.plain_globs(made.text, shell))):
            again = parse(text, shell)
            if again.doubt is None:
                return again, made
    return parse(repair.plain_globs(tried, shell), shell), None
