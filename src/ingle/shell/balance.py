"""Says of code in a foreign language whether its quotes and brackets close, and it does not end in the middle; pure.

There is no grammar of these languages here, and where a `/` begins a pattern cannot be told for certain. So the code is read in
several ways, and is broken only where none of them comes to an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_STRINGS = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`"
_DOUBLE = r"\"(?:[^\"\\]|\\.)*\""
_C_STRINGS = _DOUBLE + r"|'(?:[^'\\\n]|\\.)+'"
_SQL_STRINGS = r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|\$(\w*)\$.*?(?:\$\1\$|\Z)"
_TEXTUAL = ("lisp", "tcl", "osascript")  # an apostrophe is no quote there
_COMMENTS = {
    "perl": r"(?<![$\\\w])#[^\n]*",
    "ruby": r"(?<![$\\\w])#(?!\{)[^\n]*",
    "awk": r"#[^\n]*",
    "node": r"//[^\n]*|/\*.*?(?:\*/|\Z)",
    "php": r"//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n\[]*",
    "lua": r"--\[(=*)\[.*?(?:\]\1\]|\Z)|--[^\n]*|\[(=*)\[.*?(?:\]\2\]|\Z)",
    "sql": r"--[^\n]*|/\*.*?(?:\*/|\Z)|\\[^\n]*",
    "c": r"//[^\n]*|/\*.*?(?:\*/|\Z)",
    "lisp": r";[^\n]*|\?\\?.",
    "osascript": r"--[^\n]*|\(\*.*?(?:\*\)|\Z)|#[^\n]*|¬",
    "tcl": r"(?:\A|(?<=[;\n]))\s*#[^\n]*",
}
# A pattern between slashes: where an operand may stand, or behind a word with a blank before it and none after.
_SLASHED = (
    r"(?:\A|(?<=[(,=:\[!&|?{};~\n+])|(?<=[\s(]if)|(?<=nless)|(?<=\band)|(?<=\bor)|(?<=not)|(?<=split)|(?<=grep)|(?<=return)|(?<=when)|(?<=\w(?=\s/\S)))"
    r"\s*/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,80}\])*/"
)
_SIMPLE_SLASHED = _SLASHED.replace(r"\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,80}\])*/", r"\n]|\\.)*/")
_PAIRED = r"\{(?:[^{}\\]|\\.|\{[^{}]*\})*\}|\((?:[^()\\]|\\.|\([^()]*\))*\)|\[(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*\]|<[^<>]*>"
_PERL = (
    rf"(?<![\w$@%&>])(?:s|y|tr)\s*(?:(?:{_PAIRED})\s*(?:{_PAIRED})|(?P<two>[^\w\s=,;)}}\]>])(?:(?!(?P=two))[^\\]|\\.)*(?P=two)(?:(?!(?P=two))[^\\]|\\.)*(?P=two))"
    rf"|(?<![\w$@%&>])(?:m|q[qwrx]?)\s*(?:{_PAIRED}|(?P<one>[^\w\s=,;)}}\]>])(?:(?!(?P=one))[^\\]|\\.)*(?P=one))"
    r"|\$[^\w\s{$(\[]|\$#|<<~?(['\"]?)(?P<here>\w+)(?:['\"]?).*?(?:\n\s*(?P=here)\b|\Z)"
)
_RUBY = (
    rf"(?<!\w)%[qQwWiIrsx]?(?:{_PAIRED}|(?P<bar>[|!/])[^|!/]*(?P=bar))|(?<!\w)\?.(?!\w)"
    r"|<<[~-]?(['\"]?)(?P<here>\w+)(?:['\"]?).*?(?:\n\s*(?P=here)\b|\Z)|\$[^\w\s(\[{]"
)
_OWN = {"perl": _PERL, "ruby": _RUBY}
_READS_SLASHES = frozenset(("perl", "ruby", "awk", "node"))
_OPENERS = {")": "(", "]": "[", "}": "{"}
_UNFINISHED = re.compile(r"(?:(?<![+])\+|[=*&|,]|(?<![\d.])\.|<|[+*/=<>&|]\s*\)|,\s*,)\s*;?\s*\Z")
_OPEN_SLASH = re.compile(r"(?:\A|[(,=:\[!&|?{};~])\s*(?:s|m|y|tr|qr)?/")
_OPEN_EDIT = re.compile(r"(?<![\w$@%&>{])(?:s|tr|qr)/")
_BLOCKS = re.compile(r"\b(function|do|if|repeat)\b|\b(end|until)\b")


def broken(code: str, language: str) -> bool:
    """Whether no way of reading the code closes what it opens."""
    return not any(_closes(text, language) for text in _readings(code, language))


def _readings(code: str, language: str) -> Iterator[str]:
    """The code with its strings, comments and patterns made blank, the likeliest way first."""
    for pattern in _patterns(language):
        yield pattern.sub(" _ ", code)


@cache
def _patterns(language: str) -> tuple[re.Pattern[str], ...]:
    strings = {"sql": _SQL_STRINGS, "c": _C_STRINGS, **dict.fromkeys(_TEXTUAL, _DOUBLE)}.get(
        language, _STRINGS
    )
    slashes = ("|" + _SLASHED, "|" + _SIMPLE_SLASHED, "") if language in _READS_SLASHES else ("",)
    own = dict.fromkeys(("|" + _OWN[language] if language in _OWN else "", ""))
    return tuple(
        re.compile(f"{strings}{special}{slashed}{comment}|\\\\.", re.S)
        for slashed in slashes
        for comment in ("|" + _COMMENTS[language], "")
        for special in own
    )


def _closes(text: str, language: str) -> bool:
    stack: list[str] = []
    for char in re.findall(r"[()\[\]{}\"'`]", text):
        if char in "([{":
            stack.append(char)
        elif char in _OPENERS:
            if not stack or stack.pop() != _OPENERS[char]:
                return False
        elif char == '"' or language not in _TEXTUAL:
            return False
    if language in _READS_SLASHES and _OPEN_SLASH.search(text):
        return False
    if language == "perl" and _OPEN_EDIT.search(text):
        return False
    if language == "lua":
        blocks = [bool(found[1]) for found in _BLOCKS.finditer(text)]
        if blocks.count(True) != blocks.count(False):
            return False
    return not stack and (language in ("sql", "c", *_TEXTUAL) or not _UNFINISHED.search(text))
