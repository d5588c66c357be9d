"""Reads and writes the system's clipboard through the programs people already have."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

import msgspec

from ingle.errors import IngleError, Unsupported

TIMEOUT = 5.0


class Programs(msgspec.Struct, frozen=True):
    """The command lines that read and write."""

    read: tuple[str, ...]
    write: tuple[str, ...]


MAC = (Programs(("pbpaste",), ("pbcopy",)),)
LINUX = (
    Programs(("wl-paste", "--no-newline"), ("wl-copy",)),
    Programs(("xclip", "-selection", "clipboard", "-o"), ("xclip", "-selection", "clipboard")),
    Programs(("xsel", "--clipboard", "--output"), ("xsel", "--clipboard", "--input")),
)


def find_programs(
    which: Callable[[str], str | None] = shutil.which, platform: str = sys.platform
) -> tuple[Programs, ...]:
    """The pairs that are installed, the likelier ones first. Raises `Unsupported` with what to install."""
    known: Sequence[Programs] = MAC if platform == "darwin" else LINUX
    found = tuple(programs for programs in known if which(programs.read[0]) and which(programs.write[0]))
    if not found:
        raise Unsupported(
            "No clipboard program is here.",
            hint="Install wl-clipboard (Wayland) or xclip (X11), or use a pipe.",
        )
    return found


def read_clipboard(programs: Sequence[Programs] = ()) -> str:
    """The clipboard's text, by the first program that can: those of Wayland fail in a session of X11."""
    return _first([pair.read for pair in programs or find_programs()], None)


def write_clipboard(text: str, programs: Sequence[Programs] = ()) -> None:
    _first([pair.write for pair in programs or find_programs()], text)


def _first(commands: list[tuple[str, ...]], text: str | None) -> str:
    """What the first one that works prints. Where none does, what the first one said is raised."""
    failed: list[IngleError] = []
    for command in commands:
        try:
            return _run(command, text)
        except IngleError as error:
            failed.append(error)
    raise failed[0]


def _run(command: tuple[str, ...], text: str | None) -> str:
    """What the program prints. Raises `IngleError` with what it said when it failed."""
    with tempfile.TemporaryFile() as said:
        try:
            # xclip stays behind to serve the selection and keeps its inherited output open: give it no pipe.
            done = subprocess.run(
                command,
                input=None if text is None else text.encode(),
                stdout=subprocess.PIPE if text is None else subprocess.DEVNULL,
                stderr=said,
                timeout=TIMEOUT,
                check=True,
            )
            return (done.stdout or b"").decode()  # as bytes: line ends and letters come and go unchanged
        except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as exc:
            said.seek(0)
            raise IngleError(
                f"The clipboard could not be {'read' if text is None else 'written'}: {_why(command[0], exc, said.read())}.",
                hint="Use a file or a pipe instead; over a network or in a container there may be no clipboard.",
            ) from exc


def _why(program: str, exc: Exception, said: bytes) -> str:
    """One clause, without the end of a sentence."""
    words = " ".join("".join(c if c.isprintable() else " " for c in said.decode(errors="replace")).split())
    match exc:
        case subprocess.CalledProcessError():
            told = f": {words[:300].rstrip('.')}" if words else ""
            return f"{program} ended with exit code {exc.returncode}{told}"
        case subprocess.TimeoutExpired():
            return f"{program} did not answer within {TIMEOUT:g} seconds"
        case UnicodeDecodeError():
            return "what it holds is not UTF-8 text"
        case _:
            return f"{program} could not be started ({exc})"
