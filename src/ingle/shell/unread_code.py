"""Looks into code of languages that are not read here for what it plainly starts and deletes: literals and paths only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from . import targets
from .limits import MAX_CODE, cut
from .paths import HOME
from .rounds import chosen
from .strangers import tried, tried_code
from .words import Value

if TYPE_CHECKING:
    from .machine import Machine

_LITERAL = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|`([^`]*)`")
_ROW = re.compile(
    r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')(?:[\s,]+(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')){1,30}"
)
# How the home is asked for: Elixir, Julia, R, Swift, Java and its kin, Lisps, Tcl, JavaScript, awk.
_HOME = re.compile(
    r"System\.user_home!?(?:\(\))?|\bhomedir\(\)|\bgetHomeDir\(\)|NSHomeDirectory\(\)|System\.getProperty\([\"']user\.home[\"']\)|"
    r"\(getenv \"HOME\"\)|\$(?:::)?env\(HOME\)|(?:System\.get_env|Sys\.getenv|System\.getenv|Deno\.env\.get|getenv|get_env|env)\([\"']HOME[\"']\)|"
    r"(?:ENV|ENVIRON|process\.env|env)\[[\"']HOME[\"']\]|path\.expand\([\"']~[\"']\)"
)
_STARTS = re.compile(
    r"(?i)\b(?:\w*system\w*|shell\w*|exec\w*|cmd|\w*command\w*|run\w*|spawn\w*|popen\w*|sh|proc\w*|process\w*|call\w*|do\w*script)\b|\.!|%x|\bqx"
)
_DELETES = re.compile(
    r"(?i)(?:\b|_)(?:rm(?:_rf?|dir|tree)?|del_dir(?:_r)?|del(?:ete)?(?:[-_]?(?:tree|dir|directory|recursively|file))?|remove\w*|unlink|rimraf)\b"
)
_PATH = re.compile(r"(?<![\w.:~/<])[~/][\w./~*-]*(?![\w>])")
_STATEMENT = re.compile(r"[;\n]")


def judge_unread(machine: Machine, text: str) -> None:
    """Report what is dangerous beyond doubt in the literals of `text`; what is not is not said to be harmless."""
    if len(text) > MAX_CODE:
        cut(machine, "characters of code")
        return
    for statement in _several(machine, _STATEMENT.split(_HOME.sub(f'"{HOME}"', text))):
        if _STARTS.search(statement) or "`" in statement:
            for code in _several(machine, _codes(statement)):
                tried_code(machine, code)
        if _DELETES.search(_LITERAL.sub("", statement)):
            for path in _several(machine, _paths(statement)):
                _deleted(machine, path)


def _several(machine: Machine, texts: Iterable[str]) -> list[str]:
    """The texts once each, as many as are followed."""
    values = [Value(text) for text in dict.fromkeys(texts)]
    return [value.text for value in chosen(machine, values, "texts in code") if value.known]


def _deleted(machine: Machine, path: str) -> None:
    tried(machine, lambda: targets.delete(machine, Value(path), tree=True))


def _codes(statement: str) -> Iterator[str]:
    """Each literal that could be a command, and rows of them that could be its words."""
    for row in _ROW.findall(statement):
        yield " ".join("".join(parts) for parts in _LITERAL.findall(row))
    for parts in _LITERAL.findall(statement):
        text = "".join(parts)
        if " " in text.strip():
            yield text


def _paths(statement: str) -> Iterator[str]:
    for parts in _LITERAL.findall(statement):
        text = "".join(parts)
        if text[:1] in ("/", "~"):
            yield HOME + text[1:] if text[0] == "~" else text
    for path in _PATH.findall(_LITERAL.sub("", statement)):
        yield HOME + path[1:] if path[0] == "~" else path
