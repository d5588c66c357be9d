"""Editors and debuggers: what their commands run, write and open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import stakes, targets
from ..arguments import Arguments
from ..balance import broken
from ..code import run_text, weigh
from ..ex_code import WRITES, judge_ex
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command
from .output import content


def _vim(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    silent = name in ("ex", "ed") or any(re.match(r"-[a-zA-Z]*[eE]", word.text) for word in words)
    takes = frozenset("-c --cmd -S -u -i -w -W --startuptime".split())
    arguments = Arguments(words, takes if silent else takes | {"-s"})  # `-s` is silence there, else a file
    jumps = [
        Value(word.text[1:], word.taint) for word in words if word.text.startswith("+") and word.text != "+"
    ]
    if name in _LINED:
        jumps = []  # a line, and nothing else
    if any(_TO_LINE.fullmatch(piece.text) for piece in machine.here.pieces):
        jumps = [jump for jump in jumps if jump.text != HOLE]
    for code in [*arguments.each("-c", "--cmd"), *jumps]:
        _commands(machine, code, arguments, inline=True)
    for script in arguments.each("-S", "-s", "-u"):
        if script.text not in ("NONE", "NORC", "DEFAULTS"):
            _script(machine, script, arguments, stdin)
    if name in ("ex", "ed") or (name in ("vim", "vi") and "-" not in [word.text for word in arguments.rest]):
        _commands(machine, stdin, arguments, inline=False)
    if machine.privileged:
        machine.report(Level.MODERATE, "write", "edits with administrator rights")
        for word in arguments.rest:
            _, place = targets.place_of(machine, word)
            if stakes.WRITE.get(place, Level.SAFE) >= Level.HIGH:
                machine.report(Level.HIGH, "write", f"edits a system file: `{word.shown()}`")
    return EMPTY


# `+$line`: what a variable holds is not known, and its name says a number; a command would be in one of another name.
_TO_LINE = re.compile(
    r"""["']?\+["']?\$(?:\{?(?:n|nr|num|no|l|ln|lno|row|\w*line(?:_?(?:n|no|nr|num|number))?)\}?|\(\([^()]*\)\))["']?""",
    re.I,
)
_LINED = frozenset(("nano", "pico", "micro", "joe", "hx", "helix"))


def _script(machine: Machine, script: Value, arguments: Arguments, stdin: Value) -> None:
    """A file of commands: what this line put there is read."""
    made = stdin if script.text in ("-", "/dev/stdin") else content(machine, script)
    _commands(machine, UNKNOWN if script.text == HOLE else made, arguments, inline=False)


def _commands(machine: Machine, code: Value, arguments: Arguments, *, inline: bool) -> None:
    if not code.text:
        return
    weigh(machine, code, inline=inline or bool(code.text.strip(HOLE + " \n")))
    judge_ex(machine, code.text)
    if WRITES.search(code.text):
        for word in arguments.rest:
            targets.write(machine, word, UNKNOWN, verb="edits")


def _emacs(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for code in Arguments(
        words, frozenset("--eval -eval --execute -l --load -f --funcall --script".split())
    ).each("--eval", "-eval", "--execute"):
        weigh(machine, code, inline=True)
        if broken(code.text, "lisp"):
            machine.report(Level.HIGH, "unread", "this Emacs Lisp is not whole: it could not be read")
        found = re.findall(
            r'\((?:shell-command(?:-to-string)?|async-shell-command|call-process-shell-command|start-process-shell-command)[^"]*"((?:[^"\\]|\\.)*)"',
            code.text,
        )
        for text in found:
            machine.source(text, UNKNOWN)
        if re.search(
            r"\((?:load|load-file|eval-buffer|url-retrieve-synchronously|url-insert-file-contents|package-install-file)\b[^\n]{0,200}https?://",
            code.text,
        ):
            machine.report(Level.HIGH, "remote code", "runs code straight from the network")
        deleted = re.findall(r'\(delete-(?:file|directory)\s+"([^"]*)"(\s+t)?', code.text)
        for path, tree in deleted:
            where = re.sub(r"\A~(?=/|\Z)", machine.home(""), path)
            targets.delete(machine, Value(where), tree=bool(tree))
        if not found and not deleted and not re.match(r"\s*\((?:message|print|princ|\+|-|\*)", code.text):
            machine.report(Level.MODERATE, "execute", "runs Emacs Lisp")
    return EMPTY


def _debugger(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset(
            "-ex -iex -x -eval-command --eval-command -o -O -s -p -pid --one-line --source -k --command".split()
        ),
        cluster=False,
    )
    ran = False
    for file in arguments.each("-x", "-s", "--source", "--command"):
        made = stdin if file.text in ("-", "/dev/stdin") else content(machine, file)
        weigh(machine, UNKNOWN if file.text == HOLE else made)
        ran = _debugs(machine, made.text) or ran
    for code in arguments.each(
        "-ex", "-iex", "-eval-command", "--eval-command", "-o", "-O", "--one-line", "-k"
    ):
        weigh(machine, code, inline=True)
        ran = _debugs(machine, code.text) or ran
    if stdin.text:
        weigh(machine, stdin, inline=bool(stdin.text.strip(HOLE + " \n")))
        ran = _debugs(machine, stdin.text) or ran
    if ran:
        machine.report(Level.HIGH, "execute", "runs commands through a debugger")
    elif arguments.any("-p", "-pid", "--pid"):
        machine.report(Level.MODERATE, "execute", "stops a process to look inside it")
    else:
        machine.report(Level.MODERATE, "execute", "runs a program under a debugger")
    return UNKNOWN


def _debugs(machine: Machine, text: str) -> bool:
    """Read a debugger's commands line by line; whether one of them runs something else."""
    ran = False
    for line in text.split("\n"):
        code = line.strip()
        found = re.match(r"(?:shell|!|platform shell|make)\s*(.*)", code)
        if found:
            ran = True
            machine.source(found[1] or "sh", UNKNOWN)
        elif re.match(r"(?:py(?:thon)?|script)\s+(.+)", code):
            ran = True
            run_text(machine, Value(code.partition(" ")[2]), "python", [], inline=True)
        elif re.match(r"(?:call|print|p|expr)\b.*(?:system|execve?|setuid|popen)\s*\(", code):
            ran = True
            machine.report(Level.HIGH, "execute", "runs code inside another process")
    return ran


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(
        "vim vi nvim ex view vimdiff rvim rview gvim mvim vimx gvimdiff nvim-qt nano pico micro joe kak helix hx ed".split(),
        _vim,
    ),
    **dict.fromkeys(("emacs", "emacsclient"), _emacs),
    **dict.fromkeys(("gdb", "lldb", "cgdb", "jdb", "pdb"), _debugger),
}
