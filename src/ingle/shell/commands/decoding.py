"""Pure models of what turns text into other text: base64, xxd, rev, tr."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..scan import ansi
from ..words import HOLE, Taint, Value, show

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command
from .output import gather

_SET = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r\f\v",
    "[:alpha:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}


def _base64(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-w", "--wrap", "-b", "-i", "-o", "--input")))
    operands = arguments.rest + arguments.each("-i", "--input")
    found = gather(machine, operands, stdin)
    width = 32 if name == "base32" else 64
    if arguments.any("-d", "-D", "--decode"):
        return decoded(found, width)
    return encoded(found, width)


def decoded(value: Value, width: int) -> Value:
    taint = value.taint | Taint.DECODED
    if not value.known:
        return Value(HOLE, taint)
    text = re.sub(r"\s", "", value.text)
    try:
        raw = base64.b32decode(text) if width == 32 else base64.b64decode(text + "=" * (-len(text) % 4))
        return Value(raw.decode("utf-8"), value.taint)
    except (ValueError, binascii.Error):
        return Value(HOLE, taint)


def encoded(value: Value, width: int) -> Value:
    if not value.known:
        return Value(HOLE, value.taint)
    raw = show(value.text).encode()
    return Value(
        (base64.b32encode(raw) if width == 32 else base64.b64encode(raw)).decode() + "\n", value.taint
    )


def _xxd(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words, frozenset(("-c", "-g", "-l", "-s", "-o", "-cols", "-len", "-seek")))
    found = gather(machine, arguments.rest[:1], stdin)
    if not arguments.any("-r", "--reverse", "-revert"):
        return Value(HOLE, found.taint)
    for target in arguments.rest[1:2]:
        targets.write(machine, target, Value(HOLE, found.taint))
    text = (
        re.sub(r"(?m)^[0-9a-f]+:|\s{2}.*$", "", found.text) if not arguments.any("-p", "-ps") else found.text
    )
    try:
        return Value(bytes.fromhex(re.sub(r"\s|0x", "", text)).decode("utf-8"), found.taint)
    except ValueError:
        return Value(HOLE, found.taint | Taint.DECODED)


def _rev(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    found = gather(machine, Arguments(words).rest, stdin)
    if not found.known:
        return Value(found.text, found.taint | (Taint.DECODED if name == "rev" else 0))
    lines = found.text.split("\n")
    if name in ("tac",):
        return Value("\n".join(reversed(lines[:-1] if lines[-1:] == [""] else lines)) + "\n", found.taint)
    return Value("\n".join(line[::-1] for line in lines), found.taint)


def _characters(text: str) -> str:
    for name, members in _SET.items():
        text = text.replace(name, members)
    text = ansi(text) if "\\" in text else text
    return re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), text, flags=re.S)


def _tr(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    arguments = Arguments(words)
    if not stdin.known or not arguments.rest:
        turns = len(arguments.rest) > 1 and all("-" in word.text for word in arguments.rest[:2])
        return Value(HOLE, stdin.taint | (Taint.DECODED if turns else 0))
    old = _characters(show(arguments.rest[0].text))
    text = stdin.text
    if arguments.any("-d", "--delete"):
        keep = arguments.any("-c", "-C")
        return Value("".join(c for c in text if (c in old) == keep), stdin.taint)
    new = _characters(show(arguments.rest[1].text)) if len(arguments.rest) > 1 else ""
    if arguments.any("-c", "-C") or (not new and not arguments.any("-s")):
        return Value(HOLE, stdin.taint)
    table = {ord(c): new[min(i, len(new) - 1)] for i, c in reversed(list(enumerate(old)))} if new else {}
    return Value(text.translate(table), stdin.taint)


def _paste(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    """`paste -s -d SIGN` puts lines together; side by side they are not known."""
    arguments = Arguments(words, frozenset(("-d", "--delimiters")))
    found = gather(machine, arguments.rest, stdin)
    if not found.known or not arguments.any("-s", "--serial"):
        return Value(HOLE, found.taint)
    sign = arguments.value("-d", "--delimiters")
    between = "\t" if sign is None else sign.text.replace("\\n", "\n").replace("\\0", "")[:1]
    return Value(between.join(found.text.rstrip("\n").split("\n")) + "\n", found.taint)


def _unit(text: str) -> str:
    return codecs.decode(text, "rot13")


def _rot13(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    return Value(_unit(stdin.text), stdin.taint)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("base64", "base32", "gbase64"), _base64),
    **dict.fromkeys(("xxd",), _xxd),
    **dict.fromkeys(("rev", "tac"), _rev),
    "tr": _tr,
    "paste": _paste,
    "rot13": _rot13,
}
