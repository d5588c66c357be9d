"""Builtins that only one shell has, or that name and complete: hash, compgen, zargs, emulate, funcsave, fc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import call, hooks, strangers, targets
from ..arguments import Arguments
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _hash(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`hash -p /bin/rm x`, zsh's `hash x=/bin/rm` and `hash -d x=~`: other names for programs and folders."""
    arguments = Arguments(words, frozenset(("-p",)))
    program = arguments.value("-p")
    if program is not None:
        for word in arguments.rest:
            machine.state.aliases[word.text] = program.text
        return EMPTY
    for word in arguments.rest:
        key, equals, text = word.text.partition("=")
        if equals and arguments.any("-d"):
            where = machine.home("") + text[1:] if text[:1] == "~" else text
            machine.state.folders[key] = targets.place_of(machine, Value(where))[0]
        elif equals:
            machine.state.aliases[key] = text
    return EMPTY


def _compgen(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """compgen expands its word list at once, and runs its command; complete does so later."""
    arguments = Arguments(words, frozenset("-A -G -W -F -C -X -P -S -o".split()))
    for words_of in arguments.each("-W"):
        hooks.substituted(machine, words_of.text)
    for code in arguments.each("-C"):
        machine.source(code.text, UNKNOWN)
    if machine.shell == "fish":
        for listed in Arguments(words, frozenset(("-c", "-a", "-s", "-l", "-d", "-n"))).each("-a", "-n"):
            strangers.tried_code(machine, listed.text.strip("()"))
    return UNKNOWN


def _carried(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's `emulate SHELL -c CODE`, `sched +1 COMMAND` and `zpty NAME COMMAND`."""
    if name == "emulate":
        for code in Arguments(words, frozenset(("-c", "-o"))).each("-c"):
            machine.source(code.text, stdin)
        return UNKNOWN
    rest = [word.text for word in words if not word.text.startswith("-")]
    if len(rest) > 1:
        machine.source(" ".join(rest[1:]), UNKNOWN)
    return UNKNOWN


def _hooked(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's `add-zsh-hook EVENT FUNCTION`: the function will run by itself."""
    named = [word for word in words if not word.text.startswith("-")]
    given = len(named) > 1 and (named[1].text == HOLE or named[1].text in machine.state.functions)
    if given and "-d" not in Arguments(words).flags:
        with machine.subshell():
            machine.call([named[1]], EMPTY)
    return EMPTY


def _zargs(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's `zargs [options] -- words -- command`."""
    marks = [index for index, word in enumerate(words) if word.text in ("--", "..")]
    if not marks:
        return UNKNOWN
    given = words[marks[0] + 1 : marks[1]] if len(marks) > 1 else words[: marks[0]]
    inner = words[marks[-1] + 1 :]
    return machine.call([*(inner or [Value("print")]), *given], EMPTY)


def _funcsave(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """fish keeps functions for every later shell; one that stands in for a known command is a trap."""
    for word in Arguments(words).rest:
        shadows = word.text in machine.state.functions and call.spec_or_handler(word.text)
        before, machine.commands = machine.commands, []
        if word.text in machine.state.functions:
            with machine.subshell():
                machine.call([Value(word.text), UNKNOWN], EMPTY)
        ran, machine.commands = set(machine.commands), before
        if shadows and ran - {word.text, "command", "builtin", ":"}:
            machine.report(
                Level.HIGH, "persist", f"makes `{word.shown()}` mean something else in every shell"
            )
        else:
            machine.report(Level.MODERATE, "persist", "keeps a function for every later shell")
    return EMPTY


def _braced(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`{` where the grammar took it for a name: what follows is the command."""
    inner = words[:-1] if words and words[-1].text == "}" else words
    return machine.call(inner, stdin, bare=True) if inner else EMPTY


def _history_file(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`fc -s` and `fc -e EDITOR` run lines of the history again, zsh's `fc -p FILE` turns to another; `-l` lists."""
    named = [word for word in words if not word.text.startswith("-")]
    flags = Arguments(words).flags
    if flags.isdisjoint(("-l", "-p", "-P", "-R", "-W", "-A", "-I")):
        machine.report(Level.HIGH, "opaque", "runs a line of the history again")
    if any(word.text == "-p" for word in words) and named:
        machine.report(Level.HIGH, "conceal", "stops the shell from keeping its history")
    return Value(HOLE, Taint.SECRET)


def _zmv(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`zmv [-p PROGRAM] PATTERN TARGET`: renames, or calls the program with each file and the target."""
    arguments = Arguments(words, frozenset(("-p", "-P", "-o")))
    if arguments.any("-n"):
        return UNKNOWN
    for program in arguments.each("-p", "-P"):
        target = arguments.rest[-1].text if arguments.rest else ""
        machine.source(f"{program.text} {HOLE} {target}", UNKNOWN)
    if any(word.text == "/dev/null" for word in arguments.rest):
        machine.report(Level.HIGH, "delete", "moves every file into nothing")
    machine.report(
        Level.HIGH if arguments.any("-f") else Level.MODERATE,
        "write",
        "renames files over one another" if arguments.any("-f") else "renames files",
    )
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    "hash": _hash,
    **dict.fromkeys(("compgen", "complete"), _compgen),
    **dict.fromkeys(("emulate", "sched", "zpty"), _carried),
    "zargs": _zargs,
    "add-zsh-hook": _hooked,
    "funcsave": _funcsave,
    "{": _braced,
    "fc": _history_file,
    "zmv": _zmv,
}
