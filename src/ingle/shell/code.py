"""Decides what running a text means: known text is analysed as code, the rest by where it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import paths, targets
from .finding import Level
from .paths import Place
from .words import EMPTY, HOLE, INHERITED, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

SHELLS = frozenset(
    "sh bash zsh dash ksh mksh ash fish rbash yash oksh csh tcsh elvish nu xonsh posh sash pdksh lksh mrsh hush loksh ksh93 bosh".split()
)
_BLANK_SOURCE = (
    "activate",
    "activate.fish",
    ".bashrc",
    ".zshrc",
    ".profile",
    ".bash_profile",
    ".zprofile",
    ".zshenv",
)


def run_text(
    machine: Machine,
    text: Value,
    language: str,
    args: list[Value],
    stdin: Value = EMPTY,
    *,
    inline: bool = False,
    strict: bool = False,
) -> Value:
    """Code in a language: weighed, and read as far as it is known."""
    weigh(machine, text, language, inline=inline, strict=strict)
    if text.text.strip(HOLE + " \n"):
        return run_known(machine, text.text, language, args, stdin)
    return Value(HOLE, Taint.INTERACTIVE if text.has(Taint.INTERACTIVE) else 0)


def weigh(
    machine: Machine, text: Value, language: str = "", *, inline: bool = False, strict: bool = False
) -> None:
    """Report code that is not known, or comes from the network; `inline` when it stands in the command itself (`sh -c`), holes
    and all: a hole between known parts is an operand there, and no code. `strict` when even a local file's lines are not to
    be trusted (`eval`)."""
    if text.has(Taint.NETWORK):
        _network(machine)
    elif text.has(Taint.DECODED) and not text.known:
        _opaque(machine, "runs code that was encoded, and could not be read")
    elif HOLE in text.text and not (inline and text.text.strip(HOLE + " \n;")):
        if (
            text.taint & Taint.FILE
            and not text.taint & (Taint.DECODED | Taint.ENDLESS)
            and not inline
            and not strict
        ):
            machine.report(Level.MODERATE, "execute", "runs a local script")
        elif text.has(Taint.INHERITED) and machine.root:
            machine.report(Level.HIGH, "privilege", "opens a shell with administrator rights")
        else:
            _opaque(machine, "runs code that is not known before it runs")
    elif HOLE in text.text and language in ("bash", "zsh", "sh", "fish") and not inline:
        _opaque(machine, "runs code of which a part is not known before it runs")


def _network(machine: Machine) -> None:
    machine.report(
        Level.CRITICAL if machine.root else Level.HIGH,
        "remote code",
        "runs code straight from the network" + (" with administrator rights" if machine.root else ""),
    )


def _opaque(machine: Machine, why: str) -> None:
    machine.report(
        Level.CRITICAL if machine.root else Level.HIGH,
        "opaque",
        why + (", with administrator rights" if machine.root else ""),
    )


def inherited(machine: Machine) -> Value:
    """What a program reads that code starts while nothing is fed to that code: the terminal; else it is not known."""
    return UNKNOWN if machine.fed.text or machine.fed.taint else INHERITED


def run_known(machine: Machine, text: str, language: str, args: list[Value], stdin: Value = EMPTY) -> Value:
    """Analyse text whose language is known, with its arguments as `$0`, `$1`, …"""
    if language in SHELLS:
        if not args:
            return machine.source(text, stdin, _grammar(language, machine))
        names = machine.state.names
        machine.state.names = dict(names)
        for index, word in enumerate(args):
            machine.state.names[str(index)] = [word]
        machine.state.names["@"] = machine.state.names["*"] = args[1:]
        try:
            return machine.source(text, stdin, _grammar(language, machine))
        finally:
            machine.state.names = names
    if language == "python":
        from . import python_code

        return python_code.analyse(machine, text, args, stdin)
    from . import script_code

    return script_code.analyse(machine, text, language, stdin)


def _grammar(language: str, machine: Machine) -> str:
    if language in ("bash", "zsh", "fish"):
        return language
    return "bash"


_HELPERS = frozenset(
    "less more most cat bat delta diff-so-fancy difft vim vi nvim nano emacs emacsclient code subl micro helix hx ed meld vimdiff kdiff3 "
    "ssh gpg gpg2 true false gzip pigz zstd xz lz4 bzip2 lbzip2 pbzip2 lzip lzma brotli pixz nc ncat cloudflared aws gcloud lesspipe "
    "firefox google-chrome chromium open xdg-open ksshaskpass ssh-askpass osxkeychain store cache manager libsecret gh glab tig".split()
)


def run_hidden(machine: Machine, code: str, where: str, stdin: Value = EMPTY) -> None:
    """Code that an option or a variable carries: harmless helpers pass, anything that acts is high."""
    before, machine.findings = machine.findings, {}
    try:
        machine.source(code, stdin)
    finally:
        found, machine.findings = machine.findings, before
    level = max((finding.level for finding in found.values()), default=Level.SAFE)
    first = code.split()[0].rpartition("/")[2] if code.split() else ""
    if level >= Level.HIGH:
        machine.findings.update(found)
    elif level is Level.MODERATE and first not in _HELPERS:
        machine.report(Level.HIGH, "execute", f"runs a command that is hidden in {where}")


def run_fetched(machine: Machine, word: Value) -> bool:
    """Report a package or program that this line fetched and now installs or starts; whether it is one."""
    made = machine.state.files.get(targets.place_of(machine, word)[0])
    found = made is not None and made.has(Taint.NETWORK)
    if found:
        _network(machine)
    return found


def language_of(text: str, default: str) -> str:
    """The language a script's first line asks for."""
    line = text.partition("\n")[0]
    if not line.startswith("#!"):
        return default
    for name, language in (
        ("python", "python"),
        ("perl", "perl"),
        ("ruby", "ruby"),
        ("node", "node"),
        ("php", "php"),
    ):
        if name in line:
            return language
    return "bash" if "sh" in line else default


def run_file(
    machine: Machine,
    word: Value,
    language: str,
    args: list[Value],
    stdin: Value = EMPTY,
    *,
    sourced: bool = False,
) -> Value:
    """A script by its path: what this line put there, what may be read, or just a local script."""
    if word.text in ("/dev/stdin", "-", "/dev/fd/0", "/proc/self/fd/0"):
        return run_text(machine, stdin, language, args)
    path, place = targets.place_of(machine, word)
    made = machine.state.files.get(path)
    if made is not None:
        return run_text(machine, made, language_of(made.text, language), args, stdin)
    if place in (Place.SOCKET, Place.SHARE) or any(
        path == top or path.startswith(top.rstrip("/") + "/") for top in machine.state.fetched
    ):
        _network(machine)
        return Value(HOLE, Taint.INTERACTIVE)
    if "://" in word.text:
        _network(machine)
        return Value(HOLE)
    if word.text == HOLE or word.has(Taint.NETWORK | Taint.DECODED):
        machine.report(Level.HIGH, "opaque", "runs a file whose name is not known before it runs")
        return Value(HOLE)
    if machine.read_file is not None and (text := machine.read_file(path)) is not None:
        return run_text(machine, Value(text), language_of(text, language), args, stdin)
    if targets.read(machine, word, shows=False) & Taint.DECODED:
        _opaque(machine, "runs what hides in a picture or a document")
        return Value(HOLE)
    name = path.rsplit("/", 1)[-1]
    if (
        sourced
        and (name in _BLANK_SOURCE or "/nvm" in path or "/completions/" in path)
        and place is not Place.TEMPORARY
    ):
        return EMPTY
    if sourced and paths.is_startup(path):
        return EMPTY
    machine.report(Level.MODERATE, "execute", f"runs a local script: `{word.shown()}`")
    return Value(HOLE, 0)
