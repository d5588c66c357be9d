"""What the shell's own commands do to the state of the line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, hooks, paths, strangers, targets
from ..arguments import Arguments
from ..finding import Level
from ..rounds import chosen
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value, joined

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _cd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    rest = [word for word in words if not (word.text.startswith("-") and len(word.text) > 1)]
    state = machine.state
    before = state.cwd
    if rest and rest[0].text == "-":
        state.cwd = state.every("OLDPWD")[0].text
    elif not rest:
        state.cwd = machine.home("") if name != "popd" else HOLE
    else:
        state.cwd = targets.place_of(machine, _by_cdpath(machine, rest[0]))[0]
    state.names["OLDPWD"] = [Value(before)]
    state.names["PWD"] = [Value(state.cwd)]
    return EMPTY


def _by_cdpath(machine: Machine, folder: Value) -> Value:
    """A folder below the first of `CDPATH`, where the line sets that and the name is relative."""
    found = machine.state.names.get("CDPATH") or machine.state.names.get("cdpath")
    first = found[0].text.partition(":")[0] if found else ""
    if not first or folder.text[:1] in ("/", ".", "~", HOLE):
        return folder
    return Value(f"{first.rstrip('/')}/{folder.text}", folder.taint)


def _pwd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(machine.state.cwd + "\n")


def _alias(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in words:
        key, equals, body = word.text.partition("=")
        if not equals:
            continue
        machine.state.aliases[key] = body
        if any(option.text == "-s" for option in words) and machine.shell == "zsh":
            machine.state.aliases.pop(key)
            machine.state.aliases[f"*.{key}"] = body
        if any(option.text == "-g" for option in words):
            machine.state.global_aliases[key] = body
            _everywhere(machine, body)
        if key in _TRUSTED and _betrays(machine, key, body):
            machine.report(
                Level.HIGH, "conceal", f"makes `{key}` mean something that changes, deletes or listens"
            )
    return EMPTY


def _everywhere(machine: Machine, body: str) -> None:
    """zsh's global alias stands anywhere on a line, so what it would run counts at once."""
    before, machine.findings = machine.findings, {}
    machine.source(body.lstrip("|&; "), UNKNOWN)
    found, machine.findings = machine.findings, before
    if any(finding.level >= Level.HIGH for finding in found.values()):
        machine.findings.update(found)


_TRUSTED = frozenset("cd ls ll cat echo sudo su ssh git pwd man less grep ps top which exit clear".split())


def _betrays(machine: Machine, key: str, body: str) -> bool:
    """Whether a name everyone trusts would do something else; the body itself is only text yet."""
    first = body.split()[0] if body.split() else ""
    if first.rpartition("/")[2] == key or (first == "sudo" and body.strip() == "sudo"):
        return (
            ";" in body or "|" in body or first.startswith(("/tmp", "./", "~", "$HOME", "/home", "/dev/shm"))
        )
    before = machine.findings
    machine.findings = {}
    machine.calling.append(key)
    machine.source(f"{body} something")
    machine.calling.pop()
    found, machine.findings = machine.worst(), before
    return found >= Level.MODERATE


def _unalias(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in words:
        machine.state.aliases.pop(word.text, None)
    return EMPTY


def _eval(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from ..code import run_text

    return run_text(machine, joined(machine, words), machine.shell, [], stdin, strict=True)


def _source(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from ..code import run_file

    if not words or words[0].text == "-":
        from ..code import run_text

        return run_text(machine, stdin, machine.shell, [], strict=True) if stdin is not EMPTY else EMPTY
    if words[0].text == "/dev/stdin":
        words = [Value("-")]
    return run_file(machine, words[0], machine.shell, words[1:], stdin, sourced=True)


def _trap(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    rest = [word for word in words if word.text not in ("--", "-l", "-p", "-")]
    if len(rest) > 1 and rest[0].text:
        machine.source(rest[0].text)
    return EMPTY


def _read(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`read` and its kin give variables the (unknown or known) lines of the input."""
    timed = frozenset(("-t",)) if name == "read" else frozenset()
    arguments = Arguments(
        words, timed | frozenset(("-d", "-n", "-N", "-p", "-u", "-i", "-P", "-c", "-C", "-O", "-s", "-k"))
    )
    for code in arguments.each("-C"):
        machine.source(f"{code.text} 0 {HOLE}", UNKNOWN)  # with the number of the line, and the line
    names = [word.text for word in arguments.rest] or (["REPLY"] if name == "read" else ["MAPFILE"])
    names += [value.text for value in arguments.each("-a", "-A")]
    hooks.arithmetic(machine, " ".join(names))
    lines = [line for line in stdin.text.strip("\n").split("\n") if line] or [""]
    split = name != "read" or len(lines) == 1
    for index, variable in enumerate(names):
        if not stdin.text:
            machine.assign(variable, Value(HOLE, stdin.taint))
        elif len(names) > 1 and split:
            parts = lines[0].split(None, len(names) - 1)
            machine.assign(variable, Value(parts[index] if index < len(parts) else "", stdin.taint))
        elif len(lines) == 1:
            machine.assign(variable, Value(lines[0], stdin.taint))
        else:
            first, *others = chosen(machine, [Value(line, stdin.taint) for line in lines], "lines of input")
            machine.state.names[variable] = [first]
            machine.state.others[variable] = [[line] for line in others]
    return EMPTY


def _set(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if not words:
        return Value(HOLE, Taint.SECRET)
    if machine.shell != "fish":
        _positional(machine, words)
    if [word.text for word in words[:2]] == ["+o", "history"]:
        machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
    return EMPTY


def _positional(machine: Machine, words: list[Value]) -> None:
    """`set [OPTIONS] [--] WORD…` makes the words `$1`, `$2` and so on; options alone leave those as they are."""
    at = 0
    while at < len(words) and re.match(r"[-+][A-Za-z]", words[at].text):
        at += 2 if words[at].text[-1] in "oA" else 1
    dashes = at < len(words) and words[at].text in ("--", "-")
    given = words[at + dashes :]
    if not given and not dashes:
        return
    names = machine.state.names
    names.update({str(index): [word] for index, word in enumerate(given, 1)})
    names["@"] = names["*"] = given
    names["#"] = [Value(str(len(given)))]


def _shift(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    names = machine.state.names
    rest = names.get("@", [])[1:]
    names["@"] = names["*"] = rest
    for index, word in enumerate(rest, 1):
        names[str(index)] = [word]
    return EMPTY


def _declare(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in words:
        key, equals, text = word.text.partition("=")
        if equals and not key.startswith("-"):
            machine.assign(key, Value(text, word.taint))
    if all(word.text.startswith("-") for word in words):
        return Value(HOLE, Taint.SECRET)
    return EMPTY


def _history(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    flags = Arguments(words).flags
    if "-c" in flags or (words and words[0].text == "clear"):
        machine.report(Level.HIGH, "conceal", "wipes the shell's history")
    elif "-d" in flags or (words and words[0].text == "delete"):
        machine.report(Level.MODERATE, "conceal", "deletes lines of the shell's history")
    return Value(HOLE, Taint.SECRET)


def _shopt(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return EMPTY


def which(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    named = [word for word in words if not word.text.startswith("-")]
    if len(named) == 1 and named[0].known and named[0].text.isprintable() and "/" not in named[0].text:
        return Value(f"/usr/bin/{named[0].text}\n")
    return UNKNOWN


def _test(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    text = " ".join(["", *(word.text for word in words)])
    if re.search(r" -(?:v|eq|ne|lt|le|gt|ge) ", text):
        hooks.arithmetic(machine, text)
    return EMPTY


def _coproc(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`coproc COMMAND`, `coproc NAME { COMMAND; }`: runs beside the shell."""
    given = "COPROC"
    if len(words) > 1 and words[1].text == "{":
        given, words = words[0].text, words[1:]
    inner = [word for word in words if word.text not in ("{", "}")]
    with machine.setting(background=True):
        out = machine.call(inner, stdin) if inner else EMPTY
    return _piped(machine, given, inner, out)


def _piped(machine: Machine, name: str, inner: list[Value], out: Value) -> Value:
    """Remember both ends of a coprocess: one on the network is a socket, what is written into another is its input."""
    ends = ["/dev/tcp/coproc/0"] * 2 if out.has(Taint.NETWORK) else [f"/dev/fd/{end}" for end in _ENDS]
    machine.state.streams.update(zip(_ENDS, ends, strict=True))
    if not out.has(Taint.NETWORK):
        machine.state.files[ends[0]] = out
        machine.state.files[ends[1]] = Value(" ".join(call.quoted(word.text) for word in inner), Taint.QUOTED)
    machine.state.names[name] = [Value(end) for end in _ENDS]
    return EMPTY


_ENDS = ("53", "50")


def _let(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    from ..expand import arithmetic

    for word in words:
        if "$(" in word.text.partition("=")[0] or "`" in word.text.partition("=")[0]:
            hooks.substituted(machine, word.text.partition("=")[0])
        arithmetic(word.text.partition("=")[2] or word.text, machine)
    return EMPTY


def _enable(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if any(word.text == "-f" for word in words):
        machine.report(Level.HIGH, "load", "loads compiled code into the shell")
    return EMPTY


def _bind(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    code = Arguments(words, frozenset(("-x",))).value("-x")
    if machine.shell == "fish":
        for word in words[1:]:
            strangers.tried_code(machine, word.text)
    if code is not None and ":" in code.text:
        machine.source(code.text.partition(":")[2].strip("\"' "))
    return EMPTY


def _realpath(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    named = [word for word in words if not word.text.startswith("-")]
    if len(named) != 1:
        return UNKNOWN
    return Value(paths.resolve(named[0].text, machine.state.cwd) + "\n", named[0].taint)


def _dirname(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    named = [word for word in words if not word.text.startswith("-")]
    if not named:
        return UNKNOWN
    head, slash, tail = named[0].text.rstrip("/").rpartition("/")
    if name == "basename":
        suffix = named[1].text if len(named) > 1 else ""
        return Value(tail.removesuffix(suffix) + "\n", named[0].taint)
    return Value((head or ("/" if slash else ".")) + "\n", named[0].taint)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("cd", "chdir", "pushd", "popd", "z"), _cd),
    "pwd": _pwd,
    "alias": _alias,
    "unalias": _unalias,
    "eval": _eval,
    "source": _source,
    ".": _source,
    "trap": _trap,
    **dict.fromkeys(("read", "mapfile", "readarray"), _read),
    "set": _set,
    "shift": _shift,
    **dict.fromkeys(("declare", "typeset", "local", "export", "readonly", "integer"), _declare),
    "history": _history,
    "let": _let,
    **dict.fromkeys(("which", "type", "whence", "where"), which),
    **dict.fromkeys(("test", "[", "[["), _test),
    "coproc": _coproc,
    "enable": _enable,
    "bind": _bind,
    **dict.fromkeys(("realpath", "readlink", "grealpath"), _realpath),
    **dict.fromkeys(("dirname", "basename"), _dirname),
    **dict.fromkeys(
        ("shopt", "setopt", "unsetopt", "ulimit", "umask", "bindkey", "zstyle", "autoload"), _shopt
    ),
}
