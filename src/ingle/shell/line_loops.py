"""One-liners that do something to every line of their input: each line is judged as what they do it to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from . import targets
from .finding import Level
from .rounds import chosen
from .words import EMPTY, HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine

_READS = re.compile(
    r"<>|\bfgets\b|<STDIN>|\bSTDIN\b|\bARGF\b|\$<|\bgets\b|readlines?\b|sys\.stdin|fileinput|\binput\(|php://stdin|each_line"
)
# A call that deletes, on the line itself or on a variable that may hold it.
_DELETES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "perl": re.compile(
            r"\b(unlink|rmdir|rmtree|remove_tree)\b(?!\s{0,8}[\"'(]{0,4}[\w./~*<]*[\"'./~*<])"
        ),
        "ruby": re.compile(
            r"\b(?:File\.(delete|unlink)|FileUtils\.(rm\w*|remove\w*)|Dir\.(rmdir|delete))\b\s{0,8}\(?\s{0,8}(?![\s(\"'/~])"
        ),
        "python": re.compile(
            r"\b(?:os\.(remove|unlink|rmdir)|shutil\.(rmtree)|Path\([^)\"']*\)\.(unlink))\(\s{0,8}(?![\s\"'/~])"
        ),
        "php": re.compile(r"\b(unlink|rmdir)\(\s*\$"),
        "node": re.compile(r"\.(unlinkSync|rmSync|rmdirSync|unlink|rm)\(\s*[a-z]"),
    }
)
# A shell command that is made of a literal and the line.
_COMMANDS = re.compile(
    r"""\b(?:system|exec|qx|popen|os\.system|shell_exec)\b\s{0,8}[({]?\s{0,8}f?["'`]([^"'`$#{%+]+)["'`]?\s{0,8}(?:[,.+]\s{0,8})?(?:\$[\w_]|#\{|\{|%|\w)"""
)
_TREES = ("tree", "rm_r", "rm_rf", "rmSync", "remove_dir", "remove_entry")


_FINDS = re.compile(r"\b(?:finddepth|find)\s{0,4}\(")
_WHERE = re.compile(
    r",\s{0,4}(?:(\$ENV\{HOME\}|\$ENV\{'HOME'\})|[\"']([^\"']+)[\"'])\s{0,4}\)?\s{0,4};?\s{0,4}\Z"
)
_FETCHED = re.compile(
    r"\b(?:load|loadstring|eval|instance_eval|assert|source)\b.{0,80}(?:popen|`|%x|shell_exec|system)\W{0,6}(?:curl|wget)\b"
)


def judge_walks(machine: Machine, text: str, language: str) -> None:
    """Perl's File::Find over a folder with a sub that deletes, and code that `curl` in backticks brings."""
    if _FETCHED.search(text):
        machine.report(
            Level.CRITICAL if machine.root else Level.HIGH,
            "remote code",
            "runs code straight from the network",
        )
    if language == "perl" and _FINDS.search(text) and re.search(r"\b(?:unlink|rmtree|rmdir)\b", text):
        where = _WHERE.search(text.rstrip())
        if where is not None:
            targets.delete(machine, Value(machine.home("") if where[1] else where[2]), tree=True)


def judge_lines(machine: Machine, text: str, language: str, stdin: Value, *, implied: bool) -> None:
    """`implied` when the language itself loops over the input (`perl -n`, awk)."""
    if stdin is EMPTY or not (implied or _READS.search(text)):
        return
    pattern = _DELETES.get(language)
    found = pattern.search(text) if pattern is not None else None
    commands = _COMMANDS.findall(text)
    if found is None and not commands:
        return
    lines = re.split(r"[\n\0]", stdin.text)
    items = chosen(machine, [Value(line, stdin.taint) for line in lines if line.strip()], "lines of input")
    for item in items or [Value(HOLE, stdin.taint)]:
        if found is not None:
            verb = next(group for group in found.groups() if group)
            targets.delete(machine, item, tree=any(part in verb for part in _TREES))
        for command in commands:
            machine.source(f"{command} {_word(item)}", UNKNOWN)


def _word(item: Value) -> str:
    from .call import quoted

    return quoted(item.text)
