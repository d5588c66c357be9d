"""Commands that write files: copy, move, link, dd, tee, truncate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, paths, spec, stakes, targets
from ..amounts import is_vast, size_of
from ..arguments import Arguments
from ..cmd_exe import copied
from ..finding import Level
from ..paths import Place
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from .output import content

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


GRAVE = (Place.ROOT, Place.SYSTEM, Place.SYSTEM_KEY, Place.HOME, Place.HOMES, Place.DEVICE)

_NOT_YOURS = (
    Place.SYSTEM_FILE,
    Place.LOG,
    Place.MOUNT,
    Place.OTHER_HOME,
    Place.WHOLE_OTHER_HOME,
    Place.REPOSITORY,
)


def _split(arguments: Arguments) -> tuple[list[Value], Value | None]:
    target = arguments.value("-t", "--target-directory")
    if target is not None:
        return arguments.rest, target
    return (arguments.rest[:-1], arguments.rest[-1]) if len(arguments.rest) > 1 else (arguments.rest, None)


def into_folder(machine: Machine, source: Value, target: Value) -> Value:
    """The file a copy makes when its target is a folder."""
    if target.wild:
        return target
    path, place = targets.place_of(machine, target)
    name = source.text.rstrip("/").rpartition("/")[2]
    folder = (
        target.text.endswith(("/", "/."))
        or target.text in (".", "..", "~")
        or place in (Place.ROOT, Place.SYSTEM, Place.HOME, Place.WORKING, Place.PARENT, Place.TEMPORARY_TOP)
        or path.endswith(
            (
                ".d",
                "/bin",
                "/sbin",
                "/LaunchAgents",
                "/LaunchDaemons",
                "/autostart",
                "/hooks",
                "/user",
                "/system",
            )
        )
    )
    return Value(f"{path.rstrip('/')}/{name}", target.taint) if folder and name else target


def _copy(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words, frozenset("-t --target-directory -S --suffix -m --mode -o --owner -g --group".split())
    )
    sources, target = _split(arguments)
    if name == "install" or name == "ginstall":
        _installed(machine, arguments)
        if arguments.any("-d", "--directory"):
            for word in arguments.rest:
                _, place = targets.place_of(machine, word)
                machine.report(
                    Level.HIGH if place in (Place.SYSTEM, Place.SYSTEM_FILE) else Level.SAFE,
                    "write",
                    "makes a folder in the system",
                )
            return EMPTY
    if target is None:
        return EMPTY
    keeps = arguments.any("-n", "--no-clobber", "--update=none")
    for source in sources or [UNKNOWN]:
        _, grave = targets.place_of(machine, source)
        taint = targets.read(machine, source, shows=False) & ~Taint.ENDLESS
        made = machine.state.files.get(targets.place_of(machine, source)[0])
        text = made if made is not None else Value(HOLE, taint)
        if source.text == "/dev/null":
            text = EMPTY
        into = into_folder(machine, source, target)
        _, place = targets.place_of(machine, into)
        if grave is Place.DEVICE:
            machine.report(Level.MODERATE, "read", "reads a raw disk")
        if keeps and stakes.WRITE.get(place, Level.MODERATE) < Level.HIGH:
            continue
        targets.write(machine, into, text)
    return EMPTY


def _installed(machine: Machine, arguments: Arguments) -> None:
    mode = arguments.value("-m", "--mode")
    if mode is None:
        return
    if re.fullmatch(r"0?[4-7]\d{3}|.*[+=].*s.*", mode.text):
        machine.report(
            Level.CRITICAL, "privilege", "installs a program that always runs with its owner's rights"
        )


def _move(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-t --target-directory -S --suffix".split()))
    sources, target = _split(arguments)
    for source in sources:
        path, place = targets.place_of(machine, source)
        void = target is not None and targets.place_of(machine, target)[0] == "/dev/null"
        if place in GRAVE or place in _NOT_YOURS or void:
            targets.delete(machine, source, tree=void or place in GRAVE, moved=not void)
        elif place in (Place.WORKING, Place.PARENT):
            machine.report(Level.HIGH, "move", "moves the working directory away under your feet")
        elif (
            place is Place.OPEN
            and target is not None
            and targets.place_of(machine, target)[1] in (Place.TEMPORARY_TOP,)
        ):
            machine.report(Level.HIGH, "move", "moves every file here away")
        if target is not None and not void:
            made = machine.state.files.get(path)
            into = into_folder(machine, source, target)
            targets.write(machine, into, made or Value(HOLE, source.taint), verb="moves over")
    return EMPTY


def _link(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-t --target-directory -S --suffix".split()))
    rest = arguments.rest
    if not rest:
        return EMPTY
    source = rest[0]
    link = rest[1] if len(rest) > 1 else Value(source.text.rstrip("/").rpartition("/")[2])
    link = into_folder(machine, source, link) if len(rest) > 1 else link
    path, place = targets.place_of(machine, link)
    forced = arguments.any("-f", "--force")
    if paths.is_history(path) or path.endswith("/.bash_history"):
        machine.report(
            Level.HIGH, "conceal", "points the shell's history at another place, so nothing is kept"
        )
    elif stakes.WRITE.get(place, Level.SAFE) >= Level.HIGH and place is not Place.HOME_STARTUP:
        targets.write(machine, link, EMPTY, verb="replaces")
    elif paths.starts_all(path) or (
        paths.is_startup(path) and not source.text.startswith(("/home/", "/Users/"))
    ):
        machine.report(Level.HIGH, "persist", f"replaces `{paths.named(path)}`, which runs at start-up")
    elif forced:
        machine.report(Level.MODERATE, "write", f"replaces `{paths.named(path)}` with a link")
    machine.state.links[path] = paths.resolve(source.text, machine.state.cwd)
    return EMPTY


def _dd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    given = {}
    for word in words:
        key, equals, text = word.text.partition("=")
        if equals:
            given[key] = Value(text, word.taint)
    for erased in (given.get("wipe"), given.get("hwipe"), given.get("vwipe")):
        if erased is not None:
            targets.write(machine, erased, EMPTY)
    source, target = given.get("if"), given.get("of") or given.get("hof") or given.get("ofs")
    taint = targets.read(machine, source) if source is not None else stdin.taint
    if source is not None and targets.place_of(machine, source)[1] is Place.DEVICE:
        machine.report(Level.MODERATE, "read", "reads a raw disk")
    if "count" in given and not is_vast(_blocks(given)) and not given["count"].has(Taint.SPACE):
        taint &= ~Taint.ENDLESS
    if target is None:
        return Value(HOLE, taint)
    found = content(machine, source) if source is not None else stdin
    targets.write(machine, target, Value(found.text, taint | (found.taint & ~Taint.ENDLESS)))
    return EMPTY


def _blocks(given: dict[str, Value]) -> int:
    size = given.get("bs") or given.get("obs")
    return size_of(given["count"].text) * (size_of(size.text) if size is not None else 512)


def _tee(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words)
    for word in arguments.rest:
        made = machine.state.files.get(targets.place_of(machine, word)[0])
        if made is not None and made.has(Taint.QUOTED):
            machine.source(made.text, stdin)
            continue
        targets.write(machine, word, stdin, append=arguments.any("-a", "--append"))
    return stdin


_THROW_AWAY = re.compile(r"(?i)log|tmp|temp|cache|\.out|\.err|\.trace|\.pid")


def _truncate(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """truncate, fallocate, mkfile: a size for a file; cutting many files of data at once is a loss."""
    arguments = Arguments(words, frozenset("-s -r --size --reference -o -l --length --offset".split()))
    size, rest = arguments.value("-s", "--size", "-l", "--length"), arguments.rest
    if name == "mkfile":
        size, rest = (rest[0], rest[1:]) if rest else (None, [])
    if size is not None and (is_vast(size_of(size.text)) or size.has(Taint.SPACE)):
        machine.report(Level.HIGH, "exhaust", f"makes a file of {size.shown()}: the disk is full then")
    cuts = name == "truncate" or arguments.any("-p", "-c", "-z", "--punch-hole", "--collapse-range")
    for word in rest:
        targets.write(machine, word, EMPTY, verb="cuts off the content of" if cuts else "makes or grows")
        if cuts and word.wild and not _THROW_AWAY.search(word.text):
            machine.report(Level.HIGH, "write", "cuts off the content of every file a wildcard finds")
    return EMPTY


def _touch(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if machine.endless and not machine.paced and name.endswith("mkdir"):
        machine.report(Level.HIGH, "exhaust", "makes folders in a loop that never ends")
    for word in Arguments(words, frozenset("-d -t -r -m --mode --reference --date -Z".split())).rest:
        _path, place = targets.place_of(machine, word)
        if place in (Place.SYSTEM_FILE, Place.SYSTEM_KEY, Place.HOOK) or (
            place is Place.SYSTEM and name == "touch"
        ):
            machine.report(
                Level.HIGH,
                "write",
                f"makes or changes a system file: `{paths.named(targets.place_of(machine, word)[0])}`",
            )
    return EMPTY


def _mktemp(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    folder = any(word.text.startswith("-") and "d" in word.text for word in words)
    return Value("/tmp/tmp." + ("emptyfolder" if folder else "newfile") + "\n")


def _windows_copy(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`robocopy FROM TO`, `xcopy FROM TO`: switches begin with a slash; what else they do is in their table."""
    plain = [word for word in words if not word.text.startswith("/")]
    if len(plain) > 1 and plain[1].text.startswith(("\\\\", "//")):
        copied(machine, plain)
    entry = spec.find(name)
    return Value(HOLE, call.judge(machine, entry, words, stdin)) if entry is not None else UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("robocopy", "xcopy"), _windows_copy),
    **dict.fromkeys(("cp", "gcp", "install", "ginstall", "ditto", "xcp"), _copy),
    **dict.fromkeys(("mv", "gmv"), _move),
    **dict.fromkeys(("ln", "gln", "symlink", "link"), _link),
    **dict.fromkeys(("dd", "gdd", "dcfldd", "dc3dd"), _dd),
    **dict.fromkeys(("tee", "sponge", "gtee"), _tee),
    **dict.fromkeys(("truncate", "fallocate", "mkfile"), _truncate),
    **dict.fromkeys(("touch", "mkdir", "gmkdir", "gtouch"), _touch),
    "mktemp": _mktemp,
}
