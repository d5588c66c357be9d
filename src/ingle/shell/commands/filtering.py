"""Pure models of what lets some of a text through: head, grep, cut and their kin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..amounts import is_vast, size_of
from ..arguments import Arguments
from ..code import run_hidden
from ..finding import Level
from ..words import HOLE, UNKNOWN, Taint, Value, show

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command
from .output import gather


def _lines(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """head, tail, sort, uniq, column…: some of the same text."""
    takes = frozenset(
        (
            "-n",
            "-c",
            "-k",
            "-t",
            "-S",
            "-T",
            "-o",
            "--lines",
            "--bytes",
            "-f",
            "-d",
            "-w",
            "-b",
            "--output",
            "--compress-program",
        )
    )
    arguments = Arguments(words, takes if name != "tail" else takes - {"-f"})
    operands = arguments.rest
    found = gather(machine, operands, stdin)
    for code in arguments.each("--compress-program"):
        run_hidden(machine, code.text, "an option of sort")
    if name == "sort" and (target := arguments.value("-o", "--output")) is not None:
        targets.write(machine, target, found)
    if name == "uniq" and len(operands) > 1:
        targets.write(machine, operands[1], found)
    taint = found.taint
    if taint & Taint.ENDLESS and name in ("tail", "sort", "gsort", "tac"):
        machine.report(Level.HIGH, "exhaust", "reads without end and keeps it all: the memory is full then")
    if name in ("head", "tail"):
        count = arguments.value("-c", "--bytes", "-n", "--lines")
        taint &= ~(
            Taint.EVERYTHING | (0 if count is not None and is_vast(size_of(count.text)) else Taint.ENDLESS)
        )
        if found.text.count("\n") > 1 and found.known:
            return Value(_cut(name, arguments, found.text), taint)
    return Value(found.text, taint)


def _cut(name: str, arguments: Arguments, text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    given = arguments.value("-n", "--lines")
    count = (
        given.text
        if given
        else next((w.text[1:] for w in arguments.words if re.fullmatch(r"-\d+", w.text)), "10")
    )
    if not re.fullmatch(r"[+-]?\d+", count):
        return text
    number = int(count)
    if name == "head":
        return "\n".join(lines[:number]) + "\n"
    return "\n".join(lines[number - 1 :] if count.startswith("+") else lines[-abs(number) :]) + "\n"


def _grep(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = "-e -f -A -B -C -m --include --exclude --exclude-dir -g -t --type --glob -d -D --color -T".split()
    arguments = Arguments(words, frozenset(takes))
    operands = arguments.rest if arguments.any("-e", "-f", "--files") else arguments.rest[1:]
    if name in ("rg", "ripgrep"):
        code = arguments.value("--pre")
        if code is not None:
            machine.source(code.text)
    found = gather(machine, operands, stdin) if operands or not arguments.any("-r", "-R") else UNKNOWN
    taint = found.taint & ~Taint.ENDLESS
    wanted = arguments.rest[0].text if arguments.rest else ""
    if operands and _CREDENTIALS.search(wanted):
        taint |= Taint.SECRET
    quiet = arguments.any("-c", "-q", "-l", "-L", "--count", "--quiet")
    if not (arguments.any("-v", "--invert-match") or _matches_all(arguments)):
        taint &= ~Taint.EVERYTHING
    text = _some_lines(found, arguments) if not quiet else HOLE
    return Value(text, taint & ~Taint.SECRET if quiet else taint)


# What somebody looks for who looks for passwords and keys in files.
_CREDENTIALS = re.compile(r"(?i)passw(?:or)?d|secret|api_?key|private key|credential|access_key")


def _matches_all(arguments: Arguments) -> bool:
    return bool(arguments.rest) and arguments.rest[0].text in (
        "",
        ".",
        ".*",
        "^",
        "$",
        "[0-9]",
        "[0-9]+",
        "/",
    )


def _some_lines(found: Value, arguments: Arguments) -> str:
    if not found.known or not arguments.rest or not arguments.rest[0].known:
        return found.text
    if arguments.any("-o", "-v", "-i", "-E", "-P", "-w", "-x", "-A", "-B", "-C"):
        return found.text if not arguments.any("-o") else HOLE
    pattern = show(arguments.rest[0].text)
    if not re.fullmatch(r"[\w ./:-]*", pattern):
        return found.text
    return "".join(line + "\n" for line in found.text.splitlines() if pattern in line) or found.text


# `env` and `$ENV` of jq as a whole: one variable of it, or a field of that name, is no secret.
_ENVIRONMENT = re.compile(r"(?:(?<![\w.$\"'])env|\$ENV)\b(?![\w\"'.\[:])")


def _strings(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """Readers whose text is not modelled: the taint goes through, a count does not carry it."""
    arguments = Arguments(
        words, frozenset(("-n", "-t", "-f", "-d", "-c", "-w", "-s", "-l", "-I", "--tab-size", "-k", "-g"))
    )
    if name == "iconv":
        for file in Arguments(words, frozenset(("-f", "-t", "-o"))).each("-o", "--output"):
            targets.write(machine, file, UNKNOWN)
    if name in ("jq", "gojq", "jaq") and any(_ENVIRONMENT.search(word.text) for word in words):
        return Value(HOLE, stdin.taint | Taint.SECRET)
    operands = arguments.rest[1:] if name in ("jq", "yq", "gron", "xmllint", "mlr") else arguments.rest
    found = gather(machine, operands, stdin)
    if name in (
        "wc",
        "md5sum",
        "sha256sum",
        "sha1sum",
        "shasum",
        "cksum",
        "md5",
        "b2sum",
        "sha512sum",
        "file",
        "stat",
    ):
        return Value(HOLE, 0)
    return Value(
        HOLE, found.taint | (Taint.DECODED if name in ("strings", "od", "hexdump", "iconv", "dd") else 0)
    )


def _cut_command(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(
        words, frozenset(("-d", "-f", "-c", "-b", "--delimiter", "--fields", "--output-delimiter"))
    )
    found = gather(machine, arguments.rest, stdin)
    text, fields, mark = found.text, arguments.value("-f", "--fields"), arguments.value("-d", "--delimiter")
    chars = arguments.value("-c", "-b")
    if not found.known:
        return Value(HOLE, found.taint)
    if fields is not None and fields.text.isdigit():
        split = mark.text if mark and mark.text else "\t"
        lines = [line.split(split) for line in text.rstrip("\n").split("\n")]
        at = int(fields.text) - 1
        return Value(
            "".join((row[at] if at < len(row) else row[0] if len(row) == 1 else "") + "\n" for row in lines),
            found.taint,
        )
    span = re.fullmatch(r"(\d*)(-?)(\d*)", chars.text) if chars is not None else None
    if span:
        low = int(span[1] or 1) - 1
        high = int(span[3]) if span[3] else (None if span[2] else low + 1)
        return Value("".join(line[low:high] + "\n" for line in text.rstrip("\n").split("\n")), found.taint)
    return Value(HOLE, found.taint)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(
        (
            "head",
            "tail",
            "sort",
            "uniq",
            "column",
            "fold",
            "fmt",
            "pr",
            "expand",
            "unexpand",
            "ghead",
        ),
        _lines,
    ),
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg", "ag", "ack", "ggrep", "zgrep"), _grep),
    "cut": _cut_command,
    **dict.fromkeys(
        "wc md5sum sha256sum sha1sum shasum cksum md5 b2sum sha512sum od hexdump hd strings jq gron diff cmp comm join "
        "iconv look spell aspell xmllint colordiff delta icdiff csvlook csvcut mlr htmlq pup glow mdcat fx".split(),
        _strings,
    ),
}
