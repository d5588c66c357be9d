"""The person's terminal: what may be asked, coloured or drawn there, and how to do each."""

from __future__ import annotations

import io
import json
import shutil
import sys
from contextlib import suppress
from typing import Any, TextIO

import msgspec

from ingle.errors import IngleError, InvalidRequest, StoreError

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


class Terminal:
    """Standard input, output and error as they are now.

    `answers` go to standard output, everything else to standard error, so that a pipe only ever
    carries what was asked for. `plain` (from NO_COLOR or TERM=dumb) turns every colour off.
    """

    def __init__(
        self,
        *,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        plain: bool = False,
    ) -> None:
        self.stdin = stdin or sys.stdin or io.TextIOWrapper(io.BytesIO())  # closed by the caller: empty
        self.stdout = stdout or sys.stdout or io.StringIO()
        self.stderr = stderr or sys.stderr or io.StringIO()
        self.plain = plain

    @property
    def can_ask(self) -> bool:
        """A person sits there: both the question and the answer have a terminal."""
        return self.stdin.isatty() and self.stderr.isatty()

    @property
    def can_talk(self) -> bool:
        """A conversation is possible: what is typed and what is answered both meet a terminal."""
        return self.stdin.isatty() and self.stdout.isatty()

    @property
    def width(self) -> int | None:
        """Columns of the terminal behind standard output; None in a pipe, where nothing is cut."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None

    def style(self, text: str, code: str, *, stream: TextIO | None = None) -> str:
        """`text` in an ANSI style, where colours are wanted and seen."""
        if self.plain or not (stream or self.stdout).isatty():
            return text
        return f"\x1b[{code}m{text}\x1b[0m"

    def answer(self, text: str, *, end: str = "\n") -> None:
        """Raises `StoreError` where it cannot be written; a reader that left is no error of ours."""
        try:
            self.stdout.write(text + end)
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as exc:
            raise StoreError(
                f"The answer could not be written to standard output: {exc.strerror or exc}.",
                hint="Free some space there, or write to another place.",
            ) from exc

    def tell(self, text: str, *, end: str = "\n") -> None:
        self.stderr.write(text + end)
        self.stderr.flush()

    def table(self, lines: list[str]) -> None:
        """The head bold, the rest as it is."""
        self.answer("\n".join([self.style(lines[0], BOLD), *lines[1:]]))

    def answer_json(self, value: Any) -> None:
        """One indented JSON value on standard output."""
        self.answer(to_json(value))

    def complain(self, error: IngleError) -> None:
        """What happened and where, the last words of a worker that died, then what to do next."""
        self.tell(f"{self.style('Error:', RED, stream=self.stderr)} {error.message}")
        for line in error.details.get("log") or ():
            self.tell(self.style(f"  | {line}", DIM, stream=self.stderr))
        hint = error.hint or error.next_step
        if hint:
            self.tell(f"{self.style('Next:', BOLD, stream=self.stderr)}  {hint}")

    def confirm(self, question: str, *, default: bool = True) -> bool:
        """A yes or a no; the empty answer is the default, the end of input is a no."""
        self.tell(f"{question} [{'Y/n' if default else 'y/N'}] ", end="")
        line = self.stdin.readline()
        if not line:
            self.tell("")
            return False
        return default if not line.strip() else line.strip().lower() in {"y", "yes"}

    def forget_typed_ahead(self) -> None:
        """A yes answers what was read: keys pressed before a question, or pasted behind an edit, are none."""
        import termios

        with suppress(termios.error, OSError, ValueError):
            termios.tcflush(self.stdin.fileno(), termios.TCIFLUSH)

    def choose(self, question: str, options: list[str]) -> int | None:
        """The index of the option a person picks by number (empty: the first), None for none of them."""
        for number, option in enumerate(options, 1):
            self.tell(f"  {number}  {option}")
        numbers = f"1-{len(options)}" if len(options) > 1 else "1"
        while True:
            self.tell(f"{question} [{numbers}, q to leave] (1) ", end="")
            line = self.stdin.readline()
            word = line.strip().lower()
            if not line or word in {"q", "quit", "n", "no"}:
                return None
            if not word or (word.isdigit() and 1 <= int(word) <= len(options)):
                return int(word or 1) - 1
            self.tell(f"{line.strip()} is none of them.")

    def read_input(self) -> str:
        """Everything on standard input when it is not a terminal; the empty text when it is.

        Raises `InvalidRequest` for bytes that are not UTF-8, whatever the locale would make of them.
        """
        if self.stdin.isatty():
            return ""
        try:
            return self.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidRequest("Standard input is not UTF-8 text.", hint="Convert it first.") from exc


def to_json(value: Any) -> str:
    """JSON text of structs, paths and plain values, indented by two, in the language's own letters."""
    return json.dumps(msgspec.to_builtins(value, enc_hook=_as_text), indent=2, ensure_ascii=False)


def _as_text(value: Any) -> str:
    return str(value)
