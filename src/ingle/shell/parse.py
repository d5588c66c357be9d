"""Turns command text into a syntax tree and says whether it was read with certainty; pure."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import NamedTuple

from tree_sitter import Language, Node, Parser, Tree

from . import repair
from .limits import MAX_PATIENCE
from .spans import Translation

SHELLS = ("bash", "sh", "zsh", "fish", "powershell")


class Parsed(NamedTuple):
    """The tree, the bytes its offsets point into, and the first place that did not parse.

    `ended` is false where the grammar came to no end: the tree is that of harmless text then, and all is in doubt.
    """

    tree: Tree
    source: bytes
    doubt: tuple[int, int] | None
    ended: bool = True


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


_HARMLESS = bytes.maketrans(b"$`'\"(){}[]<>", b"_" * 12)


_BEYOND_ASCII = re.compile(rb"[\xc0-\xdf].|[\xe0-\xef]..|[\xf0-\xf7]...", re.DOTALL)
_STAND_INS = {2: "¡".encode(), 3: "¡_".encode(), 4: "¡¡".encode()}


def folded(data: bytes) -> bytes:
    """UTF-8 in which every character beyond ASCII is one of Latin-1 that is neither letter, digit nor space, as many bytes long.

    The scanners of tree-sitter-bash 0.25 and -zsh 0.63 hand any character to C's `isdigit` and its kin, which are defined
    up to 255 only: `{` before a character of a high plane ends the process. For bash all of them are parts of words and never
    of names.
    """
    return _BEYOND_ASCII.sub(lambda found: _STAND_INS[len(found[0])], data)


def _tree(data: bytes, grammar: str) -> Tree | None:
    """The syntax tree, or None where the grammar did not come to an end within bounded work."""
    asked = 0

    def stop(_offset: int, _in_error: bool) -> bool:
        nonlocal asked
        asked += 1
        return asked > MAX_PATIENCE

    if grammar != "powershell" and not data.isascii():
        data = folded(data)
    given: list[bytes] = []  # the parser keeps pointers into what it was given, but no reference

    def piece(offset: int, _point: object) -> bytes:
        given.append(data[offset:])
        return given[-1]

    try:
        return Parser(_language(grammar)).parse(piece, progress_callback=stop)
    except ValueError:  # what py-tree-sitter raises when the callback stopped it
        return None


def parse(source: str, shell: str = "bash") -> Parsed:
    """Parse bounded text (see `limits`) with the grammar of its shell; fish comes here translated.

    Text on which the grammar finds no end is in doubt as a whole; it is read with its `${` and brackets made harmless, so
    that what it plainly does is still told.
    """
    grammar = shell if shell in ("zsh", "powershell") else "bash"
    # No command holds a NUL, and zsh's scanner reads past one.
    data = source.replace("\0", " ").encode("utf-8", "replace")
    tree = _tree(data, grammar)
    if tree is not None:
        return Parsed(tree, data, _first_doubt(tree.root_node) if tree.root_node.has_error else None)
    whole = (0, len(data))
    for harmless in (data.replace(b"${", b"__"), data.translate(_HARMLESS), b""):
        tree = _tree(harmless, grammar)
        if tree is not None:
            return Parsed(tree, harmless, whole, ended=False)
    raise AssertionError("empty text parses")


_AS_IT_STANDS = frozenset(("comment", "raw_string", "ansi_c_string"))
_TURNS = 4


def _literal(root: Node) -> list[tuple[int, int]]:
    """Where a backslash before a line end joins nothing: comments, single quotes, here-documents with a quoted end."""
    found, stack = [], [root]
    while stack:
        node = stack.pop()
        starts = [child.text or b"" for child in node.children if child.type == "heredoc_start"]
        quoted = any(mark in start for start in starts for mark in (b"'", b'"', b"\\"))
        for child in node.children:
            if child.type in _AS_IT_STANDS or (quoted and child.type == "heredoc_body"):
                found.append((child.start_byte, child.end_byte))
            else:
                stack.append(child)
    return sorted(found)


def torn(source: str) -> bool:
    """Whether a line end tears a word of bash, or of a shell with the same quotes and comments."""
    if not repair.torn(source):
        return False
    return repair.whole_words(source, _literal(parse(source).tree.root_node)) is not None


def read(source: str, shell: str, turns: int = _TURNS) -> tuple[Parsed, Translation | None]:
    """Parse; what is in doubt is tried again in the forms that the grammar knows, until one is whole.

    Words that a line end tears are made whole first; each of the `turns` may show more of them.
    """
    if shell != "powershell" and repair.torn(source):
        apart = parse(source, shell)
        joined = repair.whole_words(source, _literal(apart.tree.root_node))
        if joined is not None and not turns:
            return apart._replace(doubt=(0, len(apart.source))), None
        if joined is not None:
            found, made = read(joined.text, shell, turns - 1)
            return found, made or joined
    if shell == "zsh" and "foreach " in source:
        made = repair.short_forms(source)
        return parse(made.text, shell), made
    if shell == "zsh" and (opened := repair.brace_commands(source)) is not None:
        return parse(opened.text, shell), opened  # its grammar reads a group there, without doubt
    found = parse(source, shell)
    if found.doubt is None or not found.ended or shell not in ("bash", "sh", "zsh"):
        return found, None
    tried = repair.here_strings_first(source) if "<<<" in source else source
    tried = repair.both_ways(tried) if "<>" in tried else tried
    tried = repair.plain_operands(tried) if "[ " in tried else tried
    for text in dict.fromkeys((tried, repair.plain_globs(tried, shell))):
        again = parse(text, shell)
        if again.doubt is None:
            return again, None
    if shell == "bash" and (opened := repair.brace_commands(tried)) is not None:
        again = parse(opened.text, shell)
        if again.doubt is None:
            return again, opened
    if shell == "zsh":
        made = repair.short_forms(tried)
        for text in dict.fromkeys((made.text, repair.plain_globs(made.text, shell))):
            again = parse(text, shell)
            if again.doubt is None:
                return again, made
    return parse(repair.plain_globs(tried, shell), shell), None
