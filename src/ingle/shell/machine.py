"""Walks a command the way its shell would, without running anything, and collects findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from tree_sitter import Node

from . import call, hooks, limits, meaning, paths, statements, telling
from .finding import Finding, Level
from .reading import Reading, read_code
from .spans import Inner, Translation
from .state import State
from .words import EMPTY, HOLE, UNKNOWN, Taint, Value

_SECRET_NAMES = ("SECRET", "PASSWORD", "PASSWD", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "CREDENTIALS")
# What a substitution begins with that reads on where its command would: `curl … | sh -c "$(cat)"`.
_READS_ON = re.compile(
    r"(?:cat|tac|head|tail|rev|tr|base64|base32|xxd|gunzip|gzip|zcat|bzcat|xzcat|openssl|jq|tee|read|dd)\b"
)


class Exhausted(Exception):
    """The walk took more steps than any honest command needs."""


class Machine:
    """One analysis: the state of the line, the place in the source, and the findings so far."""

    def __init__(self, shell: str, read_file: Callable[[str], str | None] | None = None) -> None:
        self.shell = shell
        self.state = State()
        self.findings: dict[tuple[int, str, str], Finding] = {}
        self.commands: list[str] = []
        self.given = ""
        self.data = b""
        self.rewritten = False
        self.inner: Inner | None = None
        self.root = False
        self.privileged = False
        self.remote = False
        self.isolated = False
        self.contained = False
        self.endless = False
        self.crowded = False
        self.paced = False
        self.background = False
        self.conditional = False
        self.piped = False
        self.calling: list[str] = []
        self.depth = 0
        self.steps = 0
        self.read_file = read_file
        self.translation: Translation | None = None
        self.naming = telling.Names()
        self.here = telling.Here()
        self.fed = EMPTY

    # What a walk reports.

    def report(
        self,
        level: Level,
        effect: str,
        consequence: str,
        *,
        resolved: str = "",
        path: meaning.Path | None = None,
    ) -> None:
        """Add a finding; `path` is the one it is about, `resolved` takes the place of what the words say."""
        if level is Level.SAFE:
            return
        level = telling.weighed(self, level, effect)
        key = (level, effect, consequence)
        if key not in self.findings:
            self.findings[key] = telling.finding(self, level, effect, consequence, resolved, path)

    def worst(self) -> Level:
        return max((found.level for found in self.findings.values()), default=Level.SAFE)

    @contextmanager
    def at(self, node: Node, pieces: Sequence[meaning.Piece] = ()) -> Iterator[None]:
        """Findings inside belong to this node; text produced on the way keeps the place it came from."""
        before = self.here
        code = self._code_of(node) if self.depth and self.inner is None else ""
        if code and not meaning.is_partly_known(code):  # the words it came from say more
            pieces, code = before.pieces, before.code
        self.here = telling.Here(self._span_of(node), pieces, code, before.words)
        try:
            yield
        finally:
            self.here = before

    def _code_of(self, node: Node) -> str:
        """Code that was made on the way: whole where a person reads it at a glance, else the command at hand."""
        return self.text(node) if len(self.data) > meaning.LONGEST else self.data.decode("utf-8", "replace")

    def _span_of(self, node: Node) -> tuple[int, int]:
        if self.depth == 0:
            return self.place(node.start_byte, node.end_byte)
        return self.here.span if self.inner is None else self.inner.span(node.start_byte, node.end_byte)

    @cached_property
    def _ascii(self) -> bool:
        return self.data.isascii()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Byte offsets of what was parsed as character offsets of what was given."""
        found = (start, end) if self._ascii else (self._offset(start), self._offset(end))
        if self.translation is not None:
            first, last = (self.translation.original(offset) for offset in found)
            return min(first, last), max(first, last)
        return found

    def _offset(self, byte: int) -> int:
        return len(self.data[:byte].decode("utf-8", "replace"))

    def text(self, node: Node) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def written(self, start: int, end: int) -> str:
        """A part of what was parsed first, by its bytes, as it was given: that may have been rewritten to be read."""
        first, last = self.place(start, end)
        return self.given[first:last].strip()

    def stand_at(self, start: int, end: int) -> None:
        """Findings from here on belong to this part of the source."""
        self.here.span = start, end

    # How a walk moves.

    def step(self) -> None:
        self.steps += 1
        if self.steps > limits.MAX_STEPS:
            raise Exhausted

    def visit(self, node: Node, stdin: Value = EMPTY) -> Value:
        self.step()
        stdin = self.state.input if stdin is EMPTY else stdin
        before, self.fed = self.fed, stdin
        try:
            return statements.visit(self, node, stdin)
        finally:
            self.fed = before

    def enter(self, root: Node, stdin: Value = EMPTY) -> Value:
        """Walk a whole tree in the shell of the moment."""
        if self.shell == "powershell":
            from . import powershell

            return powershell.run(self, root)
        return self.visit(root, stdin)

    def statement(self, node: Node) -> Value:
        """Walk one node of PowerShell; gives what it puts into the pipeline."""
        from . import powershell

        return powershell.run(self, node)

    def cmdlet(
        self, name: str, words: list[Value], blocks: Sequence[Node] = (), stdin: Value = EMPTY
    ) -> Value:
        """Judge what PowerShell would run under this name."""
        from . import powershell_commands

        here = self.here
        before, here.words = here.words, [Value(name), *words]
        try:
            return powershell_commands.judge(self, name, words, list(blocks), stdin)
        finally:
            here.words = before

    def source(self, text: str, stdin: Value = EMPTY, shell: str = "") -> Value:
        """Analyse text as code of a shell, on the state of this line; gives what it would print."""
        if self.depth >= limits.MAX_DEPTH:
            self.report(Level.HIGH, "unread", "code is nested deeper than is read")
            return UNKNOWN
        broken = limits.exceeded(text)
        if broken:
            self.report(Level.HIGH, "unread", f"too large to read: {broken}")
            return UNKNOWN
        before = self.data, self.shell
        self.shell = shell or self.shell
        reading = read_code(text, self.shell)
        if reading.doubt is not None or not reading.whole:
            self.report(Level.HIGH, "unread", "this part is not valid shell, so what it does is not certain")
        outer, self.inner = self.inner, self._place_of(text, reading)
        self.data, self.depth = reading.source, self.depth + 1
        try:
            return self.enter(reading.root, stdin)
        finally:
            (self.data, self.shell), self.depth, self.inner = before, self.depth - 1, outer

    def _place_of(self, text: str, reading: Reading) -> Inner | None:
        """Where code stands in the source, when it stands there once and letter by letter."""
        if len(text) < 2:
            return None
        for start, end in (self.here.span, (0, len(self.given))):
            at = self.given.find(text, start, end)
            if at >= 0:
                again = self.given.find(text, at + 1, end)
                return None if again >= 0 else Inner(at, reading.source, reading.translation)
        return None

    @contextmanager
    def setting(self, **values: bool) -> Iterator[None]:
        """Run with some circumstances changed: as root, on another host, in the background."""
        before = {name: getattr(self, name) for name in values}
        for name, value in values.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    @contextmanager
    def subshell(self) -> Iterator[None]:
        before = self.state
        self.state = before.copy()
        try:
            yield
        finally:
            self.state = before

    def call(self, words: list[Value], stdin: Value = EMPTY, *, bare: bool = False) -> Value:
        """Judge one command with its words evaluated; `bare` when the name may be an alias."""
        self.step()
        here = self.here
        before, here.words = here.words, words
        try:
            return call.call(self, words, stdin, bare=bare)
        finally:
            here.words = before

    # What a word may ask (`evaluate.Names`).

    def lookup(self, name: str) -> Value:
        found = self.every(name)
        if len(found) == 1:
            return found[0]
        taint = 0
        for value in found:
            taint |= value.taint
        if name in "@*" or self.shell in ("zsh", "fish"):
            return Value(" ".join(value.text for value in found), taint)
        return found[0] if found else EMPTY

    def every(self, name: str) -> list[Value]:
        found = self.state.every(name)
        if found == [UNKNOWN] and any(part in name.upper() for part in _SECRET_NAMES):
            return [Value(HOLE, Taint.SECRET)]
        return found

    def assign(self, name: str, value: Value) -> None:
        self.assign_all(name, [value])

    def assign_all(self, name: str, values: list[Value]) -> None:
        names = self.state.names
        name = self.state.references.get(name, name)
        if self.conditional:
            before = self.state.every(name)
            if before != values and (name in names or before != [UNKNOWN]):
                others = self.state.others.setdefault(name, [])
                if len(others) < limits.MAX_OTHERS:
                    others.append(before)
                else:
                    limits.cut(self, "values of one variable")
        else:
            self.state.others.pop(name, None)
        names[name] = values
        if name == "PWD":
            return
        if name in self.state.integers:
            hooks.arithmetic(self, values[0].text if values else "")
        hooks.assigned(self, name, values)

    def substitute(self, source: str) -> Value:
        text = source.strip()
        if text.startswith("<") and "|" not in text and ";" not in text:
            text = "cat " + text
        with self.subshell():
            found = self.source(text, self.fed if _READS_ON.match(text) else EMPTY)
        return Value(found.text.rstrip("\n"), found.taint)

    def calculated(self, source: str) -> None:
        if self.state.names or "[" in source:
            hooks.arithmetic(self, source)

    def process(self, source: str, direction: str) -> Value:
        """A process substitution becomes a file with a name of its own."""
        path = f"/dev/fd/{60 + len(self.state.files)}"
        self.naming.files[path] = f"{direction}({source})"
        if direction == ">":
            self.state.files[path] = Value(source, Taint.QUOTED)
            self.source(source, UNKNOWN)
        else:
            with self.subshell():
                self.state.files[path] = self.source(source)
        return Value(path)

    def home(self, user: str) -> str:
        if user in self.state.folders:
            return self.state.folders[user]
        if not user:
            found = self.state.every("HOME")[0]
            return found.text or "/"
        if user == "+":
            return self.state.cwd
        if user == "-":
            return self.state.every("OLDPWD")[0].text
        return "/root" if user == "root" else paths.HOME if user == "user" else f"/home/{user}"
