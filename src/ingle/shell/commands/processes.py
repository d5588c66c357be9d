"""Signals: one process or every process."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..finding import Level
from ..paths import Place
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value, is_wild

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_SESSION = re.compile(
    r"(?i)(?:init|systemd|launchd|loginwindow|windowserver|gnome-shell|gnome-session\S*|plasmashell|kwin\S*|Xorg|Xwayland|sshd|"
    r"auditd|clamd|freshclam|falcon-sensor|falcond|wazuh\S*|ossec\S*|fail2ban\S*|firewalld|osqueryd|rsyslogd|syslogd|systemd-journald|snort|suricata|"
    r"sentinel\S*|mdatp|wdavdaemon|usbguard\S*|apparmor|tccd|XProtect\S*|endpointsecurityd|ufw|crowdsec|aide|"
    r"dbus-daemon|gdm|lightdm|bash|zsh|kernel_task|sddm|NetworkManager|explorer(?:\.exe)?|login|-?u)\Z"
)
_SWEEP = 24
"""Numbers in a row that nobody types: a range that stands for every process."""
_ALL = frozenset(("-1", ".", "", ".*", "*", "^", "0"))


def _kill(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if any(word.text in ("-l", "-L", "--list", "-0") for word in words[:2]) and words[0].text != "--":
        return UNKNOWN
    texts = [word.text for word in words]
    probes = texts[:1] == ["-0"] or texts[:2] == ["-s", "0"]
    operands = words[1:] if texts and re.match(r"-[A-Z0-9]", texts[0]) and len(texts) > 1 else words
    if texts and texts[0] in ("-s", "-n", "--signal"):
        operands = words[2:]
    if sum(word.text.isdigit() for word in operands) >= _SWEEP:
        machine.report(Level.HIGH, "kill", "ends every process whose number it can count to")
    verb = _verb(words)
    for word in operands:
        if word.text == "--":
            continue
        if word.text in ("-1", "0") or word.has(Taint.EVERYTHING) or is_wild(word.text):
            machine.report(
                Level.HIGH,
                "kill",
                "ends every process you own",
            )
        elif word.text == "1":
            machine.report(Level.HIGH, "kill", "signals the first process, which every other depends on")
        elif not probes:
            which = f"the process {word.shown()}" if word.known else "processes that are found when it runs"
            machine.report(Level.MODERATE, "kill", f"{verb} {which}")
    return EMPTY


_PAUSES = frozenset("STOP TSTP TTIN TTOU 19 20".split())
_TELLS = frozenset("HUP USR1 USR2 CONT WINCH CHLD URG 1 10 12 18 28".split())


def _verb(words: list[Value]) -> str:
    """What the signal that is asked for does; most end a process, also one that is not known."""
    texts = [word.text for word in words]
    asked = {text[1:] for text in texts if text[:1] == "-"} | {
        then for first, then in pairwise(texts) if first in ("-s", "--signal", "-n")
    }
    asked |= {text.partition("=")[2] for text in texts if text.startswith("--signal=")}
    names = {name.upper().removeprefix("SIG") for name in asked}
    return "pauses" if names & _PAUSES else "sends a signal to" if names & _TELLS else "ends"


def _pkill(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name == "killall5":
        machine.report(Level.HIGH, "kill", "ends every process of the machine")
        return EMPTY
    takes = frozenset("-u -U -t -g -G -P -s -F --signal --euid --uid -T -r -y -o -n".split()) - {"-o", "-n"}
    if name == "killall":
        takes = frozenset("-u --user -s --signal -o -y -n -t".split())
    arguments = Arguments(words, takes)
    if arguments.any("-l", "--list", "-V") and name == "killall":
        return UNKNOWN
    if name == "pgrep":
        everything = not arguments.rest or arguments.rest[0].text in _ALL
        return Value(HOLE, Taint.EVERYTHING if everything else 0)
    named = [
        word for word in arguments.rest if not re.fullmatch(r"-?[A-Z]+|-\d+", word.text) or word.text == "-1"
    ]
    owner = arguments.any("-u", "-U", "--euid", "--uid", "--user")
    if (owner and not named) or any(word.text in _ALL for word in named) or arguments.any("-v", "--inverse"):
        machine.report(Level.HIGH, "kill", "ends every process of a user")
    elif any(_SESSION.match(word.text) for word in named):
        machine.report(Level.HIGH, "kill", "ends your session or a service the machine depends on")
    elif named or arguments.any("-f", "-t", "-P"):
        machine.report(Level.MODERATE, "kill", f"{_verb(words)} every `{named[0].shown() if named else '…'}`")
    else:
        machine.report(Level.MODERATE, "kill", "ends processes")
    return EMPTY


_EVERYWHERE = (Place.ROOT, Place.HOME, Place.HOMES, Place.SYSTEM)


def _ps(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name == "lsof" and words:
        arguments = Arguments(words, frozenset("-i -p -u -c -a -d -g -s -F".split()) - {"-a", "-F"})
        narrow = arguments.any("-i", "-p", "-c", "-d") or not (
            arguments.rest or arguments.any("-u", "+D", "-t")
        )
        wide = any(targets.place_of(machine, word)[1] in _EVERYWHERE for word in arguments.rest)
        whole = wide or (not narrow and not arguments.rest)
        return Value(HOLE, Taint.EVERYTHING if whole else 0)
    if name == "pidof":
        return Value(HOLE, 0)
    if any(word.text in ("-C", "-p", "--pid") for word in words):
        return Value(HOLE, 0)
    return Value(HOLE, Taint.EVERYTHING)


COMMANDS: dict[str, Command] = {
    "kill": _kill,
    **dict.fromkeys(("pkill", "killall", "pgrep", "killall5", "skill"), _pkill),
    **dict.fromkeys(("ps", "pidof", "lsof"), _ps),
}
