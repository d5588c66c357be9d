"""Reads AppleScript: the shell commands in it, and what it makes other programs do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import strangers
from .balance import broken
from .finding import Level
from .scan import ansi
from .words import UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine


_WIPES_HOME = re.compile(
    r"\b(?:delete|move)\s{0,4}\(?\s{0,4}(?:(?:every|all)\s{1,4}(?:items?|files?|folders?)|items|files|folders|(?:entire )?contents)\s{1,4}(?:of|in)\s{0,4}\(?\s{0,4}"
    r"(?:home\b|\(?path to home|folder \"?(?:users|/users)|(?:the )?startup disk|disk )"
)


def analyse_apple(machine: Machine, text: str) -> Value:
    """AppleScript: the shell commands in it, what it tells Finder and System Events, dialogs that ask for secrets."""
    lowered = text.lower()
    if broken(text, "osascript"):
        machine.report(Level.HIGH, "unread", "this AppleScript is not whole: it could not be read")
    for match in re.finditer(r'do shell script\s+(?:\((.*?)\)|"((?:[^"\\]|\\.)*)"|(\w+))', text, re.S):
        code = match.group(2)
        root = "administrator privileges" in lowered
        with machine.setting(root=machine.root or root, privileged=machine.privileged or root):
            if root:
                machine.report(Level.MODERATE, "privilege", "runs with administrator rights")
            if code is not None:
                machine.source(ansi(code), UNKNOWN)
            else:
                machine.report(Level.HIGH, "opaque", "runs a shell command that is not known before it runs")
    if "do script" in lowered and (found := re.search(r'do script\s+"((?:[^"\\]|\\.)*)"', text)):
        machine.source(ansi(found.group(1)), UNKNOWN)
    for keys in re.findall(r'keystroke\s+"((?:[^"\\]|\\.)*)"', text):
        strangers.tried_code(machine, ansi(keys))
    if "hidden answer" in lowered:
        machine.report(Level.HIGH, "deceive", "asks for a password in a dialog that is not the system's")
    rules: tuple[tuple[str, Level, str], ...] = (
        (r"empty (?:the )?trash", Level.HIGH, "empties the trash: what is in it cannot come back"),
        (r"shut ?down|restart|log ?out", Level.HIGH, "turns the machine off or logs you out"),
        (r"\bsleep\b", Level.MODERATE, "puts the machine to sleep"),
        (r"hidden answer|password", Level.HIGH, "asks for a password in a dialog that is not the system's"),
        (r"login item", Level.HIGH, "starts a program at every login"),
        (
            r"delete\s{0,4}\(?\s{0,4}(?:every|all|items|files|folders|contents|entire)\b|erase",
            Level.HIGH,
            "deletes everything of a kind",
        ),
        (r"\bdelete\b|move .* to (?:the )?trash", Level.MODERATE, "deletes what it names"),
        (r"keystroke|key code", Level.MODERATE, "types keys into other programs"),
        (
            r"set (?:the )?clipboard|set volume|\bquit\b|activate|make new|set the|\bset\b.*\bto\b",
            Level.MODERATE,
            "changes a setting or a program's state",
        ),
    )
    if _WIPES_HOME.search(lowered):
        machine.report(Level.CRITICAL, "delete", "deletes your whole home folder or disk, without undo")
    for pattern, level, consequence in rules:
        if re.search(pattern, re.sub(r'do shell script\s+"[^"]*"', "", lowered)):
            if "display notification" in lowered or lowered.startswith(
                ("display ", "say ", "get ", "return ")
            ):
                continue
            machine.report(level, "effect", consequence)
            break
    else:
        if "tell app" in lowered and not re.search(r"\bget\b|count|name of|return|display", lowered):
            machine.report(Level.MODERATE, "effect", "makes another program do something")
    return UNKNOWN
