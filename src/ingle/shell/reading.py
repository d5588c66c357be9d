"""Reads text of any shell into a tree: translated or repaired where its grammar needs that, with what stays in doubt."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from . import fish
from .parse import parse, read, torn
from .spans import Translation

# PowerShell's grammar takes time by the square of a list without blanks; longer text is written apart first.
_LONG = 1_500


class Reading(NamedTuple):
    """The tree's root, the bytes it points into, where those came from, and the first place that is not certain.

    `whole` is false when a quote, a bracket or a block stays open.
    """

    root: Node
    source: bytes
    translation: Translation | None
    doubt: tuple[int, int] | None
    whole: bool


def read_code(text: str, shell: str) -> Reading:
    """Parse bounded text (see `limits`) of a shell."""
    if shell == "powershell":
        return _powershell(text)
    made = fish.translated(text) if shell == "fish" else None
    if made is not None and torn(text):
        parsed = parse(made.text, shell)
        return Reading(parsed.tree.root_node, parsed.source, made, (0, len(parsed.source)), made.whole)
    parsed, repaired = read(made.text if made is not None else text, shell)
    return Reading(
        parsed.tree.root_node, parsed.source, repaired or made, parsed.doubt, made is None or made.whole
    )


def _powershell(text: str) -> Reading:
    from . import powershell

    if len(text) <= _LONG:
        parsed = parse(text, "powershell")
        if parsed.doubt is None:
            return Reading(parsed.tree.root_node, parsed.source, None, None, True)
    made = powershell.readable(text)
    parsed = parse(made.text, "powershell")
    root = parsed.tree.root_node
    doubt = powershell.doubtful(root, parsed.source) if parsed.doubt and parsed.ended else parsed.doubt
    return Reading(root, parsed.source, made, doubt, made.whole)
