"""Judges the options and operands that make a reader write a file or start a program, from one table for all commands.

`writes` and `makes` name options whose value is a file: a file of the user's own choice is a bounded change in
`writes`, and no change worth asking about in `makes` (what tests and builds leave behind). `runs` names options
whose value is a command, `each` those whose value is a program for every file found, `scripts` those that load code.
`operand` is the index of an operand that is written, `missing` the file when it is not given.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import stakes, targets
from .arguments import Arguments
from .finding import Level
from .paths import is_startup
from .words import HOLE, STAR, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from .machine import Machine

_LISTS = ("takes", "writes", "makes", "runs", "each", "scripts")


@dataclass(frozen=True, slots=True)
class Options:
    """What is known of one command's options."""

    takes: frozenset[str]
    writes: tuple[str, ...]
    makes: tuple[str, ...]
    runs: tuple[str, ...]
    each: tuple[str, ...]
    scripts: tuple[str, ...]
    operand: int | None
    missing: str


@cache
def _tables() -> dict[str, Options]:
    data = tomllib.loads((Path(__file__).parent / "effects" / "options.toml").read_text(encoding="utf-8"))
    tables: dict[str, Options] = {}
    for name, table in data.items():
        found = _options(table)
        for key in (name, *table.get("same", "").split()):
            tables[key] = found
    return tables


def _options(table: dict[str, Any]) -> Options:
    names = {key: tuple(table.get(key, "").split()) for key in _LISTS}
    takes = frozenset(name for group in names.values() for name in group)
    return Options(
        takes,
        names["writes"],
        names["makes"],
        names["runs"],
        names["each"],
        names["scripts"],
        table.get("operand"),
        table.get("missing", ""),
    )


def judge_options(machine: Machine, name: str, words: list[Value], stdin: Value) -> None:
    """Report what these options write or run, whatever else the command does."""
    options = _tables().get(name)
    if options is None:
        return
    arguments = Arguments(words, options.takes)
    if arguments.any("--help", "--version"):
        return
    files = arguments.each(*options.writes)
    if options.operand is not None:
        files += arguments.rest[options.operand :][:1]
        if options.missing and len(arguments.rest) <= options.operand:
            files.append(Value(options.missing))
    for value in files:
        if value.text != "-":
            targets.write(machine, value, Value(HOLE, stdin.taint))
    for value in arguments.each(*options.makes):
        path, place = targets.place_of(machine, value)
        if stakes.WRITE.get(place, Level.SAFE) >= Level.HIGH or is_startup(path):
            targets.write(machine, value, UNKNOWN)
    _judge_code(machine, options, arguments)


def _found(machine: Machine, arguments: Arguments) -> list[Value]:
    """The files below the folders that a search is given; not known where it is given none."""
    folders = [word for word in arguments.rest[1:] if word.known]
    below = [
        Value(f"{targets.place_of(machine, word)[0].rstrip('/')}/{STAR}", word.taint) for word in folders
    ]
    return below or [Value(HOLE, Taint.EVERYTHING)]


def _judge_code(machine: Machine, options: Options, arguments: Arguments) -> None:
    from .code import run_file

    for value in arguments.each(*options.runs):
        machine.source(value.text, UNKNOWN)
    for value in arguments.each(*options.each):
        if value.text:
            for found in _found(machine, arguments):
                machine.call([value, found], UNKNOWN)
    for value in arguments.each(*options.scripts):
        if value.text:
            run_file(machine, value, "other", [], UNKNOWN)
