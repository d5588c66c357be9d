"""Jobs that run later, without anybody there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_text, weigh
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _crontab(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-u",)))
    if arguments.any("-l", "-V", "-T"):
        return Value(HOLE, 0)
    if arguments.any("-r"):
        machine.report(Level.HIGH, "delete", "deletes every scheduled job of the user")
    elif arguments.any("-e") and not arguments.rest:
        machine.report(Level.MODERATE, "persist", "edits scheduled jobs")
    else:
        machine.report(Level.HIGH, "persist", "replaces the jobs that run on a schedule, without you")
        made = (
            stdin
            if not arguments.rest or arguments.rest[0].text == "-"
            else machine.state.files.get(targets.place_of(machine, arguments.rest[0])[0], EMPTY)
        )
        for code in (made, *arguments.rest):
            if code.has(Taint.NETWORK):
                weigh(machine, code)
        for line in made.text.splitlines():
            found = re.match(r"\s*(?:@\w+|(?:\S+\s+){5})\s*(.+)", line)
            if found and not line.lstrip().startswith("#") and HOLE not in line[:1]:
                machine.source(found[1], UNKNOWN)
    return EMPTY


def _at(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name in ("atq",) or any(word.text in ("-l", "-c") for word in words):
        return UNKNOWN
    if name == "atrm" or any(word.text in ("-r", "-d") for word in words):
        machine.report(Level.MODERATE, "delete", "deletes a job that waits")
        return EMPTY
    if stdin.text:
        run_text(machine, stdin, "bash", [])
        machine.report(Level.HIGH, "persist", "runs later, without you")
    else:
        machine.report(
            Level.HIGH if any(word.text == "-f" for word in words) else Level.MODERATE,
            "persist",
            "runs a script later, without you",
        )
    return EMPTY


COMMANDS: dict[str, Command] = {
    "crontab": _crontab,
    **dict.fromkeys(("at", "batch", "atq", "atrm"), _at),
}
