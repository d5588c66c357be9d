"""Runs a confirmed command in the person's shell; the only place in Ingle that runs one.

What is run is the text that was analysed, byte for byte, as one argument of the shell. The person's
terminal stays the command's terminal: input, output, errors, job control and Ctrl-C are its own.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
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
    """Run it here and now; the exit code of the shell."""
    child = subprocess.Popen(command_line(confirmed))
    while True:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            continue  # the terminal sent it to the command too: what it means is the command's to say
        return code if code >= 0 else SIGNAL_BASE - code


def remember(confirmed: ConfirmedCommand, user_home: Path) -> Path | None:
    """Append the command to the shell's own history file, in that shell's form; None when it keeps none.

    Formats: one line a command in bash; zsh's extended history where the file has it; fish's list of
    `cmd` and `when`. A history file that does not exist is not made.
    """
    path = {
        "bash": user_home / ".bash_history",
        "zsh": user_home / ".zsh_history",
        "fish": user_home / ".local" / "share" / "fish" / "fish_history",
    }.get(confirmed.shell)
    if path is None or not path.is_file():
        return None
    now = int(time.time())
    text = confirmed.command
    if confirmed.shell == "fish":
        escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
        entry = f"- cmd: {escaped}\n  when: {now}\n"
    elif confirmed.shell == "zsh":
        with path.open("rb") as opened:
            extended = opened.read(2) == b": "
        entry = (f": {now}:0;" if extended else "") + text.replace("\n", "\\\n") + "\n"
    else:
        entry = text + "\n"
    with path.open("a", encoding="utf-8") as opened_text:
        opened_text.write(entry)
    return path
