"""Weighs an effect by the place it falls on: delete, write, read, send, change of mode; tables first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import paths
from .finding import Level
from .meaning import Path
from .paths import Place
from .secret_paths import is_hashes, is_secret
from .stakes import DELETE, ONE, TREE, WHAT, WRITE
from .startup_lines import startup_level, tool_setting
from .words import HOLE, Taint, Value, is_wild, show

if TYPE_CHECKING:
    from .machine import Machine

_SAFE, _MODERATE, _HIGH, _CRITICAL = Level


def place_of(machine: Machine, value: Value) -> tuple[str, Place]:
    """The resolved path and its kind, links made on this line followed."""
    state = machine.state
    path = paths.resolve(value.text, state.cwd)
    for link, target in state.links.items():
        if path == link or path.startswith(link + "/"):
            path = paths.resolve(target + path[len(link) :], state.cwd)
            break
    return path, paths.classify(path, state.cwd)


def describe(value: Value, path: str) -> Path:
    """A path as it is given, and what it names."""
    written, meant = paths.named(value.text), paths.named(path)
    same = (written, written.rstrip("/"), written.removeprefix("./").rstrip("/"))
    return Path(value.shown(), meant, meant not in same)


def delete(
    machine: Machine, value: Value, *, tree: bool, filtered: bool = False, moved: bool = False
) -> Level:
    """Report the loss of a path; `filtered` when only some of what lies below it is meant."""
    path, place = place_of(machine, value)
    level = DELETE.get(place, _MODERATE)
    if tree and not filtered:
        level = max(level, TREE.get(place, _MODERATE))
    level = _soften(machine, path, place, level, tree=tree, filtered=filtered)
    if value.has(Taint.EVERYTHING) and (tree or HOLE in path):
        level = max(level, _HIGH)
    if machine.isolated or (machine.contained and _bounded_inside(path, place, tree=tree)):
        level = min(level, _MODERATE)
    if path in machine.state.locked and (is_wild(path) or HOLE in path or level >= _HIGH):
        machine.report(_CRITICAL, "ransom", "locks your files and deletes the originals")
    what = _named(place, path, one_file=not tree)
    if path.count("/") == 0 or place is Place.UNKNOWN:
        what = "a path that is not known before it runs" if HOLE in path else what
    if filtered:
        what = f"what is chosen below {what}"
    machine.report(
        level,
        "move" if moved else "delete",
        f"{'moves away' if moved else 'deletes'} {what}" + (", without undo" if level >= _HIGH else ""),
        path=describe(value, path),
    )
    return level


_SERVICES = re.compile(r"/(?:var/lib|var/www|opt|srv|data)/")
"""What a container keeps its data in."""


def _bounded_inside(path: str, place: Place, *, tree: bool) -> bool:
    """Whether a path in a container that stays is one file or folder of its system, and no data."""
    if place in (Place.SYSTEM_FILE, Place.LOG, Place.HOME_CONFIG, Place.HOME_TOP, Place.TEMPORARY_TOP):
        return not (tree and _SERVICES.match(path))
    return place in (Place.OTHER_HOME, Place.HOME_STARTUP, Place.SYSTEM_KEY) and not tree


def _named(place: Place, path: str, *, one_file: bool) -> str:
    """What a path is to a person: its name, and the kind of place where that says more."""
    kind, name = WHAT.get(place), f"`{paths.named(path)}`"
    if place is Place.SYSTEM_KEY and path.startswith(("/proc/", "/sys/", "/dev/")):
        kind = "a way to stop, take over or break the running system"
    if kind is None or (place is Place.HOME_TOP and one_file and not is_wild(path)):
        return name
    return f"{name} ({kind})" if place in ONE and not is_wild(path) and HOLE not in path else kind


def lock(machine: Machine, value: Value) -> None:
    """Remember that a locked copy of a file was made: deleting it afterwards is what ransom looks like."""
    machine.state.locked.append(place_of(machine, value)[0])


def _soften(machine: Machine, path: str, place: Place, level: Level, *, tree: bool, filtered: bool) -> Level:
    name = path.rsplit("/", 1)[-1]
    if place is Place.HOME_CONFIG and not tree and not is_wild(path):
        return _HIGH if is_secret(path) or paths.is_history(path) else _MODERATE
    if place in (Place.LOG, Place.MOUNT, Place.BACKUP) and machine.isolated:
        return _MODERATE
    if place is Place.UNKNOWN and (HOLE not in path or path.startswith(("/tmp/" + HOLE, "/var/tmp/"))):
        return _MODERATE
    if place is Place.UNKNOWN and is_secret(path):
        return _HIGH
    if filtered and place in (Place.WORKING, Place.OPEN, Place.TEMPORARY_TOP, Place.UNKNOWN, Place.PARENT):
        return _MODERATE
    if filtered and place is Place.HOME_TOP:
        return _MODERATE
    if place is Place.HOME_TOP and not tree:
        return _HIGH if ("/" in path and name == "*") or _takes_all(name) else _MODERATE
    if place is Place.PROJECT_FILE and is_wild(path) and is_secret(path):
        return _HIGH
    return level


def _takes_all(name: str) -> bool:
    return is_wild(name) and not show(name).strip("*?.[]!")


def write(
    machine: Machine,
    value: Value,
    content: Value,
    *,
    append: bool = False,
    verb: str = "overwrites",
    folder: bool = False,
) -> Level:
    """Report what a write changes, and remember what the file now holds; a `folder` takes files in and stays."""
    path, place = place_of(machine, value)
    level = WRITE.get(place, _SAFE if append else _MODERATE)
    if (
        place is Place.HOME_CONFIG
        and ("/.ssh/" in path or paths.is_history(path))
        and not path.endswith(".pub")
    ):
        level = _HIGH if paths.is_history(path) or path.endswith("/rc") else level
    if place is Place.SYSTEM_FILE and path in ("/proc/sys/vm/drop_caches",):
        level = _MODERATE
    if place is Place.HOME_STARTUP and tool_setting(path, content):
        level = _MODERATE
    elif paths.is_startup(path):
        level = max(level, startup_level(path, content, append))
        if append and startup_level(path, content, append) is _MODERATE:
            level = _MODERATE
    if place in _WHOLE and is_wild(path):
        whole = place in (Place.HOME, Place.HOMES) and content.known and not append
        level = max(level, _CRITICAL if whole else _HIGH)
    if place in (Place.SHARE, Place.SOCKET) and content.has(Taint.SECRET):
        return leak(machine, value, path)
    if place is Place.SHARE:
        level = max(level, _HIGH if _ADMIN.match(path) else _MODERATE)
    if path.endswith(".pth") and content.known and re.search(r"(?m)^import\s", content.text):
        level = max(level, _HIGH)  # Python runs such lines of a path file at every start
    if paths.is_history(path) or paths.starts_by_name(path):
        level = max(level, _HIGH)
    if content.has(Taint.ENDLESS) and place is not Place.SINK:
        level = max(level, _HIGH)
        machine.report(
            _HIGH,
            "exhaust",
            "writes without end until the disk is full",
        )
    if machine.endless and place is not Place.SINK:
        _repeated(machine, value, append)
    if machine.isolated or (machine.contained and place not in (Place.ROOT, Place.SYSTEM, Place.DEVICE)):
        level = min(level, _MODERATE)
    remember(machine, path, content, append)
    if level:
        startup = paths.is_startup(path)
        said = f"{'changes' if append else verb} {_write_what(place, path, startup)}"
        machine.report(
            level,
            "persist" if startup else "write",
            f"copies files into `{paths.named(path)}`" if folder and level is _MODERATE else said,
            path=describe(value, path),
        )
    return level


# The shares by which an administrator reaches the system of another Windows: `C$`, `ADMIN$`.
_ADMIN = re.compile(rf"{paths.SHARES}[^/]+/(?:\w|[Aa][Dd][Mm][Ii][Nn])\$")
_WHOLE = (
    Place.HOME,
    Place.HOMES,
    Place.HOME_TOP,
    Place.OTHER_HOME,
    Place.WHOLE_OTHER_HOME,
    Place.PARENT,
    Place.WORKING,
    Place.MOUNT,
)


def _write_what(place: Place, path: str, startup: bool) -> str:
    if startup and place is not Place.SYSTEM_KEY:
        return f"`{paths.named(path)}`, which runs at start-up or grants access"
    return _named(place, path, one_file=True)


def remember(machine: Machine, path: str, content: Value, append: bool) -> None:
    files = machine.state.files
    before = files.get(path) if append else None
    files[path] = Value(before.text + content.text, before.taint | content.taint) if before else content


_PICTURE = re.compile(
    r"(?i)\.(?:png|jpe?g|gif|bmp|ico|webp|tiff?|heic|mp[34]|wav|ogg|flac|avi|mkv|mov|pdf|ttf|otf|woff2?|docx?|xlsx?)\Z"
)


def read(machine: Machine, value: Value, *, shows: bool = True) -> int:
    """The taint of a file's content; reports a secret that is shown."""
    path, place = place_of(machine, value)
    made = machine.state.files.get(path)
    if made is not None:
        return made.taint
    if is_secret(path):
        grave = is_hashes(path)
        if (shows and not path.endswith("_history")) or grave:  # the shell's own `history` shows that too
            machine.report(
                _HIGH if grave else _MODERATE,
                "secret",
                f"{'reads a secret' if shows else 'copies the passwords of this machine'}: `{paths.named(path)}`",
                path=describe(value, path),
            )
        one_token = "token" in path.rpartition("/")[2]  # what a header is there to carry
        return Taint.SECRET | Taint.FILE | (0 if one_token else Taint.PRIVATE)
    if place is Place.HOME and shows:
        return Taint.FILE
    if place is Place.DEVICE and shows:
        machine.report(_MODERATE, "read", "reads a raw disk")
    if _PICTURE.search(path):
        return Taint.FILE | Taint.DECODED  # nobody wrote a script there to be read
    if path in ("/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"):
        return Taint.ENDLESS
    if place in (Place.SOCKET, Place.SHARE):
        return Taint.NETWORK
    return Taint.FILE


_CHANGING = re.compile(r"\$\(|`|\$\{?(?:S?RANDOM|SECONDS|EPOCH\w+|BASHPID|LINENO)\b")
_NAMED = re.compile(r"\$\{?(\w+)")


def _varies(machine: Machine, value: Value) -> bool:
    """Whether a path is another one each time round: a number drawn, a name made, a variable of this line."""
    expanded = machine.here.expanded()
    text = expanded.get(value, "")
    if not text and HOLE in value.text:  # `of=f$RANDOM`: a part of a word
        text = next((written for field, written in expanded.items() if field.text.endswith(value.text)), "")
    return _CHANGING.search(text) is not None or not machine.state.names.keys().isdisjoint(
        _NAMED.findall(text)
    )


def _repeated(machine: Machine, value: Value, append: bool) -> None:
    """Report what a loop without an end fills the disk with."""
    if append:
        machine.report(_HIGH, "exhaust", "appends in a loop that never ends")
    elif not machine.paced and _varies(machine, value):
        machine.report(_HIGH, "exhaust", "makes files in a loop that never ends")


def land(machine: Machine, source: Value) -> None:
    """Remember that a file here comes from another host: the operand behind `source` is where it lands."""
    words = machine.here.words
    at = next((index for index, word in enumerate(words) if word.text == source.text), len(words))
    target = next((word for word in words[at + 1 :] if word.text[:1] != "-"), None)
    if target is None:
        return
    if any(word.text in ("sync", "rsync", "mirror", "-r", "-R", "--recursive") for word in words):
        machine.state.fetched.append(place_of(machine, target)[0])
    folder = target.text in (".", "..") or target.text.endswith("/")
    name = f"{target.text.rstrip('/')}/{source.text.rpartition('/')[2]}" if folder else target.text
    remember(machine, place_of(machine, Value(name))[0], Value(HOLE, Taint.NETWORK), append=False)


def send(machine: Machine, value: Value, where: str = "") -> Level:
    """Report that a file or text leaves the machine; a secret that leaves is the worst."""
    path, place = place_of(machine, value) if value.text else ("", Place.UNKNOWN)
    made = machine.state.files.get(path)
    secret = value.has(Taint.SECRET) or is_secret(path) or (made is not None and made.has(Taint.SECRET))
    if (
        secret
        or place in (Place.HOME, Place.HOMES, Place.WHOLE_OTHER_HOME, Place.ROOT, Place.DEVICE)
        or path == "/etc"
    ):
        return leak(machine, value, path)
    level = (
        _HIGH
        if place in (Place.HOME_TOP, Place.HOME_CONFIG) and "." + path.rsplit(".", 1)[-1] == path
        else _MODERATE
    )
    machine.report(level, "send", f"sends `{paths.named(path) or 'data'}` to another host{where}")
    return level


def leak(machine: Machine, value: Value, path: str = "") -> Level:
    machine.report(
        _CRITICAL,
        "exfiltrate",
        "sends keys, credentials or your environment to another host",
        path=describe(value, path) if path else None,
    )
    return _CRITICAL
