"""Our own labelled commands: one a line, `LEVEL<tab>COMMAND`, with `\\n` and `\\\\` escaped."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ingle.shell.verdict import Level

FOLDER = Path(__file__).parent / "commands"
SHELLS = ("bash", "zsh", "fish", "powershell")


class Labelled(NamedTuple):
    level: Level
    shell: str
    command: str


def _plain(text: str) -> str:
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")


def labelled() -> list[Labelled]:
    """Every command of every file, in order."""
    found = []
    for shell in SHELLS:
        for line in (FOLDER / f"{shell}.tsv").read_text(encoding="utf-8").splitlines():
            level, _, command = line.partition("\t")
            found.append(Labelled(Level[level.upper()], shell, _plain(command)))
    return found
