"""Pure models of the commands that print: echo, printf, cat, ls, seq."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import hooks, targets
from ..arguments import Arguments
from ..limits import MAX_FIELDS, MAX_TEXT
from ..scan import ROW, ansi
from ..words import EMPTY, HOLE, STAR, UNKNOWN, Taint, Value, bounded, joined, mixed

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


_FORMAT = re.compile(r"%(?:%|[-+ #0]*(?:\*|\d+)?(?:\.\d+)?([bcdiouxXeEfFgGsq])|\([^)]*\)T)")


def _echo(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    newline, escapes, at = "\n", machine.shell in ("sh", "zsh"), 0
    while at < len(words) and re.fullmatch(r"-[neE]+", words[at].text):
        newline = "" if "n" in words[at].text else newline
        escapes = "e" in words[at].text or (escapes and "E" not in words[at].text)
        at += 1
    text, taint = joined(machine, words[at:])
    if escapes and "\\" in text:
        text = _escapes(text)
    return Value(text + newline, taint)


def _escapes(text: str) -> str:
    """The escapes of `echo -e` and `%b`, where an octal number begins with a nought of its own."""
    return ansi(re.sub(r"\\0([0-7]{1,3})", r"\\\1", text))


def _print(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """zsh's `print`: its options end at the first word that is none; `-u` names the descriptor that it goes to."""
    at, descriptor = 0, ""
    while at < len(words) and re.fullmatch(r"-[a-zA-Z]+\d*|--|-", words[at].text):
        option = words[at].text
        at += 1
        if option in ("--", "-"):
            break
        if option.endswith("u") and at < len(words):
            descriptor = words[at].text
            at += 1
        elif "u" in option:
            descriptor = option.partition("u")[2]
    said = _echo(machine, "echo", words[at:], stdin)
    if descriptor in machine.state.streams:
        targets.write(machine, Value(machine.state.streams[descriptor]), said)
        return EMPTY
    return said


def _printf(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    variable = None
    if len(words) > 2 and words[0].text == "-v":
        variable, words = words[1].text, words[2:]
        hooks.arithmetic(machine, variable)
    if words and words[0].text == "--":
        words = words[1:]
    if not words:
        return EMPTY
    shape = _escapes(words[0].text)
    found = bounded(machine, _formatted(shape, words[1:]), mixed(words))
    if variable is not None:
        machine.assign(variable, found)
        return EMPTY
    return found


def _formatted(shape: str, words: list[Value]) -> str:
    if not words and "%" not in shape:
        return shape
    queue = [word.text for word in words]
    made: list[str] = []

    def fill(match: re.Match[str]) -> str:
        if match.group() == "%%":
            return "%"
        text = queue.pop(0) if queue else ""
        kind = match.group(1)
        if kind == "b":
            return _escapes(text)
        if kind == "c":
            return text[:1]
        if kind in ("x", "X", "o", "d", "i") and re.fullmatch(r"-?\d+", text):
            return format(int(text), {"i": "d"}.get(kind, kind))
        return text

    while (
        len(made) * len(shape) <= 2 * MAX_TEXT
    ):  # a round takes a word at least; who is given more text reports it
        before = len(queue)
        made.append(_FORMAT.sub(fill, shape))
        if not queue or len(queue) == before:
            break
    return "".join(made)


INPUT = frozenset(("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"))
"""Names of a program's own input."""


def content(machine: Machine, word: Value) -> Value:
    """What a file holds: what this line wrote there, or a hole with the taint of the place."""
    if word.text in INPUT:
        return machine.fed
    path, _ = targets.place_of(machine, word)
    if path == "/dev/null":
        return Value("", Taint.FILE)
    made = machine.state.files.get(path)
    return made if made is not None else Value(HOLE, targets.read(machine, word))


def gather(machine: Machine, operands: list[Value], stdin: Value) -> Value:
    if not operands:
        return stdin
    text, taint = "", 0
    for word in operands:
        found = stdin if word.text in INPUT else content(machine, word)
        text, taint = text + found.text, taint | found.taint
    return bounded(machine, text, taint)


def _cat(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    for word in words:
        if name in ("less", "more", "most") and word.text.startswith("+!"):
            machine.source(word.text[2:])
    takes = frozenset(("-l", "--language", "--style", "--theme", "-r", "--line-range", "--color", "--paging"))
    found = gather(machine, Arguments(words, takes if name.startswith("bat") else ()).rest, stdin)
    return Value(found.text, found.taint | Taint.DECODED) if name in _UNPACKERS else found


_UNPACKERS = frozenset(("zcat", "gzcat", "bzcat", "xzcat", "zstdcat"))


def _yes(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(" ".join(word.text for word in words) or "y", Taint.ENDLESS)


def _seq(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if words and re.fullmatch(r"\d{0,3}\.?\d{0,3}e\d{2,}|inf|\d{11,}", words[-1].text):
        return Value(HOLE, Taint.ENDLESS)
    numbers = [word.text for word in words if re.fullmatch(r"-?\d+", word.text)]
    if len(numbers) != len(words) or not numbers or len(numbers) > 3:
        return UNKNOWN
    if int(numbers[-1]) > 10**10:
        return Value(HOLE, Taint.ENDLESS)
    low, high = (1, int(numbers[0])) if len(numbers) == 1 else (int(numbers[0]), int(numbers[-1]))
    if high - low >= MAX_FIELDS:  # its ends, and a hole for the numbers between them
        return Value("\n".join([*map(str, range(low, low + ROW)), HOLE, str(high)]) + "\n")
    return Value("\n".join(map(str, range(low, high + 1))) + "\n")


def _lsblk(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """The names of every disk, with their path where it is asked for."""
    texts = [word.text for word in words]
    full = any(
        text in ("-p", "--paths") or re.fullmatch(r"-[a-z]*p[a-z]*", text) or "PATH" in text for text in texts
    )
    return Value(f"{'/dev/' if full else ''}sd{STAR}\n", Taint.EVERYTHING)


def _df(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(HOLE, Taint.SPACE)


def _ls(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """A listing is the list of its operands: `ls -d /*` names everything below the root."""
    arguments = Arguments(
        words, frozenset(("-I", "-w", "-T", "--color", "--ignore", "--level", "-L", "--sort", "-s"))
    )
    operands = arguments.rest
    if not operands:
        return Value(STAR + "\n", Taint.EVERYTHING)
    if arguments.any("-d") or all(word.wild for word in operands):
        return Value("\n".join(word.text for word in operands) + "\n")
    return Value("\n".join(HOLE if len(operands) > 1 else STAR for _ in operands) + "\n", Taint.EVERYTHING)


def _whoami(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    if name == "id" and not any(word.text in ("-u", "-un", "-nu") for word in words):
        return UNKNOWN
    return Value("1000\n" if name == "id" and words and words[0].text == "-u" else "user\n")


COMMANDS: dict[str, Command] = {
    "lsblk": _lsblk,
    **dict.fromkeys(("df", "duf"), _df),
    "echo": _echo,
    "print": _print,
    "printf": _printf,
    **dict.fromkeys(
        (
            "cat",
            "bat",
            "batcat",
            "zcat",
            "gzcat",
            "bzcat",
            "xzcat",
            "zstdcat",
            "nl",
            "less",
            "more",
            "most",
            "pv",
        ),
        _cat,
    ),
    "yes": _yes,
    "seq": _seq,
    **dict.fromkeys(("ls", "dir", "vdir", "gls", "lsd", "exa", "eza"), _ls),
    **dict.fromkeys(("whoami", "id", "logname"), _whoami),
}
