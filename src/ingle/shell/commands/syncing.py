"""rsync: copies that may delete, here or on another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..paths import Place
from ..words import HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command
from .copying import GRAVE
from .modes import judge_mode

_KEPT = (Place.WORKING, Place.PARENT, Place.HOME_TOP, Place.MOUNT, Place.HOME_CONFIG, Place.BACKUP)
_SETUID = re.compile(r"[ug+=]\w*s|\A[DF]?[4-7]\d{3}\Z")


def _rsync(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset(
        "-e --rsh --exclude --include --exclude-from --files-from --rsync-path -f --filter --bwlimit --port "
        "--log-file --backup-dir --link-dest --password-file -B -M --out-format --chmod --max-size".split()
    )
    arguments = Arguments(words, takes)
    for code in arguments.each("-e", "--rsh"):
        run_hidden(machine, code.text, "an option of rsync")
    for code in arguments.each("--rsync-path"):
        run_hidden(machine, code.text.removeprefix("sudo rsync") or "true", "an option of rsync")
    if arguments.any("-n", "--dry-run", "--list-only") or len(arguments.rest) < 2:
        return UNKNOWN
    sources, target = arguments.rest[:-1], arguments.rest[-1]
    for source in sources:
        if _is_remote(target):
            targets.send(machine, source, f" (`{target.shown()}`)")
        elif not _is_remote(source):
            targets.read(machine, source, shows=False)
        if arguments.any("--remove-source-files") and not _is_remote(source):
            targets.delete(
                machine, Value(source.text.rstrip("/") or "/", source.taint), tree=True, moved=True
            )
        elif arguments.any("--remove-source-files"):
            machine.report(Level.MODERATE, "delete", "deletes the source files after copying")
    if _is_remote(target):
        if any(flag.startswith("--del") for flag in arguments.flags):
            machine.report(
                Level.HIGH,
                "remote destroy",
                "deletes on the other host what is missing here",
            )
        return UNKNOWN
    if any(flag.startswith("--del") for flag in arguments.flags):
        _delete_missing(machine, target)
    for mode in arguments.each("--chmod"):
        for part in mode.text.split(","):
            judge_mode(machine, part.lstrip("DF"), target, recursive=True) if _SETUID.search(part) else None
    network = any(_is_remote(source) for source in sources)
    targets.write(machine, target, Value(HOLE, Taint.NETWORK if network else 0), folder=True)
    for source in sources if target.text.endswith(("/", ".")) else ():
        if _is_remote(source):
            name_of = source.text.rpartition("/")[2].rpartition(":")[2]
            path, _ = targets.place_of(machine, Value(f"{target.text.rstrip('/')}/{name_of}"))
            targets.remember(machine, path, Value(HOLE, Taint.NETWORK), append=False)
    return UNKNOWN


def _delete_missing(machine: Machine, target: Value) -> None:
    """What `--delete` takes away: all of a place that is worth more than a copy, or that nobody knows."""
    _, place = targets.place_of(machine, target)
    if place in GRAVE or place in _KEPT or target.text.startswith(HOLE):
        targets.delete(machine, target, tree=True)
    else:
        machine.report(
            Level.MODERATE, "delete", f"deletes in `{target.shown()}` what is missing in the source"
        )


def _is_remote(word: Value) -> bool:
    return bool(
        re.match(r"[\w.@\U000f0000-]+::?(?!//\d*$)[^/]?|rsync://|\w+://", word.text)
    ) and not word.text.startswith(("/", "./"))


COMMANDS: dict[str, Command] = {
    "rsync": _rsync,
}
