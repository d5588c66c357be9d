"""A person at a terminal who is shown a command by `ingle sh` and answers its question."""

from __future__ import annotations

from tests.cli.conftest import Place
from tests.cli.terminal import OnTerminal

MODEL = "/models/some.gguf"
QUESTION = "no: "


def words(*more: str, on: str = "it") -> list[str]:
    """A request in words, for bash, to the named model; `on` names what it is about."""
    return ["sh", "--model", MODEL, "--shell", "bash", *more, "do", on]


class Dialogue(OnTerminal):
    """`ingle sh` at a terminal: its question is waited for before it is answered."""

    def asked(self) -> None:
        self.wait_for(QUESTION)

    def answer(self, letter: str) -> None:
        self.asked()
        self.key_in(f"{letter}\n")

    def edit(self, line: str) -> None:
        """Take the command to the line editor and put `line` in its place."""
        self.answer("d")
        self.wait_for("$ ")
        self.key_in(f"\x01\x0b{line}\n")


def clipboard(place: Place, script: str) -> str:
    """A folder of clipboard programs that do what `script` says, for the path."""
    programs = place.root / "bin"
    programs.mkdir()
    for name in ("wl-copy", "wl-paste"):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return str(programs)
