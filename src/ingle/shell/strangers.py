"""Judges programs by what is in their arguments, when nothing or little is known of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from . import targets
from .finding import Level
from .limits import is_cut
from .paths import Place
from .words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine

# Commands that are given a disk to mount or to ask, not to write.
MOUNTERS = frozenset(
    "mount umount eject udisksctl losetup hdparm sdparm partprobe badblocks photorec fusermount swapon diskutil hdiutil "
    "ntfs-3g smartctl nvme btrfs zpool testdisk udevadm lsof fuser ddrescue".split()
)
# Words by which a program nobody described says that something goes for good.
_DESTROYS = re.compile(
    r"(?:--?)?(?:destroy|terminate|purge|wipe|nuke|erase|obliterate|factory-?reset|delete|drop|shred|uninstall-all|reset-all)"
    r"(?:[-:_]?(?:all|db|database|data|everything|cluster|instance|server|project|app|volume|disk|site|account|bucket|force|vm))?|"
    r"[\w-]+:(?:[\w-]+:)?(?:drop|reset|wipe|fresh|purge|truncate|destroy|delete|nuke|erase|clear-all)(?:[-:]\w+)*|(?:db|database|schema)-(?:reset|drop)"
)
_OBJECTS = frozenset("db database databases schema cluster everything".split())
_RESETS = frozenset("reset clean drop wipe clear delete rm down".split())
_CODE_OPTIONS = re.compile(
    r"--(?:exec(?:ute)?|eval(?:uate)?|command|cmd|run|shell-command|hook|filter|wrapper|up|down|pre|post|system|script|code|program|expr(?:ession)?|batch-string|"
    r"(?:pre|post|on|before|after|exec)-[\w-]+|[\w-]+-(?:hook|command|cmd|exec|script|program))\Z"
)
_SHORT = frozenset(("-c", "-e", "-x", "-exec", "-eval", "-command", "-P", "-I", "-wrapper"))
# Programs that a stranger's arguments name when the stranger is a wrapper.
_INNER = frozenset(
    "sh bash zsh dash ksh fish busybox rm dd shred mkfs mkfs.ext4 chmod chown kill reboot shutdown halt poweroff sudo doas su env "
    "python python3 perl ruby node nc ncat curl wget eval find xargs tee mv cp git docker kubectl systemctl".split()
)
_QUOTES = re.compile(r"[\"'`]")
_BLANK = re.compile(r"\S[ \t]+\S")
_ESCAPES = re.compile(
    r"(?m)^\s*(?:\\?:?!+|:?sh(?:ell)? |:pipe(?:-line)?-to |system |exec |\\system )\s*(.+)$"
)


def judge(machine: Machine, name: str, words: list[Value], stdin: Value) -> None:
    """An unknown program: moderate, and worse when its arguments hold a disk, a destroying word or dangerous code."""
    machine.report(Level.MODERATE, "unknown", f"nothing is known about `{name}`")
    judge_operands(machine, words)
    judge_words(machine, name, words)
    judge_line(machine, name, words)
    judge_code(machine, words, stdin, short=True)
    at = next(
        (index for index, word in enumerate(words) if word.text.rpartition("/")[2] in _INNER), len(words)
    )
    if at < len(words):
        tried(machine, lambda: machine.call(words[at:], stdin))


def judge_line(machine: Machine, name: str, words: list[Value]) -> None:
    """A name with blanks in it is no program's: who was handed it hands it to a shell (`watchexec 'rm -rf x'`)."""
    if _BLANK.search(name):
        tried_code(machine, " ".join((name, *(word.text for word in words))))


def judge_words(machine: Machine, name: str, words: list[Value]) -> None:
    """A word that says that something goes for good: `destroy`, `db:drop`, `database reset`."""
    texts = [word.text for word in words]
    named = any(_DESTROYS.fullmatch(text) for text in texts)
    if named or any(first in _OBJECTS and then in _RESETS for first, then in pairwise(texts)):
        machine.report(
            Level.HIGH, "effect", f"`{name}` says that it deletes, and nothing more is known of it"
        )


def judge_operands(machine: Machine, words: list[Value]) -> None:
    """A program that changes something is handed a whole disk: not moderate any more."""
    for word in words:
        _, _, path = word.text.rpartition("=")
        if not path.startswith("/dev/") or path.startswith("/dev/sr"):
            continue
        if targets.place_of(machine, Value(path))[1] is Place.DEVICE:
            machine.report(Level.HIGH, "write", "hands a whole disk to a program that may write to it")


def judge_code(machine: Machine, words: list[Value], stdin: Value, *, short: bool) -> None:
    """Options and input lines that many programs run: read as code, and kept when that is dangerous."""
    for code in _codes(words, stdin, short):
        tried_code(machine, code)
        if _QUOTES.search(code):
            from .unread_code import judge_unread

            judge_unread(machine, code)


def _codes(words: list[Value], stdin: Value, short: bool) -> Iterator[str]:
    for index, word in enumerate(words):
        name, equals, value = word.text.partition("=")
        if _CODE_OPTIONS.match(name) or (short and name in _SHORT):
            if equals:
                yield value
            elif index + 1 < len(words):
                yield words[index + 1].text
        elif word.text.startswith("!") and len(word.text) > 3:
            yield word.text.lstrip("! ")
    if stdin is not EMPTY and stdin.known:
        yield from escapes(stdin.text)


def escapes(text: str) -> list[str]:
    """What stands behind the marks by which programs hand a line to a shell: `:!`, `:sh`, `system`."""
    return _ESCAPES.findall(text)


def tried_code(machine: Machine, code: str) -> None:
    """`tried` for text that may be code of the shell."""
    tried(machine, lambda: machine.source(code, UNKNOWN))


def tried(machine: Machine, read: Callable[[], object]) -> None:
    """Run a reading that may be wrong: only what it finds dangerous beyond doubt is kept."""
    before, machine.findings = machine.findings, {}
    commands = list(machine.commands)
    try:
        with machine.subshell():
            read()
    finally:
        found, machine.findings = machine.findings, before
        machine.commands[:] = commands
    machine.findings.update(
        {
            key: one
            for key, one in found.items()
            if one.level >= Level.HIGH
            and (one.effect not in ("unread", "opaque", "fault") or is_cut(one.consequence))
        }
    )


_THING = re.compile(r"[a-z][a-z0-9-]{1,20}")
_ASKED = re.compile(r"-{0,2}[\w-]+")
_QUESTIONS = frozenset("list ls status version info show search help".split())
_CHANGES = frozenset(
    "delete del remove rm uninstall purge kill stop start restart run exec create add new set use default install upgrade update "
    "edit rename move mv cp copy import export push pull send write apply reset clean clear drop destroy enable disable login logout".split()
)


def only_asks(words: list[Value]) -> bool:
    """Whether a tool known by its name alone is asked for a list or its state: `TOOL list`, `TOOL THING list`, `TOOL -version`."""
    texts = [word.text for word in words]
    if texts[:1] == ["-version"]:
        return len(texts) == 1
    for at, text in enumerate(texts[:2]):
        if text in _QUESTIONS:
            return len(texts) <= at + 3 and all(_ASKED.fullmatch(more) for more in texts[at + 1 :])
        if text in _CHANGES or not _THING.fullmatch(text):
            return False
    return False
