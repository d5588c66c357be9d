"""awk: its program, its files, and what is known of what it prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import run_file, run_text
from ..line_loops import judge_lines
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value, mixed

if TYPE_CHECKING:
    from ..machine import Machine


def awk(machine: Machine, arguments: Arguments, stdin: Value) -> Value:
    rest = arguments.rest
    files = arguments.each("-f", "--file", "-E", "--exec")
    codes = arguments.each("-e", "--source")
    for file in files:
        run_file(machine, file, "awk", rest, stdin)
    if files or codes:
        operands = rest
    elif rest:
        codes, operands = rest[:1], rest[1:]
    else:
        return UNKNOWN
    program = Value("\n".join(code.text for code in codes), mixed(codes))
    taint = stdin.taint
    for operand in operands:
        if "=" not in operand.text:
            taint |= targets.read(machine, operand)
            if any(value.text == "inplace" for value in arguments.each("-i", "--include")):
                targets.write(machine, operand, UNKNOWN, verb="edits")
    out = EMPTY
    judge_lines(machine, program.text, "awk", stdin, implied=True)
    if program.text:
        given = Value(HOLE, taint & ~Taint.NETWORK)
        out = run_text(machine, program, "awk", [], given, inline=True)
    if re.search(r"\$\d\s*~|/[^/]+/|==|!=|\$\d+\s*[<>]", program.text) and "NR" not in program.text:
        taint &= ~Taint.EVERYTHING
    if "%c" in program.text and not out.known:
        taint |= Taint.DECODED
    text = _column(program.text, stdin.text)
    said = out.text.strip(HOLE) != ""
    return Value(out.text if said else text, taint & ~Taint.ENDLESS | out.taint & ~Taint.NETWORK)


def _column(program: str, text: str) -> str:
    """`{print $n}` keeps what is known of a listing."""
    found = re.fullmatch(r"\{\s*print\s+\$(\d)\s*;?\s*\}", program.strip())
    if found is None or not text or HOLE in text:
        return HOLE
    at = int(found[1]) - 1
    rows = [line.split() for line in text.splitlines() if line.strip()]
    if at < 0:
        return text
    return "".join(row[at] + "\n" for row in rows if at < len(row)) or HOLE
