"""Editors and debuggers: what their commands run, write and open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_hidden, run_text
from ..finding import Level
from ..words import EMPTY, UNKNOWN, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _vim(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset("-c --cmd -S -u -i -w -W -p --startuptime".split()) - {"-p"})
    codes = arguments.each("-c", "--cmd") + [
        Value(word.text[1:]) for word in words if word.text.startswith("+") and len(word.text) > 1
    ]
    for code in codes:
        _ex(machine, code)
        if re.search(r"(?:\A|\||\n)\s*:?(?:w|wq|x|up|update)!?\s*(?:\Z|\||\n)", code.text):
            for word in arguments.rest:
                targets.write(machine, word, UNKNOWN, verb="edits")
    for script in arguments.each("-S", "-u"):
        if script.text not in ("NONE", "NORC", "DEFAULTS"):
            machine.report(Level.MODERATE, "execute", f"runs the script `{script.shown()}`")
    if name in ("ex", "ed", "vim", "vi") and stdin.text:
        _ex(machine, stdin)
        if re.search(r"(?m)^\s*w(?:q)?!?\s*$", stdin.text):
            for word in arguments.rest:
                targets.write(machine, word, UNKNOWN, verb="edits")
    if machine.privileged:
        machine.report(Level.MODERATE, "write", "edits with administrator rights")
        for word in arguments.rest:
            _, place = targets.place_of(machine, word)
            if targets.WRITE.get(place, Level.SAFE) >= Level.HIGH:
                machine.report(Level.HIGH, "write", f"edits a system file: `{word.shown()}`")
    return EMPTY


def _lines(text: str) -> list[str]:
    """The commands of an editor's line; what follows `!` is the shell's, with its bars."""
    found: list[str] = []
    for line in text.split("\n"):
        shell = re.match(
            r"\s*:?(?:silent!? ?|%|\d*,?\d*|\.)?(?:(?:r(?:ead)? ?|w(?:rite)? ?)?!|(?:py|lua|ruby|perl|call|echo|let|te))",
            line,
        )
        found.extend([line] if shell else re.split(r"(?<!\\)\|(?![|])", line))
    return found


def _ex(machine: Machine, code: Value) -> None:
    for line in _lines(code.text):
        text = line.strip().lstrip(":")
        shell = re.match(r"(?:silent!? ?|sil!? )?(?:%|\d*|r(?:ead)? ?|w(?:rite)? ?)?!+\s*(.+)", text)
        if shell:
            run_hidden(machine, shell[1], "an editor's command")
        elif found := re.match(r"(?:call |echo |silent! )?delete\(([^)]*)\)", text):
            parts = re.findall(r"['\"]([^'\"]*)['\"]", found[1])
            if parts:
                where = re.sub(r"\A(?:~|\$HOME)", machine.home(""), parts[0])
                targets.delete(machine, Value(where), tree="rf" in parts)
        elif re.match(r"so(?:urce)?!? +(?:https?|ftp|scp|sftp|rsync)://", text):
            machine.report(Level.HIGH, "remote code", "runs a script straight from an address")
        elif found := re.match(
            r"(?:call |echo |let \w+ ?= ?)?(?:system|systemlist|jobstart|termopen|job_start)\((['\"])(.*)\1",
            text,
        ):
            machine.source(found[2], UNKNOWN)
        elif re.match(r"(?:py(?:thon)?3?|pyx|lua|ruby|perl)\b", text):
            word, _, body = text.partition(" ")
            if word == "lua":
                found = re.search(r"os\.execute\(['\"](.*?)['\"]\)", body)
                machine.source(found[1], UNKNOWN) if found else None
            else:
                run_text(machine, Value(body), "python", [])
        elif re.match(r"(?:terminal|term|te)\b ?(.+)", text):
            machine.source(text.partition(" ")[2].lstrip("+ "), UNKNOWN)
        elif re.match(r"(?:w|wq|x|wa|wqa|write|sav|saveas)\b!? ?(\S*)", text) and len(text.split()) > 1:
            targets.write(machine, Value(text.split()[1]), UNKNOWN)
        elif re.match(r"(?:x|w|wq|wa|wqa|xa)!?\Z", text):
            machine.report(Level.MODERATE, "write", "edits the named file")
        elif re.match(r"(?:sh|shell)\b", text) and machine.root:
            machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")


def _emacs(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for code in Arguments(
        words, frozenset("--eval -eval --execute -l --load -f --funcall --script".split())
    ).each("--eval", "-eval", "--execute"):
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
        frozenset("-ex -iex -x -eval-command --eval-command -o -O -s -p -pid --one-line --source -k".split()),
        cluster=False,
    )
    ran = False
    for code in arguments.each(
        "-ex", "-iex", "-eval-command", "--eval-command", "-o", "-O", "--one-line", "-k"
    ):
        text = code.text.strip()
        found = re.match(r"(?:shell|!|platform shell|make)\s*(.*)", text)
        if found:
            ran = True
            machine.source(found[1] or "sh", UNKNOWN)
        elif re.match(r"(?:py(?:thon)?|script)\s+(.+)", text):
            ran = True
            run_text(machine, Value(text.partition(" ")[2]), "python", [])
        elif re.match(r"(?:call|print|p|expr)\b.*(?:system|execve?|setuid|popen)\s*\(", text):
            ran = True
            machine.report(Level.HIGH, "execute", "runs code inside another process")
    if ran:
        machine.report(Level.HIGH, "execute", "runs commands through a debugger")
    elif arguments.any("-p", "-pid", "--pid"):
        machine.report(Level.MODERATE, "execute", "stops a process to look inside it")
    else:
        machine.report(Level.MODERATE, "execute", "runs a program under a debugger")
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(
        "vim vi nvim ex view vimdiff rvim rview gvim mvim vimx gvimdiff nvim-qt nano pico micro joe kak helix hx ed".split(),
        _vim,
    ),
    **dict.fromkeys(("emacs", "emacsclient"), _emacs),
    **dict.fromkeys(("gdb", "lldb", "cgdb", "jdb", "pdb"), _debugger),
}
