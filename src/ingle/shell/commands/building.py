"""Build tools: rules on the command line, goals by their names, code that was fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_text
from ..finding import Level
from ..words import HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


_MAKE_TAKES = frozenset("-f --file --makefile -C --directory -j --jobs -I -o -W -l --eval -E".split()) - {
    "-j"
}


def _make(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, _MAKE_TAKES)
    for code in arguments.each("--eval", "-E"):
        for part in re.findall(r"\$\(shell (.*?)\)\s*(?:$|\n)|(?:^|\n)\t(.+)|:\s*;\s*(.+)", code.text):
            machine.source(_recipe("".join(part)), UNKNOWN)
        if not re.search(r"\$\(shell|\t|;", code.text):
            machine.report(Level.HIGH, "opaque", "runs rules written on the command line")
    if name == "rake":
        _rake(machine, words, stdin)
    folders: list[str] = []
    for folder in arguments.each("-C", "--directory"):  # each is seen from the one before
        folders = [folder.text] if folder.text[:1] in ("/", "~") else [*folders, folder.text]
    where, _ = targets.place_of(machine, Value("/".join(folders) or "."))
    before, machine.state.cwd = machine.state.cwd, where
    try:
        return _made(machine, name, arguments, stdin, where)
    finally:
        machine.state.cwd = before


def _made(machine: Machine, name: str, arguments: Arguments, stdin: Value, where: str) -> Value:
    """The rules of a makefile, judged in the folder where make stands."""
    file = arguments.value("-f", "--file", "--makefile")
    if file is not None and (file.text in ("-", "/dev/stdin", HOLE) or "/dev/fd" in file.text):
        made = stdin if file.text in ("-", "/dev/stdin") else machine.state.files.get(file.text, UNKNOWN)
        _makefile(machine, made)
    if arguments.any("-n", "--dry-run", "--just-print", "-q", "--question", "-p", "--version"):
        return UNKNOWN
    if any(where == top or where.startswith(top + "/") for top in machine.state.fetched):
        _fetched_code(machine)
    for name_of in ("Makefile", "makefile", "GNUmakefile", "justfile", "Rakefile"):
        rules = machine.state.files.get(f"{where}/{name_of}")
        if rules is not None and (rules.known or rules.has(Taint.NETWORK)):
            _makefile(machine, rules)
    assigned = [word for word in arguments.rest if re.match(r"(?:SHELL|MAKESHELL|CC|CXX)=", word.text)]
    for word in assigned:
        value = word.text.partition("=")[2]
        if value.startswith(("/tmp", "./", "/dev/shm")) or " -c" in value or _no_shell(word.text):
            machine.source(value, UNKNOWN)
            machine.report(Level.HIGH, "execute", "makes the build run another program")
    goals = [word.text for word in arguments.rest if "=" not in word.text]
    _goals(machine, goals, name)
    return UNKNOWN


def _no_shell(assignment: str) -> bool:
    """Whether `SHELL=` is given something else than a shell: it runs with every line of a recipe."""
    name, _, value = assignment.partition("=")
    program = value.split(None, 1)[0].rpartition("/")[2] if value.strip() else "sh"
    return name.endswith("SHELL") and program not in ("sh", "bash", "zsh", "dash", "ksh", "fish", "busybox")


def _rake(machine: Machine, words: list[Value], stdin: Value) -> None:
    arguments = Arguments(words, frozenset(("-e", "-E", "-p", "-f", "--rakefile", "-r")))
    codes = arguments.each("-e", "-E", "-p")
    if any(value.text in ("-", "/dev/stdin") for value in arguments.each("-f", "--rakefile")):
        codes = [*codes, stdin]
    for code in codes:
        run_text(machine, code, "ruby", [], inline=True)


def _goals(machine: Machine, goals: list[str], name: str) -> None:
    for goal in goals:
        if re.search(
            r"(?:^|[-_:])(?:nuke|destroy|wipe|drop|purge|teardown)(?:[-_:]|\Z)|^db:(?:reset|truncate|drop)",
            goal,
        ):
            machine.report(Level.HIGH, "execute", f"the goal `{goal}` says that it destroys")
        elif re.search(
            r"clean|install|deploy|release|publish|reset|uninstall|push|upgrade|prune|migrate|start|run|serve|up\b|down\b",
            goal,
        ):
            root = machine.privileged and "install" in goal
            machine.report(
                Level.MODERATE,
                "execute",
                f"the goal `{goal}` changes files or systems" + (" as root" if root else ""),
            )


def _fetched_code(machine: Machine) -> None:
    machine.report(
        Level.CRITICAL if machine.root else Level.HIGH,
        "remote code",
        "builds or runs code that was fetched on the same line",
    )


def _recipe(line: str) -> str:
    """A line of a rule as the shell gets it: make's `$(NAME)` filled in by name, `$$` a dollar."""
    line = re.sub(r"\$\(shell ([^)]*)\)", r"$$(\1)", line)
    return re.sub(r"(?<!\$)\$[({](\w+)[)}]", r"$${\1}", line).replace("$$", "$")


def _makefile(machine: Machine, made: Value) -> None:
    if made.has(Taint.NETWORK):
        _fetched_code(machine)
    elif not made.known:
        machine.report(Level.HIGH, "opaque", "runs rules that are not known before they run")
    for line in re.findall(r"(?m)^\t@?-?(.+)|^[\w.-]+:[^=\n]*;\s*(.+)", made.text):
        machine.source(_recipe("".join(line)), UNKNOWN)
    for body in re.findall(r"\$\(shell ([^)]*)\)|^\w+\s*!=\s*(.+)", made.text, re.M):
        machine.source(_recipe("".join(body)), UNKNOWN)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(
        ("make", "gmake", "just", "ninja", "task", "mage", "rake", "invoke", "nox", "tox"), _make
    ),
}
