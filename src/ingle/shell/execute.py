"""Runs a confirmed command in the person's shell; the only place in Ingle that runs one.

What is run is the text that was analysed, byte for byte, as one argument of the shell. The person's
terminal stays the command's terminal: input, output, errors, job control and Ctrl-C are its own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingle.errors import Unsupported
from ingle.shell.confirm import ConfirmedCommand

COMMAND_LINES = {
    "bash": ("bash", "-c"),
    "zsh": ("zsh", "-c"),
    "fish": ("fish", "-c"),
    "sh": ("sh", "-c"),
    "powershell": ("pwsh", "-NoProfile", "-Command"),
}
HISTORIES = {
    "bash": ".bash_history",
    "zsh": ".zsh_history",
    "fish": ".local/share/fish/fish_history",
    "sh": ".sh_history",
    "powershell": ".local/share/powershell/PSReadLine/ConsoleHost_history.txt",
}
"""Where each shell keeps its history by default, below the home. Sources: the manuals of bash, zsh and fish; POSIX.1-2017,
`sh`, HISTFILE (also bash's in its POSIX mode); PSReadLine 2, `HistorySavePath` where the system is not Windows."""
KORN = (b"\x81", b"\xab")
"""How the histories of ksh93 and mksh, which have a form of their own, begin in the same file."""
STAMP = re.compile(rb"#\d")
"""How a history of bash begins that has a time before each command (bash 5.2, bashhist.c and readline's histfile.c)."""
SENSITIVE = re.compile("password|asplaintext|token|apikey|secret", re.IGNORECASE)
"""What PSReadLine (2, History.cs) keeps out of its file, so that no secret lies there."""
SIGNAL_BASE = 128
"""A command ended by signal N exits with 128 + N, as shells report it (POSIX.1-2017, 2.8.2)."""


def command_line(confirmed: ConfirmedCommand, which: Callable[[str], str | None] = shutil.which) -> list[str]:
    """The arguments that run it. Raises `Unsupported` when that shell is not installed."""
    program, *options = COMMAND_LINES[confirmed.shell]
    path = which(program)
    if path is None:
        raise Unsupported(
            f"{program} is not installed, so the command cannot run as it was analysed.",
            hint="Choose another shell with --shell.",
        )
    return [path, *options, confirmed.command]


def run(confirmed: ConfirmedCommand) -> int:
    """Run it here and now; the exit code of the shell. Raises `Unsupported` when it cannot be started."""
    with _leaving_interrupts_to_it():
        try:
            child = subprocess.Popen(command_line(confirmed))
        except OSError as exc:  # longer than one argument may be, or no memory for a process
            raise Unsupported(
                f"The command could not be started: {exc.strerror}.", hint="Shorten it."
            ) from exc
        code = child.wait()
    return code if code >= 0 else SIGNAL_BASE - code


@contextmanager
def _leaving_interrupts_to_it() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ reach the command too, and what they mean is the command's to say.

    Heard here as an exception, one could come when the system has told how the command ended and nobody has noted it.
    A handler that does nothing is none in the command: that starts with the system's own.
    """
    heard = [one for one in (signal.SIGINT, signal.SIGQUIT) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda *_: None) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def remember(confirmed: ConfirmedCommand, user_home: Path) -> Path | None:
    """Append the command to the shell's own history file, in that shell's form; None when it keeps none.

    Formats: one line a command in bash and sh, in bash with its time before it where the file has that; zsh's extended
    history where the file has it; fish's list of `cmd` and `when`; PSReadLine's lines, with a backtick before a line break. A history file that does not exist
    is not made, and one that cannot be written is no reason not to run what a person confirmed.
    """
    path = user_home / HISTORIES[confirmed.shell]
    if not path.is_file():
        return None
    try:
        with path.open("rb") as opened:
            entry = _entry(confirmed, opened.read(2))
            if opened.seek(0, os.SEEK_END):
                opened.seek(-1, os.SEEK_END)
                entry = b"\n" + entry if entry and opened.read() != b"\n" else entry
        if entry is None:
            return None
        with path.open("ab") as opened:
            opened.write(entry)
    except OSError:
        return None
    return path


def _entry(confirmed: ConfirmedCommand, head: bytes) -> bytes | None:
    """The bytes to append to a file that begins with `head`; None for what that shell would not keep there."""
    now = int(time.time())
    text = confirmed.command
    match confirmed.shell:
        case "fish":
            escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
            return os.fsencode(f"- cmd: {escaped}\n  when: {now}\n")
        case "zsh":
            stamp = f": {now}:0;" if head == b": " else ""
            return _metafied(os.fsencode(stamp + text.replace("\n", "\\\n") + "\n"))
        case "powershell" if SENSITIVE.search(text):
            return None
        case "powershell":
            return os.fsencode(text.replace("\n", "`\n") + "\n")
        case "sh" if head[:1] in KORN:
            return None
        case "bash" if STAMP.match(head):  # without one it would belong to the command before it
            return os.fsencode(f"#{now}\n{text}\n")
    return os.fsencode(text + "\n")


def _metafied(data: bytes) -> bytes:
    """As zsh writes its files: a byte from 0x83 to 0xA2 is 0x83 and the byte with bit 5 turned (zsh 5.9, utils.c)."""
    return b"".join(
        bytes((0x83, byte ^ 32)) if byte == 0 or 0x83 <= byte <= 0xA2 else bytes((byte,)) for byte in data
    )
