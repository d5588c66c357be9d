"""Finds loops without an end in one-liners of foreign languages: processes, threads and memory they take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .finding import Level

if TYPE_CHECKING:
    from .machine import Machine

_FORK_LOOP = re.compile(
    r"fork\s*while|while\s*\(?\s*(?:1|true|fork)\b[^;]*fork|while\s*fork|loop\s*(?:do|\{)[^}]*fork|for\s*\(;;\)[^;]*fork|"
    r"fork\s*(?:\(\))?\s*(?:until|unless|for\s)|until\s*\(?\s*0[^;]*fork|while\s*\(?(?:1|true)\)?[^;]*(?:spawn|fork)"
)
# What comes back to its own fork: `{fork;redo}`, `L: fork; goto L`, `sub f { fork; f() }`, `def f; fork; f; end`.
_REDONE = re.compile(r"\{([^{}]{0,400})\bredo\b")
_JUMP = re.compile(r"\bgoto\s{1,4}(\w{1,40})\b")
_CALLED = re.compile(
    r"\b(?:sub|function)\s{1,4}(\w{1,40})\s{0,4}(?:\(\w{0,40}\))?\s{0,4}\{([^{}]{0,400})\}|\bdef\s{1,4}(\w{1,40})\b([^{}]{0,400}?)\bend\b"
)


def _returns(text: str) -> bool:
    """Whether a block, a label or a function with a fork in it starts over by itself."""
    if any("fork" in block for block in _REDONE.findall(text)):
        return True
    for jump in _JUMP.finditer(text):
        label = text.find(f"{jump[1]}:")
        if 0 <= label < text.find("fork", label) < jump.start():
            return True
    return any(
        "fork" in (block or other) and re.search(rf"\b{name or named}\b", block or other)
        for name, block, named, other in _CALLED.findall(text)
    )


_SWARMS = re.compile(
    r"(?:for\s*\(\s*;\s*;\s*\)|while\s*\(?\s*(?:1|true)\b|loop\s*(?:do|\{)|until\s*(?:false|0))[^;]*"
    r"(?:(?:system|exec|popen)\s*\(?\s*[\"'][^\"']*&\s*[\"']|spawn\w*\b|Thread\.new|new Worker|pcntl_fork|fork\b)"
)
_TIMED = re.compile(
    r"setInterval\s{0,4}\([^;]{0,200}(?:fork|spawn\w*|exec\w*)\s{0,4}\([^;]{0,200},\s{0,4}\d{1,2}\s{0,4}\)"
)
_HOARDS = re.compile(
    r"(?:for\s*\(\s*;\s*;\s*\)|while\s*\(?\s*(?:1|true)\b|loop\s*(?:do|\{)|until\s*(?:false|0)).*?"
    r"(?:push|concat|append|alloc|< <|\. =|\+ =|repeat|\[ \] =|\+ \+ \] =)|(?:push|\. =|< <|\+ =)[^;]*while\s*\(?\s*(?:1|true)\b",
    re.S,
)


def exhausts(machine: Machine, text: str, bare: str) -> None:
    """Report it; `bare` is the code with its strings emptied and its tokens apart."""
    if re.search(r"fork|spawn", text) and (_FORK_LOOP.search(bare) or _FORK_LOOP.search(text)):
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
    if "fork" in text and _returns(text):
        machine.report(Level.CRITICAL, "exhaust", "starts processes without end: a fork bomb")
    if _SWARMS.search(text) or _TIMED.search(text):
        machine.report(Level.CRITICAL, "exhaust", "starts processes in a loop that never ends")
    if _HOARDS.search(bare) and not re.search(r"\b(?:break|exit|last|sleep|return|read|accept)\b", bare):
        machine.report(Level.HIGH, "exhaust", "takes memory in a loop that never ends")
