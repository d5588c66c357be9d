"""Compilers of C: what the text of this line becomes a program of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import call, spec, stakes, targets
from ..arguments import Arguments
from ..code import run_text
from ..compiled_code import run_compiled
from ..finding import Level
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


def _compile(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """gcc and its kin; `tcc -run` starts the program at once."""
    entry = spec.find("gcc")
    if entry is None:
        return UNKNOWN
    call.judge(machine, entry, words, stdin)
    arguments = Arguments(words, entry.takes, cluster=False)
    made: list[Value] = []
    for word in arguments.rest:
        if word.text == "-":
            made.append(stdin)
        else:
            held = machine.state.files.get(targets.place_of(machine, word)[0])
            if held is not None:
                made.append(held)
    taint = 0
    for value in made:
        taint |= value.taint & (Taint.NETWORK | Taint.DECODED)
    text = "\n".join(value.text for value in made if value.known)
    if arguments.any("-run"):
        if taint:
            run_text(machine, Value(HOLE, taint), "other", [])
        return run_compiled(machine, text) if text else UNKNOWN
    if arguments.any("-c", "-S", "-E", "-fsyntax-only", "-M", "-MM"):
        return Value(HOLE, stdin.taint)
    target = arguments.value("-o") or Value("a.out")
    path, place = targets.place_of(machine, target)
    if stakes.WRITE.get(place, Level.SAFE) >= Level.HIGH:
        targets.write(machine, target, Value(HOLE, taint))
    elif text or taint:
        machine.state.files[path] = Value(text or HOLE, taint | Taint.COMPILED)
    return EMPTY


COMMANDS: dict[str, Command] = dict.fromkeys(
    ("gcc", "g++", "cc", "c++", "clang", "clang++", "tcc", "zig-cc"), _compile
)
