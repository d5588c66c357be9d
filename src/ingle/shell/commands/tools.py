"""Ordinary tools that can run code: pagers, choosers, terminals, keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import call, spec, strangers, targets
from ..arguments import Arguments
from ..balance import broken
from ..code import run_file, run_hidden, weigh
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _pager(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """man, info, git-like tools with `-P PAGER` or a file to print."""
    arguments = Arguments(
        words, frozenset("-P --pager -H --html -C -M -S -s -e -E -L -m -p -r -T -X --preprocessor".split())
    )
    for code in arguments.each("-P", "--pager", "-H", "--html", "-p"):
        run_hidden(machine, code.text, "an option of man")
    return UNKNOWN


def _fzf(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words,
        frozenset(
            "--preview --bind -q --query --prompt -d --delimiter --with-nth -n --nth --header --height --preview-window".split()
        ),
    )
    for code in arguments.each("--preview"):
        machine.source(re.sub(r"\{[^}]*\}", "item", code.text), UNKNOWN)
    for bind in arguments.each("--bind"):
        for found in re.findall(r"(?:execute|execute-silent|become|reload)\(([^)]*)\)", bind.text):
            machine.source(re.sub(r"\{[^}]*\}", "item", found), UNKNOWN)
    return Value(HOLE, stdin.taint & ~Taint.EVERYTHING)


def _expect(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for code in [*Arguments(words, frozenset(("-c",))).each("-c"), *([] if words else [stdin])]:
        weigh(machine, code, inline=bool(code.text.strip(HOLE + " \n")))
        if broken(code.text, "tcl"):
            machine.report(Level.HIGH, "unread", "this script of expect is not whole: it could not be read")
        for found in re.findall(r"(?:spawn|system|exec)\s+([^;\n]+)", code.text):
            machine.source(found, UNKNOWN)
    if words and not words[0].text.startswith("-"):
        return run_file(machine, words[0], "other", words, stdin)
    return UNKNOWN


def _lnav(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """A reader of logs whose commands may hand a line to a shell."""
    arguments = Arguments(words, frozenset("-c -f -I -d".split()))
    for command in arguments.each("-c"):
        for code in strangers.escapes(command.text):
            machine.source(code, UNKNOWN)
    return Value(HOLE, stdin.taint)


def _terminal(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Terminals that run a command, and servers that put a shell on the network."""
    if name in ("ttyd", "gotty", "wetty", "shellinabox", "shellinaboxd", "sshx", "tmate", "upterm"):
        shell = any(re.search(r"(?:ba|z|fi)?sh\Z|login|tmux", word.text) for word in words) or name in (
            "sshx",
            "tmate",
            "upterm",
            "wetty",
            "shellinaboxd",
        )
        machine.report(
            Level.HIGH if shell else Level.MODERATE,
            "backdoor",
            "puts a terminal of this machine on the network",
        )
        return UNKNOWN
    screen = Arguments(words, frozenset(("-display", "--display")), cluster=False).value(
        "-display", "--display"
    )
    if screen is not None and not re.match(r"(?:|localhost|unix|127\.\S*):", screen.text):
        machine.report(Level.CRITICAL, "backdoor", "puts a terminal of this machine on another host's screen")
    at = next(
        (
            index
            for index, word in enumerate(words)
            if word.text in ("-e", "-x", "--", "--command", "--execute")
        ),
        None,
    )
    if at is not None and at + 1 < len(words):
        machine.source(" ".join(word.text for word in words[at + 1 :]), UNKNOWN)
    return UNKNOWN


def _systemctl(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    entry = spec.find("systemctl")
    if entry is not None:
        call.judge(machine, entry, words, stdin)
    return Value(HOLE, 0)


def _gpg(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """gpg: keys that go, files that are locked, secrets that are shown."""
    arguments = Arguments(
        words,
        frozenset(
            "-r --recipient -o --output -u --local-user --passphrase --passphrase-file --homedir --keyserver --cipher-algo --passphrase-fd -k --key --pinentry-mode --batch-size --trust-model".split()
        ),
    )
    target = arguments.value("-o", "--output")
    if arguments.any("--delete-secret-keys", "--delete-secret-key", "--delete-secret-and-public-key"):
        machine.report(
            Level.HIGH,
            "delete",
            "deletes private keys: what was encrypted to them is lost",
        )
    elif any(flag.startswith("--export-secret") for flag in arguments.flags):
        machine.report(Level.MODERATE, "secret", "shows private keys")
        if target is not None:
            targets.write(machine, target, Value(HOLE, Taint.SECRET))
        return Value(HOLE, Taint.SECRET)
    elif arguments.any(
        "-k",
        "--list-keys",
        "-K",
        "--list-secret-keys",
        "--verify",
        "--fingerprint",
        "--version",
        "--list-packets",
        "--export",
        "--with-colons",
    ):
        return Value(HOLE, 0)
    taint = stdin.taint
    for word in arguments.rest:
        taint |= targets.read(machine, word, shows=False)
        if arguments.any("-c", "-e", "--symmetric", "--encrypt"):
            targets.lock(machine, word)
    decrypts = arguments.any("-d", "--decrypt")
    taint |= Taint.DECODED if decrypts else 0
    if target is not None:
        targets.write(machine, target, Value(HOLE, taint))
    elif not decrypts:
        machine.report(Level.MODERATE, "write", "writes encrypted files, signatures or keys")
    return Value(
        HOLE, taint & ~Taint.SECRET if arguments.any("-c", "-e", "--symmetric", "--encrypt") else taint
    )


def _direnv(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value | None:
    """`direnv allow` runs a folder's `.envrc`, now and at every visit; `exec FOLDER COMMAND` runs both."""
    rest = [word for word in words if word.text[:1] != "-"]
    task = rest[0].text if rest else ""
    if task in ("hook", "export", "stdlib"):
        return EMPTY  # text for eval that direnv itself vouches for
    if task in ("status", "version", "help", "deny", "disallow", "revoke", "block", "prune", ""):
        return UNKNOWN
    folder = rest[1].text.rstrip("/") if len(rest) > 1 else "."
    file = folder if folder.endswith("rc") else f"{folder}/.envrc"
    if task in ("allow", "permit", "grant", "reload", "exec"):
        run_file(machine, Value(file), "bash", [], sourced=True)
    if task == "exec" and len(rest) > 2:
        return machine.call(words[words.index(rest[2]) :], stdin)
    machine.report(Level.MODERATE, "execute", "lets a folder set the environment of this shell")
    return UNKNOWN


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("man", "info", "apropos", "whatis", "tldr", "pinfo"), _pager),
    **dict.fromkeys(("fzf", "sk"), _fzf),
    "expect": _expect,
    **dict.fromkeys(
        "xterm gnome-terminal konsole alacritty kitty wezterm foot urxvt xfce4-terminal terminator x-terminal-emulator ttyd gotty wetty shellinabox shellinaboxd sshx tmate upterm".split(),
        _terminal,
    ),
    "direnv": _direnv,
    "lnav": _lnav,
    "systemctl": _systemctl,
    **dict.fromkeys(("gpg", "gpg2"), _gpg),
}
