"""Macro languages and calculators that can start programs: m4, dc, gnuplot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec
from ..arguments import Arguments
from ..code import run_file, weigh
from ..words import HOLE, UNKNOWN, Taint, Value
from .output import content

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

# What each of them calls a shell command, up to the end of the command.
_ESCAPES = {
    "m4": re.compile(r"\be?syscmd\((?:[`'\"\[]*)([^()`'\"\]]*)"),
    "dc": re.compile(r"!(?![<>=])([^\n]+)"),
    "gnuplot": re.compile(
        r"""(?m)\b(?:system|popen)\s{0,8}\(?\s{0,8}["']([^"']*)|^[ \t]{0,40}!(.+)|["']<([^"']+)["']"""
    ),
}
_TAKES = frozenset("-e -f -D -I -U -E -o --expression --file --define --include".split())


def _macros(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Text in options, files and the input; what it hands to the shell is read as that."""
    language = "m4" if name == "gm4" else name
    arguments = Arguments(words, _TAKES)
    if arguments.any("--version", "--help", "-V"):
        return UNKNOWN
    codes = arguments.each("-e", "--expression", "-D", "--define")
    files = [*arguments.rest, *arguments.each("-f", "--file")]
    for file in files:
        if file.text in ("-", "/dev/stdin"):
            codes = [*codes, stdin]
            continue
        held = content(machine, file)
        codes.append(held)
        if not held.known:
            run_file(machine, file, "other", [], stdin)
    if not files:
        codes = [*codes, stdin]
    fed = not files or any(file.text in ("-", "/dev/stdin") for file in files)
    for code in [*arguments.each("-e", "--expression"), *([stdin] if fed else [])]:
        weigh(machine, code, inline=bool(code.text.strip(HOLE + " \n")))
    for code in codes:
        for groups in _ESCAPES[language].findall(code.text):
            inner = groups if isinstance(groups, str) else "".join(groups)
            if inner.strip():
                machine.source(inner.strip(), UNKNOWN)
    entry = spec.find(name)
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, stdin.taint & ~Taint.ENDLESS)


COMMANDS: dict[str, Command] = dict.fromkeys(("m4", "gm4", "dc", "gnuplot"), _macros)
