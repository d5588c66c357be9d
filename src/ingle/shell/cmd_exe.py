"""The few verbs of cmd.exe that matter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import targets, windows
from .finding import Level
from .words import HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine


def cmd(machine: Machine, words: list[Value]) -> Value:
    """`cmd /c …`: the few verbs of cmd.exe that matter."""
    texts = [word.text for word in words]
    at = next((i for i, text in enumerate(texts) if text.lower() in ("/c", "/k", "/s", "/r")), None)
    if at is None:
        return UNKNOWN
    for part in re.split(r"&&?|\|\|?", " ".join(texts[at + 1 :])):
        cmd_line(machine, part.strip().strip('"'))
    return UNKNOWN


def copied(machine: Machine, plain: list[Value]) -> None:
    """A copy from the first operand to the second: what was secret stays so where it lands."""
    if not plain:
        return
    taint = targets.read(machine, windows.path(machine, plain[0]), shows=False)
    targets.write(machine, windows.path(machine, plain[min(1, len(plain) - 1)]), Value(HOLE, taint))


def cmd_line(machine: Machine, line: str) -> None:
    words = [Value(a or b) for a, b in re.findall(r'"([^"]*)"|(\S+)', line)]
    if not words:
        return
    if HOLE in words[0].text:
        machine.report(Level.HIGH, "opaque", "the name of the command is not known before it runs")
        return
    verb, rest = words[0].text.lower(), words[1:]
    plain = [word for word in rest if not re.match(r"/[a-z]", word.text, re.I)]
    switches = {word.text.lower() for word in rest if re.match(r"/[a-z]", word.text, re.I)}
    if verb in ("rd", "rmdir", "del", "erase"):
        for word in plain:
            targets.delete(machine, windows.path(machine, word), tree="/s" in switches)
    elif verb in ("copy", "move", "xcopy", "robocopy", "ren", "rename", "mklink"):
        copied(machine, plain)
    elif verb in (
        "dir",
        "type",
        "echo",
        "cd",
        "set",
        "ver",
        "vol",
        "path",
        "title",
        "cls",
        "rem",
        "mkdir",
        "md",
        "where",
        "more",
        "findstr",
        "find",
    ):
        return
    elif verb in ("start", "call"):
        cmd_line(machine, line.partition(" ")[2].strip())
    elif verb == "for":
        machine.report(Level.MODERATE, "execute", "runs a command for each of a list")
        cmd_line(machine, line.partition(" do ")[2].strip(" ("))
    else:
        machine.cmdlet(verb, rest)
