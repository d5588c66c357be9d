"""What a command would run in: the shell, the family of tools, the directory, what is installed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

SHELLS = ("bash", "zsh", "fish", "sh", "powershell")
WORTH_KNOWING = (
    "git",
    "docker",
    "podman",
    "kubectl",
    "rg",
    "fd",
    "jq",
    "yq",
    "curl",
    "wget",
    "ffmpeg",
    "convert",
    "magick",
    "pdftotext",
    "python3",
    "node",
    "npm",
    "uv",
    "cargo",
    "go",
    "tree",
    "zip",
    "unzip",
    "7z",
    "tar",
    "rsync",
    "ssh",
    "systemctl",
    "launchctl",
    "brew",
    "apt",
    "dnf",
    "pacman",
    "tmux",
    "htop",
    "lsof",
    "ss",
    "netstat",
    "ip",
    "ifconfig",
    "sqlite3",
    "psql",
    "openssl",
    "gpg",
    "exiftool",
    "pandoc",
    "parallel",
    "ncdu",
)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """`tools` is "GNU", "BSD" or "Windows": whose options `find`, `sed`, `date`, `stat` take."""

    shell: str
    system: str
    tools: str
    directory: str
    installed: tuple[str, ...] = ()


def observe(
    shell: str,
    *,
    platform: str = sys.platform,
    directory: Path | None = None,
    which: Callable[[str], str | None] = shutil.which,
) -> Surroundings:
    """What is true here and now, for a person whose shell is `shell`."""
    system, tools = {
        "darwin": ("macOS", "BSD"),
        "win32": ("Windows", "Windows"),
    }.get(platform, ("Linux", "GNU"))
    return Surroundings(
        shell=shell,
        system=system,
        tools=tools,
        directory=str(directory or Path.cwd()),
        installed=tuple(name for name in WORTH_KNOWING if which(name)),
    )


def shell_named(path: str | None) -> str:
    """The shell of a `$SHELL`-like path; bash when it is none that Ingle reads."""
    name = Path(path or "").name.removesuffix(".exe")
    return {"pwsh": "powershell", "dash": "sh", "ash": "sh"}.get(name, name if name in SHELLS else "bash")
