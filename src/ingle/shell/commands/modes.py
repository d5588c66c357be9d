"""Permissions and owners: who may read, write and run what, and how far it reaches."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import paths, targets
from ..arguments import Arguments
from ..finding import Level
from ..limits import MAX_MODE, cut
from ..paths import Place
from ..secret_paths import is_hashes, is_secret
from ..words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_GRAVE = frozenset((Place.ROOT, Place.SYSTEM, Place.SYSTEM_KEY, Place.DEVICE, Place.HOMES))
_WIDE = frozenset(
    (Place.HOME, Place.PARENT, Place.MOUNT, Place.OTHER_HOME, Place.WHOLE_OTHER_HOME, Place.BACKUP, Place.LOG)
)
_ALL_HERE = (Place.WORKING, Place.OPEN, Place.REPOSITORY, Place.HOME_TOP)
# One entry of macOS's access lists: whom it lets write.
_ENTRY = re.compile(
    r"(?:group:)?(?:everyone|_?www|nobody|staff|guest)\s{1,4}allow\b.{0,300}\b(?:write|delete|append|chown|add_\w+|writesecurity)",
    re.I,
)
_OPEN_TO_ALL = re.compile(
    r"[0-7]?[0-7]{2}[2367]\Z|[0-7]{3}[2367]\Z|[ugo]*[oa][ugo]*[+=][rxXst]*w|[+=][rxX]*w.*a|\+w\+?\Z.*777"
)
_READABLE = re.compile(r"0?[0-7]{2}[4-7]\Z|[ug]*[oa][ugo]*[+=][wxX]*r")
_SETUID = re.compile(r"[4-7][0-7]{3}\Z|0[4-7][0-7]{3}\Z|[ugoa]*[+=][rwxX]*s")
_EVERYONE = frozenset("+w a+rwx ugo+rwx o+w a+w 777 0777 666".split())
_LOCKS_OUT = re.compile(r"0{1,4}\Z|[ugoa]*a?[-=]r?w?x?\Z|a-rwx|u-r|a=\Z|[0-3]?[0-2]00\Z|ugo-rwx|-r\Z")


def judge_mode(machine: Machine, mode: str, word: Value, *, recursive: bool) -> None:
    """One `chmod MODE PATH`."""
    path, place = targets.place_of(machine, word)
    if machine.isolated or (machine.contained and place not in _GRAVE):
        machine.report(Level.MODERATE, "permissions", "changes permissions inside a container")
        return
    if len(mode) > MAX_MODE:
        cut(machine, "characters in one mode")
        return
    everyone = bool(_OPEN_TO_ALL.match(mode)) or mode in _EVERYONE
    if is_hashes(path) and not everyone and _READABLE.match(mode):
        machine.report(
            Level.HIGH, "permissions", "lets every user of the machine read the password hashes of all"
        )
        return
    if _SETUID.match(mode) and "t" not in mode and not mode.startswith(("g+s", "g=", "2")):
        local = place in (Place.PROJECT_FILE, Place.BUILD, Place.HOME_FILE) and not machine.root
        machine.report(
            Level.HIGH if local else Level.CRITICAL,
            "privilege",
            "makes a program always run with its owner's rights",
        )
        return
    if place in _GRAVE and (recursive or place is not Place.DEVICE):
        machine.report(
            Level.CRITICAL,
            "permissions",
            f"changes permissions of {_name(word, path)}: the system may not start again",
        )
    elif place in (Place.DEVICE, Place.SYSTEM_FILE):
        machine.report(
            Level.HIGH, "permissions", f"changes permissions of a system file: {_name(word, path)}"
        )
    elif (recursive and place is Place.HOME) or (place in _WIDE and recursive):
        machine.report(
            Level.HIGH, "permissions", "changes permissions of everything below a home or a volume"
        )
    elif recursive and everyone and place not in (Place.TEMPORARY, Place.BUILD):
        machine.report(
            Level.HIGH, "permissions", "lets every user of the machine write here, all the way down"
        )
    elif (everyone or _READABLE.match(mode)) and is_secret(path):
        machine.report(Level.HIGH, "permissions", "lets every user of the machine read a key")
    elif (
        recursive
        and _LOCKS_OUT.match(mode)
        and place in (Place.WORKING, Place.OPEN, Place.HOME_TOP, Place.REPOSITORY)
    ):
        machine.report(Level.HIGH, "permissions", "takes your own access away, all the way down")
    elif place is Place.HOME and everyone:
        machine.report(Level.HIGH, "permissions", "lets every user of the machine write to your home")
    elif recursive and place is Place.UNKNOWN:
        machine.report(Level.HIGH, "permissions", "changes permissions below a place that is not known yet")
    else:
        machine.report(Level.MODERATE, "permissions", f"changes permissions of {_name(word, path)}")


def _name(word: Value, path: str) -> str:
    return f"`{paths.named(path)}`"


def _chmod(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    plain = [
        word for word in words if not (re.match(r"-[RvcfhHLP]+\Z", word.text) or word.text.startswith("--"))
    ]
    recursive = any(re.match(r"-[vcfhHLP]*R|--recursive", word.text) for word in words)
    if any(word.text.startswith("--reference") for word in words):
        plain = [Value("reference"), *plain]
    if len(plain) < 2:
        return EMPTY
    mode = plain[0].text
    if re.match(r"[+=-]a[i#]?\Z", mode) and " " in plain[1].text:
        return _access_list(machine, plain[1], plain[2:], recursive=recursive)
    copied = mode == "reference" and recursive
    for word in plain[1:]:
        if copied and targets.place_of(machine, word)[1] in (
            *_WIDE,
            Place.WORKING,
            Place.OPEN,
            Place.HOME_TOP,
        ):
            machine.report(Level.HIGH, "permissions", "gives everything here the mode of another file")
        judge_mode(machine, mode, word, recursive=recursive or word.has(4))
    return EMPTY


def _access_list(machine: Machine, entry: Value, words: list[Value], *, recursive: bool) -> Value:
    """macOS's `chmod +a 'WHO allow WHAT' PATH`: an entry that lets everybody write is a mode that does."""
    mode = "a+rwx" if _ENTRY.search(entry.text) else "u+r"
    for word in words:
        judge_mode(machine, mode, word, recursive=recursive)
    return EMPTY


def _chown(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("--from", "--reference")))
    recursive = arguments.any("-R", "--recursive")
    operands = arguments.rest if arguments.any("--reference") else arguments.rest[1:]
    owner = arguments.rest[0].text if arguments.rest else ""
    for word in operands:
        path, place = targets.place_of(machine, word)
        if machine.isolated or (machine.contained and place not in _GRAVE):
            machine.report(Level.MODERATE, "permissions", "changes owners inside a container")
        elif place in _GRAVE or (recursive and place is Place.SYSTEM_FILE and path.count("/") <= 2):
            machine.report(
                Level.CRITICAL,
                "permissions",
                f"changes the owner of {_name(word, path)}: the system may not start again",
            )
        elif place in (Place.SYSTEM_FILE, Place.DEVICE):
            machine.report(
                Level.HIGH, "permissions", f"changes the owner of a system file: {_name(word, path)}"
            )
        elif recursive and place in (*_WIDE, Place.UNKNOWN) and "user" not in owner:
            machine.report(
                Level.HIGH, "permissions", "changes the owner of everything below a home or a volume"
            )
        elif recursive and place is Place.HOME:
            machine.report(Level.HIGH, "permissions", "changes the owner of your whole home")
        elif (
            recursive
            and re.match(r"(?:root|nobody|0)\b", owner)
            and place in (Place.WORKING, Place.HOME_TOP, Place.OPEN)
        ):
            machine.report(Level.HIGH, "permissions", "gives your own files to another user")
        else:
            machine.report(Level.MODERATE, "permissions", f"changes the owner of {_name(word, path)}")
    return EMPTY


def _attributes(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """chattr, chflags, setfacl, xattr, setcap, chcon."""
    arguments = Arguments(
        words,
        frozenset("-m -x -M -X --modify --remove --set".split()) if name == "setfacl" else frozenset(),
    )
    rest = arguments.rest
    if name == "setcap":
        caps = re.search(
            r"cap_(?:setuid|setgid|sys_admin|dac_\w+|sys_ptrace|sys_module|chown|fowner)|all",
            " ".join(w.text for w in words),
        )
        machine.report(
            Level.CRITICAL if caps else Level.HIGH, "privilege", "gives a program rights that only root has"
        )
        return EMPTY
    if name == "xattr":
        return _xattr(machine, arguments, rest)
    everyone = name == "setfacl" and any(
        "other" in v.text or (":rwx" in v.text and "o:" in v.text) for v in arguments.each("-m")
    )
    takes_off = name == "chattr" and not any(word.text[:1] in "+=" for word in rest)
    for word in rest[1:] if name in ("chattr", "chflags", "chcon") and not takes_off else rest:
        if word.text[:1] in "+=":
            continue
        _, place = targets.place_of(machine, word)
        if place in _GRAVE:
            machine.report(Level.CRITICAL, "permissions", "changes how the system may be written at its root")
        elif (
            place in (Place.SYSTEM_FILE, Place.LOG, Place.DEVICE)
            or (place in (*_WIDE, *_ALL_HERE) and arguments.any("-R"))
            or (everyone and arguments.any("-R"))
        ):
            machine.report(
                Level.HIGH, "permissions", "changes attributes of system files or of everything in a home"
            )
        elif place is Place.HOME and arguments.any("-R"):
            machine.report(Level.HIGH, "permissions", "changes attributes of your whole home")
        else:
            machine.report(Level.MODERATE, "permissions", f"changes attributes of `{word.shown()}`")
    return EMPTY


def _xattr(machine: Machine, arguments: Arguments, rest: list[Value]) -> Value:
    if not arguments.any("-d", "-w", "-c"):
        return UNKNOWN
    text = " ".join(word.text for word in arguments.words)
    wide = any(
        targets.place_of(machine, word)[1] in (*_GRAVE, Place.HOME, Place.SYSTEM_FILE) for word in rest
    )
    if "quarantine" in text or arguments.any("-c"):
        level = Level.HIGH if wide or arguments.any("-r") or "quarantine" in text else Level.MODERATE
        machine.report(level, "disable", "takes off the mark that makes macOS check a download")
    else:
        machine.report(Level.MODERATE, "permissions", "changes attributes of files")
    return EMPTY


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("chmod", "gchmod"), _chmod),
    **dict.fromkeys(("chown", "chgrp", "gchown", "lchown"), _chown),
    **dict.fromkeys(("chattr", "chflags", "setfacl", "xattr", "setcap", "chcon"), _attributes),
}
