"""Writes what a shell accepts and its grammar does not in the form that both read; pure.

Only text that did not parse comes here. Every rewriting keeps the meaning; `Translation` keeps the places.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from .scan import brace_words, end_of_bracket
from .spans import Translation
from .words import HOLE

_QUALIFIERS = re.compile(r"((?:(?<=\))|[*?\]][\w./,-]*))(\([^()\s$'\"`;|&<>]+\))")
_EXTENDED = re.compile(r"()([?*+@!]\([^()\s$'\"`;&<>]*\))")
_COMPARED = re.compile(r"((?:==?|!=)\s+)([^\s'\"\]]*\([^()\s'\"]*\)[^\s'\"\]]*)(?=\s)")
_WORD = r"(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|[^\s'\"<>|&;()])+"
# `> file <<< word`: the grammar wants the here-string first. Both halves keep their length together.
_REDIRECT = rf"(?:\d?>>?|&>>?|>\||\d?>&)\s*{_WORD}"
_HERE_STRING = re.compile(rf"({_REDIRECT}(?:\s+{_REDIRECT}){{0,3}})(\s+)(<<<\s*{_WORD})")
_BRACED = re.compile(r"(?:(?<=\A)|(?<=[;\n&|(]))([ \t]*)(\{[^\s;|&(){}`]*,[^\s;|&(){}`]*\})(?=[\s;|&)]|\Z)")
_BOTH_WAYS = re.compile(r"<>(?=\s*[^\s|;&)])")
_START = r"(?:(?<=\A)|(?<=[;\n&|({])|(?<=\bdo)|(?<=\bthen)|(?<=\belse))(\s*)"
_FOR = re.compile(
    rf"{_START}((?:for|select)\s+\w+\s+in\s[^;\n]*?)(\s*;?\s*)\{{(?=\s)|"
    rf"{_START}(for\s*\(\([^\n]*?\)\))(\s*;?\s*)\{{(?=\s)"
)
_FOR_ONE = re.compile(
    rf"{_START}((?:for|select)\s+\w+\s+in\s[^;\n(){{}}]*?)(\s*[;\n])(?!\s*(?:do\b|\{{))((?:\$\{{[^{{}}]*\}}|[^;\n&{{}}])+)"
)
_WHILE = re.compile(rf"{_START}((?:while|until)\s[^;\n]*?(?:\]\]|\)\)|\]|true|:))(\s*;?\s*)\{{(?=\s)")
_IF = re.compile(rf"{_START}(if\s[^;\n]*?(?:\]\]|\)\)|\]|true|\w))(\s*;?\s*)\{{(?=\s)")
_ELIF = re.compile(r"\s*(elif\s[^;\n]*?(?:\]\]|\)\)|\]|\w))\s*\{(?=\s)")
_ELSE = re.compile(r"\s*else\s*\{(?=\s)")
_FOREACH = re.compile(rf"{_START}foreach\s+(\w+)\s*\(([^)]*)\)\s*;?(.*?)[;\n]\s*end\b", re.S)
_ANONYMOUS = re.compile(rf"{_START}(?:\(\)|function(?:\s*\(\))?)\s*\{{(?=\s)")
_CASE = re.compile(rf"{_START}(case\s+\S+)\s*\{{(?=\s)")
# Only where a command begins, and never across a substitution: what stands there is run, not tested.
_TEST = re.compile(
    r"(?:(?<=\A)|(?<=[;\n&|({!])|(?<=\bif)|(?<=\bwhile)|(?<=\buntil)|(?<=\belif)|(?<=\bthen)|(?<=\bdo)|(?<=\belse))\s*"
    r"(?:\[\s[^;&|\n()`<>]*?\s\]|\[\[\s[^;\n()`<>]*?\s\]\])(?=[\s;&|)}]|\Z)"
)
_OPERAND = re.compile(r"(?<=\s)(?:[/~*?^%+-]|\[[^\s\[\]$'\"\\]*\])(?=\s)")


def plain_operands(source: str) -> str:
    """Operands of `[ ]` and `[[ ]]` that the grammar takes for operators, as words of the same length: a test only looks."""
    return _TEST.sub(lambda test: _OPERAND.sub(lambda word: "x" * len(word[0]), test[0]), source)


def plain_globs(source: str, shell: str) -> str:
    """Glob qualifiers and extended patterns, which the grammars read only in part, as wildcards of the same length."""
    if shell == "zsh" and "[[" in source:
        source = _COMPARED.sub(lambda match: match[1] + re.sub(r"[()|]", "*", match[2]), source)
    pattern = _QUALIFIERS if shell == "zsh" else _EXTENDED
    return pattern.sub(lambda match: match[1] + "*" * len(match[2]), source)


def both_ways(source: str) -> str:
    """`<>` opens for reading and writing; the grammar knows `>>`, which does not cut the file off either."""
    return _BOTH_WAYS.sub(lambda match: match[0].replace("<>", ">>"), source)


def here_strings_first(source: str) -> str:
    return _HERE_STRING.sub(lambda match: match[3] + match[2] + match[1], source)


_TORN = re.compile(r"(?<=[^\s\\])((?:\\\\)*)(?:\\\n)+(?=\S)")


def torn(source: str) -> bool:
    """Whether a line ends inside a word, where the grammars see two words and the shell one."""
    return "\\\n" in source and _TORN.search(source) is not None


def whole_words(source: str, spared: list[tuple[int, int]]) -> Translation | None:
    """The same with those line ends taken out that stand outside `spared`, sorted places in its UTF-8; None without one."""
    edits, last, byte = _Edits(source), 0, 0
    for match in _TORN.finditer(source):
        byte += len(source[last : match.end(1)].encode("utf-8", "replace"))
        last = match.end(1)
        at = bisect_right(spared, (byte, len(source) * 4)) - 1
        if at < 0 or byte >= spared[at][1]:
            edits.replace(last, match.end(), "")
    return edits.done() if edits.made else None


class _Edits:
    """Replacements by place in the source, applied all at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.made: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, text: str) -> None:
        self.made.append((start, end, text))

    def done(self) -> Translation:
        text, here, there, at = "", [0], [0], 0
        for start, end, new in sorted(self.made):
            if start < at:
                continue
            text += self.source[at:start]
            here.append(len(text))
            there.append(start)
            text += new
            here.append(len(text))
            there.append(end)
            at = end
        return Translation(text + self.source[at:], here, there)


def brace_commands(source: str) -> Translation | None:
    """`{rm,-rf,x}` where a command begins, which the grammars take for a group, as the words it becomes; None without one."""
    edits = _Edits(source)
    for match in _BRACED.finditer(source):
        words, whole = brace_words(match[2])
        edits.replace(match.start(2), match.end(2), " ".join(words if whole else [HOLE, *words]))
    return edits.done() if edits.made else None


def _block(edits: _Edits, opening: int, start: int, words: tuple[str, str]) -> int:
    """Turn `{ … }` whose brace is at `opening` into `words`; gives the index after it, or -1."""
    close = end_of_bracket(edits.source, opening)
    if close >= len(edits.source):
        return -1
    edits.replace(start, opening + 1, words[0])
    edits.replace(close, close + 1, words[1])
    return close + 1


def _condition(edits: _Edits, match: re.Match[str]) -> None:
    """`if … { } elif … { } else { }`."""
    source, start, opening, word = edits.source, match.end(2), match.end() - 1, "; then "
    while True:
        close = end_of_bracket(source, opening)
        if close >= len(source):
            return
        edits.replace(start, opening + 1, word)
        following = _ELIF.match(source, close + 1) or _ELSE.match(source, close + 1)
        if following is None:
            edits.replace(close, close + 1, "; fi")
            return
        edits.replace(close, close + 1, "; ")
        opening = following.end() - 1
        start, word = (following.end(1), "; then ") if following.re is _ELIF else (opening, "")


def short_forms(source: str) -> Translation:
    """zsh's loops, conditions and functions with braces, as the long form says them."""
    edits = _Edits(source)
    for match in _FOR.finditer(source):
        _block(edits, match.end() - 1, match.end(2) if match[2] else match.end(5), ("; do ", "; done"))
    for match in _FOR_ONE.finditer(source):
        edits.replace(match.end(2), match.start(4), "; do ")
        edits.replace(match.end(4), match.end(4), "; done")
    for match in _WHILE.finditer(source):
        _block(edits, match.end() - 1, match.end(2), ("; do ", "; done"))
    for match in _IF.finditer(source):
        _condition(edits, match)
    for match in _FOREACH.finditer(source):
        edits.replace(match.end(1), match.start(4), f"for {match[2]} in {match[3]}; do ")
        edits.replace(match.end(4), match.end(), "; done")
    for match in _CASE.finditer(source):
        _block(edits, match.end() - 1, match.end(2), (" in ", " esac"))
    for number, match in enumerate(_ANONYMOUS.finditer(source)):
        _block(
            edits, match.end() - 1, match.end(1), (f"_anonymous{number}() {{ ", f"; }}; _anonymous{number} ")
        )
    return edits.done()
