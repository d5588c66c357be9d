"""Makes findings of what a walk reports: the level that counts where it stands, what it really is, the safer way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import meaning
from .finding import Finding, Level
from .paths import CONTAINER, HOME
from .safer import Matter, safer_way
from .words import Value

if TYPE_CHECKING:
    from .machine import Machine

# What a container does not keep in.
_REACHES_OUT = frozenset(("exhaust", "backdoor", "privilege", "exfiltrate", "deceive", "unread", "fault"))
# Of a command of thousands of words and findings: the words that a finding is told by, the findings that are told in full.
_LOOKED = 64
_MANY = 256
_CODE = re.compile(r"[()\n;{}]|\w \w+ \w")
"""What no file or folder is likely to have in its name: such a word is code, and no operand."""
_TOP = re.compile(r"[A-Za-z]:[\\/][^\\/]+[\\/]?")
_FILES = frozenset(("delete", "write", "move", "persist"))
_PACKAGERS = frozenset("apt apt-get apk dnf yum microdnf zypper pacman pip pip3 npm yarn gem".split())
_EXPANDS = re.compile(r"[$`]")


@dataclass(slots=True)
class Here:
    """Where a walk stands: the span in the source, the words as written, code that does not stand there, the command."""

    span: tuple[int, int] = (0, 0)
    pieces: Sequence[meaning.Piece] = ()
    code: str = ""
    words: list[Value] = field(default_factory=list)
    told: str | None = None
    made: dict[Value, str] | None = None

    def expanded(self) -> dict[Value, str]:
        """Every field that an expansion has a part in, with its word as written."""
        if self.made is None:
            written = [piece for piece in self.pieces if _EXPANDS.search(piece.text)]
            self.made = {value: piece.text for piece in written for value in piece.fields}
        return self.made


@dataclass(slots=True)
class Names:
    """How a person wrote what the analysis calls otherwise: substituted files, drives of Windows."""

    files: dict[str, str] = field(default_factory=dict)
    drives: dict[str, str] = field(default_factory=dict)

    def shown(self, text: str) -> str:
        if "`" in text:
            for mapped, written in self.drives.items():
                if _TOP.fullmatch(written) and f"`{mapped}`" in text:
                    text = text.replace("folder of your home", "folder of the drive")
                text = text.replace(f"`{mapped}`", f"`{written}`")
        return meaning.shown(text, self.files)

    def path(self, path: meaning.Path | None) -> meaning.Path | None:
        written = self.drives.get(path.named) if path is not None else None
        return path if written is None else meaning.Path(written, written, hidden=False)


def weighed(machine: Machine, level: Level, effect: str) -> Level:
    """The level of an effect where it stands: as root, in a container."""
    if machine.root and effect in ("opaque", "remote code"):
        level = Level.CRITICAL  # whoever writes what is run there has the whole machine
    if machine.isolated and effect not in _REACHES_OUT:
        level = min(level, Level.MODERATE)
    return _kept_in(machine, level, effect) if machine.contained else level


def _kept_in(machine: Machine, level: Level, effect: str) -> Level:
    """The level in a container that stays: its own files are at stake, and nothing of this machine."""
    if effect == "permissions" and level is Level.CRITICAL:
        return Level.HIGH
    words = machine.here.words
    if effect == "permissions" or (words and words[0].text in _PACKAGERS):
        return min(level, Level.MODERATE)
    return min(level, Level.HIGH) if effect in _FILES else level


def finding(
    machine: Machine, level: Level, effect: str, consequence: str, resolved: str, path: meaning.Path | None
) -> Finding:
    """What is told of one effect, in the writing of the person."""
    names = machine.naming
    path = names.path(path)
    below = CONTAINER + "/"
    if f"`{below}" in consequence and below not in machine.given:  # our name for a folder that nobody named
        consequence = consequence.replace(f"`{below}", "`")
        path = None if path is None else path._replace(named=path.named.removeprefix(below), hidden=False)
    return Finding(
        level,
        effect,
        names.shown(consequence),
        machine.here.span,
        resolved or _meaning(machine, path),
        "" if level < Level.HIGH else names.shown(_safer(machine, effect, consequence, path)),
    )


def _meaning(machine: Machine, path: meaning.Path | None) -> str:
    """What the command at hand really is: decoded code in full, and each word that is not what it looks like."""
    here, files = machine.here, machine.naming.files
    if len(machine.findings) > _MANY:
        return ""
    hidden = path is not None and path.hidden
    told = (
        here.told
        if here.told is not None and not hidden
        else meaning.tell(here.pieces[:_LOOKED], path, files)
    )
    if not hidden:
        here.told = told
    if machine.shell == "powershell":
        told = told.replace(HOME, "~")  # the home of the analysis is no place of Windows
    if not here.code or here.code in machine.given:
        return told
    code = meaning.tell_code(here.code, files)
    return f"{code}; {told}" if told else code


def _safer(machine: Machine, effect: str, consequence: str, path: meaning.Path | None) -> str:
    here = machine.here
    words = tuple(word.shown() for word in here.words[:_LOOKED])
    if path is None and len(words) > 1 and words[-1][:1] != "-" and not _CODE.search(words[-1]):
        path = meaning.Path(words[-1], "", hidden=False)
    word = meaning.operand(here.pieces[:_LOOKED], path, machine.naming.files)
    first, last = here.span
    return safer_way(
        effect, consequence, Matter(words, word, machine.given[first:last], machine.given), machine.shell
    )
