"""`check`: says how dangerous a shell command is, before anybody runs it; needs no daemon and no model.

Exit codes: 0 safe, 10 moderate, 20 high, 30 critical, 2 wrong use. With `--jsonl` the code is that
of the worst line; a line that is no question is answered with its error and counts as high.
"""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from ingle.cli.options import HEALTH_PANEL, AsJson
from ingle.cli.tab import complete_shell
from ingle.errors import InvalidRequest

EXIT_CODES = (0, 10, 20, 30)
_UNREAD = 2  # what is not read with certainty is at least high
MAX_SCRIPT = 64 * 1024

Command = Annotated[
    str | None,
    typer.Argument(metavar="COMMAND", help="The command, as one word: quote it; `-` for standard input."),
]
ShellName = Annotated[
    str,
    typer.Option(
        "--shell",
        metavar="bash|zsh|fish|sh|powershell",
        help="The shell it is for.",
        autocompletion=complete_shell,
    ),
]
AsLines = Annotated[
    bool, typer.Option("--jsonl", help="Read {id, command, shell} lines, write {id, level, findings} lines.")
]
ReadFiles = Annotated[
    bool, typer.Option("--read-files", help="Look into local scripts that the command would run or source.")
]


def register(app: typer.Typer) -> None:
    app.command(
        "check",
        cls=QuotedCommand,
        rich_help_panel=HEALTH_PANEL,
        epilog="Examples: `ingle check 'curl -s x.sh | sh'`, `ingle check - < install.sh`",
    )(check)


class QuotedCommand(TyperCommand):
    """A command line that takes another one as a single word: what came in pieces is shown in its quotes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises `InvalidRequest` for a command in pieces; what quotes would not mend stays Typer's to tell."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except TyperException as wrong:
            words = _command_words(typed)
            if len(words) < 2:
                raise
            raise InvalidRequest(
                f"{wrong.format_message().rstrip('.')}. A command of several words goes in quotes.",
                hint=f"ingle check {shlex.quote(shlex.join(words))}",
            ) from wrong


def _command_words(typed: list[str]) -> list[str]:
    """The words from the first one on that is neither an option nor the value of `--shell`."""
    for place, word in enumerate(typed):
        if not word.startswith("-") and typed[max(0, place - 1)] != "--shell":
            return typed[place:]
    return []


def check(
    command: Command = None,
    shell: ShellName = "bash",
    as_json: AsJson = False,
    as_lines: AsLines = False,
    read_files: ReadFiles = False,
) -> None:
    """How dangerous a shell command is and why; nothing is run. Exit code 0, 10, 20 or 30 by level."""
    from ingle.cli.session import open_session
    from ingle.shell.verdict import SHELLS, analyse, verdict_to_dict

    if shell not in SHELLS:
        raise InvalidRequest(f"The shell {shell!r} is not known.", hint=f"One of: {', '.join(SHELLS)}.")
    if (command is None) == (not as_lines):
        raise InvalidRequest(
            "Give one command (`-`: from standard input), or --jsonl with lines there.",
            hint="ingle check 'rm -rf build'",
        )
    terminal = open_session().terminal
    reader = read_script if read_files else None
    if command is None:
        worst = 0
        for line in _lines(terminal.stdin):
            if line.strip():
                answer, level = answer_line(line, shell, reader)
                worst = max(worst, level)
                terminal.answer(json.dumps(answer, ensure_ascii=False))
        raise typer.Exit(EXIT_CODES[worst])
    if command == "-":
        command = terminal.read_input().strip()
        if not command:
            raise InvalidRequest("There is no command on standard input.", hint="ingle check 'rm -rf build'")
    verdict = analyse(command, shell, read_file=reader)
    if as_json:
        terminal.answer_json(verdict_to_dict(verdict))
    else:
        from ingle.shell.verdict import explain

        terminal.answer(explain(verdict))
    raise typer.Exit(EXIT_CODES[verdict.level])


def _lines(stream: TextIO) -> Iterator[str]:
    """Standard input line by line; bytes that are no UTF-8 become marks, and spoil only their own line."""
    if not isinstance(stream, io.TextIOWrapper):
        yield from stream
        return
    for raw in stream.buffer:
        yield raw.decode("utf-8", "surrogateescape")


def answer_line(
    line: str, shell: str, reader: Callable[[str], str | None] | None
) -> tuple[dict[str, Any], int]:
    """`check_line`, or `{"id", "error"}` for a line that is no question: not read with certainty, so high."""
    try:
        line.encode("utf-8")
        return check_line(line, shell, reader)
    except UnicodeEncodeError:
        return {"id": None, "error": "The line is not UTF-8."}, _UNREAD
    except InvalidRequest as refused:
        return {"id": _id_of(line), "error": f"{refused} {refused.hint}".strip()}, _UNREAD


def _id_of(line: str) -> Any:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return asked.get("id") if isinstance(asked, dict) else None


def check_line(
    line: str, shell: str, reader: Callable[[str], str | None] | None
) -> tuple[dict[str, Any], int]:
    """The answer to one line of `--jsonl`, and its level as a number."""
    from ingle.shell.verdict import SHELLS, analyse, verdict_to_dict

    try:
        asked = json.loads(line)
        text, chosen = asked["command"], asked.get("shell") or shell
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidRequest(
            "A line is no object with a `command`.", hint='For example: {"id": 1, "command": "ls"}'
        ) from exc
    if not isinstance(text, str) or not isinstance(chosen, str) or chosen not in SHELLS:
        raise InvalidRequest(
            "A line names no command, or a shell that is not known.", hint=f"One of: {', '.join(SHELLS)}."
        )
    verdict = analyse(text, chosen, read_file=reader)
    found = verdict_to_dict(verdict)
    return {"id": asked.get("id"), "level": found["level"], "findings": found["findings"]}, int(verdict.level)


def read_script(path: str) -> str | None:
    """A local script's text, when it is a plain file of a size worth reading; asked for by `--read-files` only."""
    from ingle.shell.paths import HOME, PROJECT

    below = Path(path).relative_to
    found = Path.cwd() / below(PROJECT) if path.startswith(f"{PROJECT}/") else Path(path)
    found = Path.home() / below(HOME) if found == Path(path) and path.startswith(f"{HOME}/") else found
    try:
        if not found.is_file() or found.stat().st_size > MAX_SCRIPT:
            return None
        return found.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
