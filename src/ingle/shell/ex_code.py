"""Reads the commands of vi and ed: what they hand to the shell, delete, write and run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import targets
from .code import run_hidden, run_text, weigh
from .finding import Level
from .words import HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine

# A command that writes the file that is open.
WRITES = re.compile(r"(?:\A|\||\n)\s*:?(?:w|wq|x|up|update)!?\s*(?:\Z|\||\n)")
_SHELL = re.compile(
    r"\s*:?(?:silent!? ?|%|\d*,?\d*|\.)?(?:(?:r(?:ead)? ?|w(?:rite)? ?)?!|(?:py|lua|ruby|perl|call|echo|let|te))"
)
_BANG = re.compile(r"(?:silent!? ?|sil!? )?(?:%|\d*|r(?:ead)? ?|w(?:rite)? ?)?!+\s*(.+)")
_DELETE = re.compile(
    r"(?:call |echo |silent! )?delete\(((?:[^()'\"]|\([^()]*\)|'[^']*'|\"[^\"]*\")*?)(?:,\s*['\"](\w*)['\"]\s*)?\)"
)
_SYSTEM = re.compile(
    r"(?:call |echo |let \w+ ?= ?)?(?:system|systemlist|jobstart|termopen|job_start)\((['\"])(.*)\1"
)
# What runs the text behind it, so that a part that is not known is code.
_RUNS = re.compile(
    rf"(?:exe(?:c(?:ute)?)?|norm(?:al)?!?|so(?:urce)?!?|runtime!?|luafile|pyfile|py3file|call|eval)\b[ \"']*{HOLE}|\bf?eedkeys\(['\"]?{HOLE}"
    rf"|\b(?:system|systemlist|execute|eval|jobstart|termopen)\(['\"]?{HOLE}"
)
_ITEM = re.compile(r"(?:expand\(\s*)?(?:'([^']*)'|\"([^\"]*)\")\s*\)?|\$(\w+)|([^\s.'\"$()]+)")


def judge_ex(machine: Machine, code: str) -> None:
    """Report what the lines do; that they are known at all is weighed before."""
    for line in _lines(code):
        _judge_line(machine, line.strip().lstrip(":"))


def _lines(text: str) -> list[str]:
    """The commands of an editor's line; what follows `!` is the shell's, with its bars."""
    found: list[str] = []
    for line in text.split("\n"):
        found.extend([line] if _SHELL.match(line) else re.split(r"(?<!\\)\|(?![|])", line))
    return found


def _judge_line(machine: Machine, text: str) -> None:
    if _RUNS.search(text) or (text == HOLE):
        weigh(machine, UNKNOWN, inline=True)
    if shell := _BANG.match(text):
        run_hidden(machine, shell[1], "an editor's command")
    elif found := _DELETE.match(text):
        targets.delete(machine, _path(machine, found[1]), tree=found[2] == "rf")
    elif re.match(r"so(?:urce)?!? +(?:https?|ftp|scp|sftp|rsync)://", text):
        machine.report(Level.HIGH, "remote code", "runs a script straight from an address")
    elif found := _SYSTEM.match(text):
        machine.source(found[2], UNKNOWN)
    elif re.match(r"(?:py(?:thon)?3?|pyx|lua|ruby|perl)\b", text):
        _foreign(machine, *text.partition(" ")[::2])
    elif re.match(r"(?:terminal|term|te)\b ?(.+)", text):
        machine.source(text.partition(" ")[2].lstrip("+ "), UNKNOWN)
    elif re.match(r"(?:w|wq|x|wa|wqa|write|sav|saveas)\b!? ?(\S*)", text) and len(text.split()) > 1:
        targets.write(machine, Value(text.split()[1]), UNKNOWN)
    elif re.match(r"(?:x|w|wq|wa|wqa|xa)!?\Z", text):
        machine.report(Level.MODERATE, "write", "edits the named file")
    elif re.match(r"(?:sh|shell)\b", text) and machine.root:
        machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")


def _foreign(machine: Machine, word: str, body: str) -> None:
    language = "python" if word.startswith("py") else word
    run_text(machine, Value(body), language, [], inline=True)


def _path(machine: Machine, expression: str) -> Value:
    """`$HOME . "/x"`, `expand("~/x")`, `"a"` as the path it is; what else there is, is not known."""
    text = ""
    for single, double, name, other in _ITEM.findall(expression):
        text += single or double or (machine.lookup(name).text if name else HOLE if other else "")
    return Value(re.sub(r"\A(?:~|\$HOME)(?=/|\Z)", machine.home(""), text) or HOLE)
