"""Commands that run other commands: root, other hosts, containers, loops over input."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import TYPE_CHECKING

from .. import call, targets
from ..arguments import Arguments
from ..finding import Level
from ..limits import MAX_FIELDS, cut
from ..rounds import chosen
from ..unwrap import Unwrapped, Wrapper, unwrap, wrappers
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value
from . import builtins

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command

_SUDO = Wrapper(
    takes=frozenset(
        "-u -g -h -p -C -T -U -R -D -r -t --user --group --host --prompt --chdir --chroot --other-user --role --type".split()
    ),
    assign=True,
)
_ENV = Wrapper(takes=frozenset("-u -C -S --unset --chdir --split-string".split()), assign=True)
_XARGS = frozenset(
    "-I -i -n -P -d -E -L -s -a -J -R -S --max-args --max-procs --delimiter --replace --max-lines --arg-file --max-chars".split()
)
_PARALLEL = frozenset(
    "-j --jobs -I -n -N --max-args -a --arg-file --colsep -C --joblog --delay --timeout --retries -S --sshlogin --results "
    "--tagstring --tempdir --max-replace-args --halt --load --memfree --nice -L -P --max-procs --wd --workdir --env".split()
)


def _sudo(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    found = unwrap(words, _SUDO)
    flags = found.flags
    if not found.inner and not found.options.isdisjoint(("--version", "-h", "--help", "-V")):
        return UNKNOWN
    machine.report(Level.MODERATE, "privilege", "runs with administrator rights")
    user = (found.values.get("-u") or found.values.get("--user") or Value("root")).text
    if not flags.isdisjoint(("-l", "-v", "-k", "-K", "--list", "--validate", "-V")) and not found.inner:
        return UNKNOWN
    if flags & {"-e", "--edit"} or name == "sudoedit":
        machine.report(Level.HIGH, "write", "edits system files as root")
        return EMPTY
    inner = found.inner
    shell = bool(flags & {"-i", "-s", "--login", "--shell"})
    root = user in ("root", "#0", "0") or HOLE in user
    with machine.setting(root=machine.root or root, privileged=True):
        _assignments(machine, found)
        if not inner:
            if found.assignments:
                return EMPTY
            return _root_shell(machine, stdin)
        if shell and len(inner) >= 1:
            return machine.source(" ".join(word.text for word in inner), stdin, "bash")
        return machine.call(inner, stdin, bare=True)


def _root_shell(machine: Machine, stdin: Value) -> Value:
    machine.report(
        Level.HIGH, "privilege", "opens a shell with administrator rights: everything after it runs as root"
    )
    if stdin.text:
        return machine.source(stdin.text, EMPTY, "bash")
    return UNKNOWN


def _assignments(machine: Machine, found: Unwrapped) -> None:
    for word in found.assignments:
        name, _, text = word.text.partition("=")
        machine.assign(name, Value(text, word.taint))


def _env(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    found = unwrap(words, _ENV)
    state = machine.state
    before, names = state.cwd, state.names
    state.names = dict(names)
    try:
        _assignments(machine, found)
        where = found.values.get("-C") or found.values.get("--chdir")
        if where is not None:
            machine.call([Value("cd"), where])
        split = found.values.get("-S") or found.values.get("--split-string")
        if split is not None:
            rest = " ".join(word.text for word in found.inner)
            return machine.source(f"{split.text} {rest}", stdin)
        if not found.inner:
            return Value(HOLE, Taint.SECRET)
        return machine.call(found.inner, stdin)
    finally:
        state.cwd, state.names = before, names


def _generic(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value | None:
    wrapper = wrappers()[name]
    if wrapper.only and (not words or words[0].text not in wrapper.only):
        return _as_spec(machine, name, words, stdin)
    _addressed(machine, wrapper, words)
    _packaged(machine, name, words)
    found = unwrap(words, wrapper)
    if "--unregister" in found.options:
        return _as_spec(machine, name, words, stdin)
    if not found.options.isdisjoint(wrapper.stops) or (words and words[0].text in wrapper.stops):
        return builtins.which(machine, name, found.inner, stdin) if name == "command" else UNKNOWN
    root = wrapper.root or bool(wrapper.root_unless and wrapper.root_unless not in found.flags)
    if wrapper.root:
        machine.report(Level.MODERATE, "privilege", "runs with another user's rights")
    if not found.flags.isdisjoint(wrapper.persists):
        machine.report(Level.HIGH, "persist", "runs again later, without you")
    with machine.setting(root=machine.root or root, privileged=machine.privileged or root):
        for option in wrapper.writes & found.values.keys():
            _written(machine, found.values[option])
        return _inner(machine, name, wrapper, found, stdin)


def _written(machine: Machine, file: Value) -> None:
    """What a wrapper says goes to a file, or into a command where `|` or `!` begins the name."""
    if file.text[:1] in ("|", "!"):
        machine.source(file.text[1:], UNKNOWN)
    else:
        targets.write(machine, file, UNKNOWN)


def _addressed(machine: Machine, wrapper: Wrapper, words: list[Value]) -> None:
    """Code that the wrapper is told to take from an address and run."""
    if any(fnmatchcase(word.text, glob) for word in words for glob in wrapper.sources):
        machine.report(
            Level.CRITICAL if machine.root else Level.HIGH,
            "remote code",
            "runs code straight from an address",
        )


def _packaged(machine: Machine, name: str, words: list[Value]) -> None:
    if name == "nix" and words and words[0].text == "run":
        machine.report(Level.MODERATE, "execute", "runs a package")


def _inner(machine: Machine, name: str, wrapper: Wrapper, found: Unwrapped, stdin: Value) -> Value:
    out = EMPTY
    for code in found.codes:
        out = machine.source(code.text, stdin)
    inner = found.inner
    if wrapper.rest_code and found.codes and inner:
        return machine.call([found.codes[0], *inner], stdin)
    if wrapper.root and not inner and not found.codes:
        machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")
    if wrapper.no_rest or not inner:
        return out if found.codes else UNKNOWN
    if wrapper.all_code:
        for word in inner:
            out = machine.source(word.text, stdin)
        return out
    if wrapper.shell and len(inner) >= 1:
        if machine.shell == "powershell":  # it hands a word with a blank on in quotes
            typed = " ".join(call.quoted(word.text) if " " in word.text else word.text for word in inner)
            return machine.source(typed, stdin, "bash")
        return machine.source(" ".join(word.text for word in inner), stdin)
    if name == "chroot":
        with machine.setting(isolated=machine.isolated):
            return machine.call(inner, stdin)
    return machine.call(inner, stdin, bare=name in ("time", "command", "noglob", "nocorrect"))


def _as_spec(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from .. import call, spec
    from .installing import _pip

    if name in ("uv", "bundle", "poetry", "pipenv", "pdm", "conda", "npm", "pixi", "rye"):
        return _pip(machine, name, words, stdin)
    entry = spec.find(name)
    if entry is not None:
        return Value(HOLE, call.judge(machine, entry, words, stdin))
    machine.report(Level.MODERATE, "unknown", f"nothing is known about this use of `{name}`")
    return UNKNOWN


def _items(stdin: Value, mark: str | None) -> list[Value]:
    """What the input hands over, word by word; unknown when it is not known."""
    if not stdin.text.strip():
        return [Value(HOLE, stdin.taint)] if stdin is EMPTY else []
    text = stdin.text
    parts = text.split(mark) if mark else re.split(r"\s+", text)
    return [Value(part.strip("\"'\n"), stdin.taint) for part in parts if part.strip()]


def _xargs(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _XARGS, stop=True)
    inner = arguments.rest or [Value("echo")]
    mark = arguments.value("-d", "--delimiter")
    separator = {"\\n": "\n", "\\0": "\0", "\\t": "\t"}.get(mark.text, mark.text) if mark else None
    if arguments.any("-0", "--null"):
        separator = "\0" if "\0" in stdin.text else "\n"
    source = arguments.value("-a", "--arg-file")
    items = _items(stdin if source is None else Value(HOLE, Taint.FILE), separator)
    placed = arguments.value("-I", "--replace", "-J") or (Value("{}") if arguments.any("-i") else None)
    if not items:
        return EMPTY
    at_once = arguments.value("-P", "--max-procs")
    if at_once is not None and at_once.text.isdigit() and len(at_once.text) > 3:
        machine.report(Level.HIGH, "exhaust", f"starts {at_once.text[:12]} processes at a time")
    if stdin.has(Taint.ENDLESS) and arguments.any("-P", "--max-procs"):
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end, many at a time")
    if placed is not None:
        out = EMPTY
        lines = chosen(machine, _items(stdin, separator or "\n"), "lines of input")
        for item in lines:
            replaced = [
                Value(word.text.replace(placed.text, item.text), word.taint | item.taint)
                if placed.text in word.text
                else word
                for word in inner
            ]
            out = machine.call(replaced, EMPTY)
        return Value(out.text if len(lines) == 1 else HOLE, out.taint)
    if len(items) > MAX_FIELDS:
        cut(machine, "words of input")
    return machine.call([*inner, *items[:MAX_FIELDS]], EMPTY)


def _parallel(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _PARALLEL, stop=True)
    rest = arguments.rest
    cut = next((index for index, word in enumerate(rest) if word.text in (":::", "::::", ":::+")), len(rest))
    inner, given = rest[:cut], rest[cut + 1 :]
    if arguments.any("--dry-run", "--dryrun"):
        return Value(HOLE, stdin.taint)
    known = cut < len(rest) and rest[cut].text == ":::"
    items = given if known else _items(stdin if cut == len(rest) else Value(HOLE, Taint.FILE), "\n")
    out = EMPTY
    for item in chosen(machine, items, "words to run on") or [UNKNOWN]:
        text = " ".join(word.text for word in inner)
        if not inner:
            out = machine.source(item.text)
            if not item.known:
                machine.report(Level.HIGH, "opaque", "runs lines of text that are not known yet")
        elif re.search(r"\{[}./#%\d]", text):
            out = machine.source(item.text.join(re.split(r"\{[./]*\d*\}", text)))
        else:
            out = machine.source(f"{text} {item.text}")
    return Value(HOLE, out.taint)


def _su(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset("-c --command -s --shell -g -G -w -m -l".split()) - {"-l", "-m"}
    arguments = Arguments(words, takes)
    users = [word.text for word in arguments.rest if word.text != "-"]
    root = not users or users[0] in ("root", "0")
    code = arguments.value("-c", "--command")
    machine.report(Level.MODERATE, "privilege", "runs with another user's rights")
    with machine.setting(root=machine.root or root, privileged=True):
        if code is not None:
            return machine.source(code.text, stdin, "bash")
        if stdin.text:
            return machine.source(stdin.text, EMPTY, "bash")
        if root or machine.root:
            machine.report(
                Level.HIGH,
                "privilege",
                "opens a shell with administrator rights: everything after it runs as root",
            )
    return UNKNOWN


def _screen(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value | None:
    """`screen -X stuff KEYS` types into another terminal; else it is a wrapper like others."""
    typed = [then for first, then in pairwise(words) if first.text == "stuff"]
    if not typed or not any(word.text == "-X" for word in words):
        return _generic(machine, name, words, stdin)
    for keys in typed:
        machine.source(_ENTER.sub("\n", keys.text), UNKNOWN)
    machine.report(Level.MODERATE, "execute", "types into another terminal")
    return UNKNOWN


_ENTER = re.compile(r"\^[MJ]|\\0?1[25]|\r")
"""How `stuff` is told to press Enter: in words of screen, octal, or as it is."""


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(wrappers(), _generic),
    **dict.fromkeys(("sudo", "doas", "sudoedit"), _sudo),
    **dict.fromkeys(("env", "genv"), _env),
    **dict.fromkeys(("xargs", "gxargs"), _xargs),
    **dict.fromkeys(("parallel", "rush"), _parallel),
    "su": _su,
    "screen": _screen,
}
