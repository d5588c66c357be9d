"""sed: edits in place, writes and runs, and its substitutions on constant text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import targets
from ..arguments import Arguments
from ..code import weigh
from ..finding import Level
from ..limits import MAX_MATCHED, MAX_PATTERN, cut
from ..sed_code import Standing, standing
from ..words import EMPTY, HOLE, UNKNOWN, Taint, Value, mixed
from .output import INPUT, content

if TYPE_CHECKING:
    from ..machine import Machine
    from . import Command


_SED_WRITE = re.compile(r"(?:^|[;{}/\d]|[gpI])w\s+(\S+)")


_SED_RUN = re.compile(r"(?:^|;|\d|\}|/)\s*e(?:\s+([^;\n]+)|\s*$)|(?:/|\||#|,|!)[gpiI\d]*e[gpiI\d]*(?:\s*$|;)")


_SED_SUBSTITUTE = re.compile(
    r"(\d*)s(?P<mark>[^\w\s])(?P<old>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<new>(?:\\.|(?!(?P=mark)).)*)(?P=mark)(?P<flags>[gpiI\d]*)"
)


# A text that is put before every line, whatever that holds.
_BEFORE = re.compile(r"s(?P<mark>[^\w\s])(?:\^|\^\.\*|\.\*)(?P=mark)(?P<new>[^\\&/|]+ )&?(?P=mark)g?")


def _sed(machine: Machine, name: str, words: list[Value], stdin: Value) -> Value:
    takes = frozenset("-e --expression -f --file -l".split())
    arguments = Arguments(
        [word for word in words if not re.fullmatch(r"-i\.\w+|-i[~_]\w*", word.text)], takes
    )
    in_place = any(re.match(r"-[nErsz]*i|--in-place", word.text) for word in words) or name == "sd"
    scripts = arguments.each("-e", "--expression")
    rest = arguments.rest
    if in_place and len(rest) > 1 and re.fullmatch(r"|\.\w+", rest[0].text):
        rest = rest[1:]  # the suffix of a copy, which BSD's sed takes as a word
    if not scripts and arguments.flags.isdisjoint(("-f", "--file")) and rest:
        scripts, rest = rest[:1], rest[1:]
    for file in arguments.each("-f", "--file"):
        _sed_file(machine, file, stdin)
    _sed_known(machine, scripts)
    for script in scripts:
        _sed_script(machine, script.text)
    if in_place:
        for word in rest:
            targets.write(machine, word, UNKNOWN, verb="edits")
        return EMPTY
    held = [stdin if word.text in INPUT else content(machine, word) for word in rest] or [stdin]
    return _substituted(machine, Value(held[0].text, mixed(held)), scripts, arguments)


def _sed_known(machine: Machine, scripts: list[Value]) -> None:
    """What stands in `-e` or comes first is one script: code that is not known, or is none, is high."""
    for script in scripts:
        if script.has(Taint.NETWORK):
            weigh(machine, script, inline=True)
    found = standing("\n".join(script.text for script in scripts))
    if found is Standing.UNKNOWN:
        weigh(machine, UNKNOWN, inline=True)
    elif found is Standing.BROKEN:
        machine.report(Level.HIGH, "unread", "this script of sed could not be read")


def _sed_file(machine: Machine, file: Value, stdin: Value) -> None:
    """A script of sed may write and run what it likes; one that was made here can be read."""
    made = stdin if file.text in ("-", "/dev/stdin") else content(machine, file)
    weigh(machine, UNKNOWN if file.text == HOLE else made)
    if made.text and made.known:
        _sed_script(machine, made.text)


def _sed_script(machine: Machine, text: str) -> None:
    for target in _SED_WRITE.findall(text):
        if not re.match(r"s(.).*\1.*w", text) or "/w " in text or text.startswith("w"):
            targets.write(machine, Value(target), UNKNOWN)
    found = _SED_RUN.search(text)
    if found and found.group(1):
        machine.source(found.group(1), UNKNOWN)
    elif found:
        substitution = _SED_SUBSTITUTE.match(text)
        if substitution and not substitution["new"].startswith("&"):
            machine.source(substitution["new"], UNKNOWN)
        machine.report(Level.HIGH, "opaque", "runs its input as commands")


def _substituted(machine: Machine, value: Value, scripts: list[Value], arguments: Arguments) -> Value:
    """`sed 's/a/b/'` on constant text."""
    if not value.known and len(scripts) == 1 and (found := _BEFORE.fullmatch(scripts[0].text)):
        return Value(found["new"] + HOLE + "\n", value.taint)
    if not value.known or not scripts or arguments.any("-n", "-f"):
        return Value(HOLE if "-n" in arguments.flags or not value.known else value.text, value.taint)
    text = value.text
    for script in scripts:
        for part in script.text.split(";") if "\\;" not in script.text else [script.text]:
            found = _SED_SUBSTITUTE.fullmatch(part.strip())
            if found is None:
                return Value(text if part.strip() in ("", "p") else HOLE, value.taint)
            if len(found["old"]) > MAX_PATTERN or len(text) > MAX_MATCHED:
                cut(machine, "characters for one pattern")
                return Value(HOLE, value.taint)
            if not _quick(found["old"]):
                return Value(HOLE, value.taint)
            try:
                old = found["old"] if arguments.any("-E", "-r") else _basic(found["old"])
                new = re.sub(
                    r"(?<!\\)&", r"\\g<0>", found["new"].replace("\\" + found["mark"], found["mark"])
                )
                text = re.sub(
                    old,
                    new.replace("\\n", "\n"),
                    text,
                    count=0 if "g" in found["flags"] else 1,
                    flags=re.M,
                )
            except (re.error, IndexError):
                return Value(HOLE, value.taint)
    return Value(text, value.taint)


def _quick(pattern: str) -> bool:
    """Whether Python may try the pattern: one that repeats what it repeats could take for ever."""
    repeats = len(re.findall(r"(?<!\\)[*+{]|\\[+{]", pattern))
    return repeats == 0 or (repeats <= 2 and "(" not in pattern and "\\1" not in pattern)


def _basic(pattern: str) -> str:
    """A basic regular expression in the extended form."""
    swap = {"\\(": "(", "\\)": ")", "\\{": "{", "\\}": "}", "\\|": "|", "\\+": "+", "\\?": "?"}
    plain = {"(": "\\(", ")": "\\)", "{": "\\{", "}": "\\}", "|": "\\|", "+": "\\+", "?": "\\?"}
    return re.sub(r"\\.|[(){}|+?]", lambda m: swap.get(m.group(), plain.get(m.group(), m.group())), pattern)


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("sed", "gsed"), _sed),
}
