"""Commands that delete: rm and its kin, find and fd with what they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import stakes, targets
from ..arguments import Arguments
from ..finding import Level
from ..paths import Place
from ..words import EMPTY, HOLE, STAR, UNKNOWN, Taint, Value, is_wild, show

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _rm(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words)
    tree = arguments.any("-r", "-R", "--recursive", "-rf", "-fr") or name in (
        "rimraf",
        "srm",
        "rip",
        "del-cli",
    )
    if "--no-preserve-root" in arguments.flags:
        machine.report(Level.HIGH, "delete", "switches off the guard that keeps rm away from `/`")
    for word in arguments.rest:
        if word.text == "" and len(arguments.rest) == 1:
            continue
        if name in ("rimraf", "del-cli"):  # they take patterns apart themselves
            word = Value(word.text.replace("*", STAR), word.taint)
        targets.delete(machine, word, tree=tree)
    return EMPTY


def _rmdir(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in Arguments(words).rest:
        _, place = targets.place_of(machine, word)
        if place in (Place.ROOT, Place.SYSTEM, Place.HOME, Place.HOMES):
            targets.delete(machine, word, tree=True)
        else:
            machine.report(Level.MODERATE, "delete", f"removes the empty folder `{word.shown()}`")
    return EMPTY


def _shred(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-n -s --iterations --size --random-source".split()))
    for word in arguments.rest:
        level = targets.delete(machine, word, tree=arguments.any("-r", "-R"))
        if word.wild or level >= Level.HIGH:
            machine.report(Level.HIGH, "delete", "overwrites files so that nothing can bring them back")
    return EMPTY


def _trash(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name in ("trash-list", "trash-restore"):
        return UNKNOWN
    if name == "trash-empty" or (words and words[0].text in ("empty", "--empty")):
        machine.report(Level.HIGH, "delete", "empties the trash: what is in it cannot come back")
        return EMPTY
    if name == "gio":
        if not words or words[0].text not in ("trash", "remove", "move", "copy", "rename", "mkdir"):
            return UNKNOWN
        if words[0].text == "remove":
            return _rm(machine, "rm", words[1:], stdin)
        if "--empty" in [word.text for word in words]:
            machine.report(Level.HIGH, "delete", "empties the trash: what is in it cannot come back")
        words = words[1:]
    for word in Arguments(words).rest:
        _, place = targets.place_of(machine, word)
        if stakes.DELETE.get(place, Level.MODERATE) is Level.CRITICAL:
            targets.delete(machine, word, tree=True, moved=True)
        else:
            machine.report(Level.MODERATE, "move", f"moves `{word.shown()}` to the trash")
    return EMPTY


_TESTS_WITH_VALUE = frozenset(
    "-name -iname -path -ipath -wholename -regex -iregex -type -mtime -atime -ctime -mmin -amin -cmin -newer -size -user "
    "-group -perm -maxdepth -mindepth -inum -links -samefile -fstype -uid -gid -xtype -lname -newermt -anewer -cnewer "
    "-printf -fprint -fprintf -fprint0 -fls -regextype -context -used -D".split()
)
_NARROW = frozenset(
    "-name -iname -path -ipath -wholename -regex -iregex -lname -samefile -inum -newer -newermt".split()
)
# Where age or size alone does not say that a file may go.
_KEPT = (
    Place.WORKING,
    Place.PARENT,
    Place.HOME,
    Place.HOME_TOP,
    Place.HOME_CONFIG,
    Place.OTHER_HOME,
    Place.WHOLE_OTHER_HOME,
    Place.HOMES,
    Place.MOUNT,
    Place.BACKUP,
)
_BY_TIME = frozenset("-mtime -atime -ctime -mmin -amin -size -empty -cmin".split())


def _find(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`find` judged by its roots, the tests that bound it, and its actions."""
    roots, at = [], 0
    while at < len(words) and (words[at].text[:1] not in "-(!" or words[at].text in ("-H", "-L", "-P")):
        if words[at].text not in ("-H", "-L", "-P"):
            roots.append(words[at])
        at += 1
    roots = roots or [Value(".")]
    narrow = timed = False
    pattern = STAR
    acts: list[tuple[str, list[Value]]] = []
    while at < len(words):
        test = words[at].text
        at += 1
        if test in ("-exec", "-execdir", "-ok", "-okdir"):
            inner, at = _inner(words, at)
            acts.append((test, inner))
        elif test == "-delete":
            acts.append((test, []))
        elif test in _TESTS_WITH_VALUE:
            value = words[at] if at < len(words) else EMPTY
            at += 1
            if test in _NARROW and words[at - 3].text not in ("!", "-not") and value.text.strip("*.?" + STAR):
                narrow = True
                pattern = value.text.replace("*", STAR).replace("?", STAR) if "name" in test else pattern
            timed |= test in _BY_TIME
            if test.startswith("-f") and test != "-fstype":
                targets.write(machine, value, UNKNOWN)
        elif test == "-empty":
            narrow = True
    _find_acts(machine, roots, acts, pattern, narrow=narrow, timed=timed)
    return _found(machine, roots, narrow=narrow or timed, pattern=pattern)


def _inner(words: list[Value], at: int) -> tuple[list[Value], int]:
    inner: list[Value] = []
    while at < len(words) and words[at].text not in (";", "+"):
        inner.append(words[at])
        at += 1
    if at < len(words) and words[at].text == "+" and inner and inner[-1].text != "{}":
        return [*inner, words[at]], at + 1
    return inner, at + 1


def _found(machine: Machine, roots: list[Value], *, narrow: bool, pattern: str = STAR) -> Value:
    lines = []
    for root in roots:
        path, place = targets.place_of(machine, root)
        bounded = narrow and place in (
            Place.WORKING,
            Place.PROJECT_FILE,
            Place.BUILD,
            Place.TEMPORARY,
            Place.TEMPORARY_TOP,
        )
        text = (
            f"{path.rstrip('/')}/{STAR}"
            if not narrow
            else f"{path.rstrip('/')}/{pattern if bounded or pattern != STAR else STAR}"
        )
        lines.append(text if not (bounded and pattern == STAR) else f"{path}/found{STAR}")
    return Value("\n".join(lines) + "\n", 0 if narrow else Taint.EVERYTHING)


def _find_acts(
    machine: Machine,
    roots: list[Value],
    acts: list[tuple[str, list[Value]]],
    pattern: str,
    *,
    narrow: bool,
    timed: bool,
) -> None:
    for act, inner in acts:
        for root in roots:
            path, place = targets.place_of(machine, root)
            filtered = narrow or (timed and (place not in _KEPT or "Downloads" in path))
            if act == "-delete":
                targets.delete(machine, root, tree=True, filtered=filtered)
                continue
            if not inner:
                continue
            verb = inner[0].text.rpartition("/")[2]
            if narrow and not is_wild(pattern) and verb in ("rm", "unlink", "shred"):
                targets.delete(machine, Value(f"{path}/{pattern}"), tree=True)
            if verb in ("rm", "unlink", "shred", "rmdir") and len(inner) < 6:
                if any(word.text[:1] != "-" and "{}" not in word.text for word in inner[1:]):
                    _each(machine, inner, path, pattern, act, narrow=filtered)  # what the line itself names
                if not any("{}" in word.text for word in inner):
                    continue
                targets.delete(machine, root, tree=True, filtered=filtered)
                if verb == "shred" and not filtered:
                    machine.report(
                        Level.HIGH, "delete", "overwrites files so that nothing can bring them back"
                    )
                continue
            _each(machine, inner, path, pattern, act, narrow=filtered)


def _each(machine: Machine, inner: list[Value], path: str, pattern: str, act: str, *, narrow: bool) -> None:
    """Run the inner command on a name that stands for everything found."""
    stand = (
        f"{path.rstrip('/')}/{pattern}"
        if not (narrow and pattern == STAR)
        else f"{path.rstrip('/')}/found{STAR}"
    )
    words = [
        Value(word.text.replace("{}", stand), word.taint | (0 if narrow else Taint.EVERYTHING))
        if "{}" in word.text
        else word
        for word in inner
    ]
    before = machine.state.cwd
    if act.endswith("dir"):
        machine.state.cwd = path
    machine.call(words, EMPTY)
    machine.state.cwd = before


_FD_TAKES = frozenset(
    "-e --extension -t --type -d --max-depth --min-depth -E --exclude -S --size --changed-within --changed-before -c "
    "--color -j --threads --owner --base-directory --search-path".split()
)


def _fd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    cut = next(
        (i for i, word in enumerate(words) if word.text in ("-x", "-X", "--exec", "--exec-batch")), len(words)
    )
    arguments = Arguments(words[:cut], _FD_TAKES)
    rest = arguments.rest
    pattern, roots = (rest[0].text if rest else ""), rest[1:] or [Value(".")]
    narrow = bool(pattern.strip(".*^$ ")) or "-e" in arguments.values or "--extension" in arguments.values
    if cut < len(words):
        inner = words[cut + 1 :]
        if not any("{" in word.text for word in inner):
            inner = [*inner, Value("{}")]
        act = [("-exec", inner)]
        _find_acts(machine, roots, act, "found" + STAR if narrow else STAR, narrow=narrow, timed=False)
    return _found(machine, roots, narrow=narrow, pattern=f"{STAR}{show(pattern)}{STAR}" if narrow else STAR)


def _locate(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    found = words[-1].text if words else ""
    if name == "mdfind" or name == "locate" or name == "plocate":
        return Value("/" + HOLE + "\n", Taint.EVERYTHING if re.fullmatch(r"[*./]*", found) else 0)
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("rm", "unlink", "srm", "rimraf", "grm", "rip", "del-cli", "wipe", "scrub"), _rm),
    **dict.fromkeys(("rmdir", "grmdir"), _rmdir),
    **dict.fromkeys(("shred", "gshred"), _shred),
    **dict.fromkeys(
        ("trash", "trash-put", "trash-empty", "trash-list", "trash-restore", "gio", "gvfs-trash", "rmtrash"),
        _trash,
    ),
    **dict.fromkeys(("find", "gfind", "bfs"), _find),
    **dict.fromkeys(("fd", "fdfind"), _fd),
    **dict.fromkeys(("locate", "plocate", "mdfind"), _locate),
}
