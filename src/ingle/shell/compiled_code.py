"""C that is compiled and started on the same line: its calls are read by their literals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import targets
from .balance import broken
from .endless import exhausts
from .finding import Level
from .limits import MAX_CODE, cut
from .scan import ansi
from .words import HOLE, UNKNOWN, Value

if TYPE_CHECKING:
    from .machine import Machine

_STRING = r'"((?:[^"\\]|\\.)*)"'
_SHELL = re.compile(rf"\b(?:system|popen)\s*\(\s*{_STRING}")
_EXEC = re.compile(r"\bexec[lv]p?e?\s*\(([^()]+)\)")
_LITERAL = re.compile(_STRING)
_DELETE = re.compile(rf"\b(?:unlink|remove|rmdir|unlinkat)\s*\(\s*{_STRING}")
_WRITE = re.compile(
    rf'\b(?:fopen\s*\(\s*{_STRING}\s*,\s*"[wa]|open\s*\(\s*{_STRING}\s*,[^)]{0, 120}O_(?:WRONLY|RDWR))'
)
_HOARD = re.compile(
    r"(?:for\s*\(\s*;\s*;\s*\)|while\s*\(\s*1\s*\))[^;]{0,200}\b(?:malloc|calloc|mmap|sbrk)\s*\("
)
_AGAIN = re.compile(
    r"\bmain\s{0,4}\([^)]{0,100}\)\s{0,20}\{[^}]{0,200}\bfork\s*\(\s*\)[^}]{0,200}\bmain\s*\("
)
_UNREAD = re.compile(r"\b(?:mprotect|syscall|ptrace|dlopen|__asm__?|asm|init_module|VirtualAlloc)\b")


def run_compiled(machine: Machine, text: str) -> Value:
    """Report what starting a program made of this C does; what stays unread because it is low-level is high."""
    if len(text) > MAX_CODE:
        cut(machine, "characters of code")
        return UNKNOWN
    if broken(text, "c"):
        machine.report(Level.HIGH, "unread", "this C is not whole: it could not be read")
    exhausts(machine, text, text)
    if _AGAIN.search(text):
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
    if _HOARD.search(text):
        machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")
    for code in _SHELL.findall(text):
        machine.source(ansi(code), UNKNOWN)
    for call in _EXEC.findall(text):
        words = [ansi(word) for word in _LITERAL.findall(call)]
        if words:
            machine.call([Value(words[0]), *(Value(word) for word in words[2:])])
        else:
            machine.report(Level.HIGH, "opaque", "starts a program that is not known before it runs")
    for path in _DELETE.findall(text):
        targets.delete(machine, Value(ansi(path)), tree=False)
    for first, second in _WRITE.findall(text):
        targets.write(machine, Value(ansi(first or second)), UNKNOWN)
    if re.search(r"\bsocket\s*\(", text) and re.search(r"\bdup2?\s*\(|\bexec[lv]", text):
        machine.report(Level.CRITICAL, "backdoor", "gives another host a shell on this machine")
    if re.search(r"\bset(?:e|re|res)?uid\s*\(\s*0", text):
        machine.report(Level.HIGH, "privilege", "becomes root")
    if _UNREAD.search(text):
        machine.report(Level.HIGH, "opaque", "runs code that works below what can be read here")
    machine.report(Level.MODERATE, "execute", "compiles a program and runs it")
    return Value(HOLE, 0)
