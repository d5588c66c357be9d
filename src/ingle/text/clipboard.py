"""Reads and writes the system's clipboard through the programs people already have."""

from __future__ import annotations

import shutil
import subprocess
import sys
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
) -> Programs:
    """The first pair that is installed. Raises `Unsupported` with what to install."""
    known: Sequence[Programs] = MAC if platform == "darwin" else LINUX
    for programs in known:
        if which(programs.read[0]) and which(programs.write[0]):
            return programs
    raise Unsupported(
        "No clipboard program is here.", hint="Install wl-clipboard (Wayland) or xclip (X11), or use a pipe."
    )


def read_clipboard(programs: Programs | None = None) -> str:
    """The clipboard's text."""
    return _run((programs or find_programs()).read, None)


def write_clipboard(text: str, programs: Programs | None = None) -> None:
    _run((programs or find_programs()).write, text)


def _run(command: tuple[str, ...], text: str | None) -> str:
    try:
        # xclip stays behind to serve the selection and keeps its inherited output open: give it none.
        done = subprocess.run(
            command,
            input=None if text is None else text.encode(),
            stdout=subprocess.PIPE if text is None else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=True,
        )
        return (done.stdout or b"").decode()  # as bytes: line ends and letters come and go unchanged
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as exc:
        raise IngleError(f"{command[0]} failed: {exc}.", hint="Use a file or a pipe instead.") from exc
