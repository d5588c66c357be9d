"""The command line as a whole: gathers the command groups, and turns every outcome into an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from ingle.cli.entry import READER_GONE, flushed_to_nobody
from ingle.cli.terminal import Terminal
from ingle.config import wants_plain_output
from ingle.errors import Cancelled, IngleError, InvalidRequest, StoreError, exit_code

AS_JSON = "ingle.as_json"
VERBS = {
    **dict.fromkeys(("run", "chat"), "talk"),
    **dict.fromkeys(("text", "tools"), "text"),
    **dict.fromkeys(("sh", "init"), "sh"),
    "check": "check",
    "history": "history",
    "bench": "bench",
    "pull": "fetch",
    "cancel": "cancel",
    **dict.fromkeys(("list", "ls", "show", "rm"), "library"),
    **dict.fromkeys(("search", "outdated"), "explore"),
    **dict.fromkeys(("import", "export"), "carry"),
    **dict.fromkeys(("ps", "load", "stop"), "memory"),
    "serve": "serve",
    **dict.fromkeys(("status", "version"), "about"),
    "logs": "logs",
    **dict.fromkeys(("verify", "repair", "clean", "doctor"), "health"),
}
"""Which module of this room has which verb; the order is that of the help."""
COMPLETION = ("show_completion", "install_completion")
TEACHING = tuple("--" + name.replace("_", "-") for name in COMPLETION)
"""Typer lists these two and makes the shells' questions work; what they do is in `cli.completion`."""
EPILOG = (
    "First steps: `ingle run` talks to a model that fits this machine (and offers to get it); "
    "`echo 'teh cat' | ingle text proofread` corrects a text; `ingle list` shows what is here. "
    "`ingle help COMMAND` (or `COMMAND --help`) says what a command takes."
)


class IngleGroup(TyperGroup):
    """Every command's edge: a typed error becomes words (or JSON) and an exit code, here and only here."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        with _quiet_where_nobody_reads():  # the help of all commands
            return super().make_context(*args, **more)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words = args[: args.index("--")] if "--" in args else args
        ctx.meta[AS_JSON] = "--json" in words or "--jsonl" in words
        _settle_help(self, ctx)
        return super().parse_args(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            for one in (command, *getattr(command, "commands", {}).values()):
                _settle_help(one, ctx)
        return command

    def invoke(self, ctx: Any) -> Any:
        with _quiet_where_nobody_reads():
            return self._outcome(ctx)

    def _outcome(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except IngleError as error:
            report(error, as_json=ctx.meta[AS_JSON])
            raise typer.Exit(exit_code(error)) from error
        except TyperException as wrong:
            if not ctx.meta[AS_JSON]:
                raise
            report(InvalidRequest(wrong.format_message()), as_json=True)
            raise typer.Exit(2) from wrong


@contextmanager
def _quiet_where_nobody_reads() -> Iterator[None]:
    """A reader that has left (`| head`) ends a command without a word, and the exit code is a shell's for that."""
    try:
        yield
    except BrokenPipeError as left:
        raise typer.Exit(READER_GONE) from left
    except SystemExit as left:  # what Rich, which prints the help, makes of it
        if isinstance(left.__context__, BrokenPipeError):
            raise typer.Exit(READER_GONE) from left
        raise


def _settle_help(command: Any, ctx: Any) -> None:
    """Help without a type that says nothing: none beside a flag, which takes no value, or an argument, which has a name.

    And `--help` gets a plain no as its default: without one, Typer imports pydantic (100 ms) to read None.
    """
    option = command.get_help_option(ctx)
    if option is not None:
        option.default = False
    for one in command.params if option is None else (*command.params, option):
        if one.param_type_name == "argument":
            one.display_type_rich = _typeless
        elif one.is_flag:
            one.metavar = "[SHELL]" if one.name in COMPLETION else ""


def _typeless(ctx: Any) -> None:
    del ctx


def report(error: IngleError, *, as_json: bool) -> None:
    """Words on standard error, or the wire form of the error on standard output for machines."""
    terminal = Terminal(plain=wants_plain_output())
    if as_json:
        try:
            terminal.answer_json({"error": error.to_dict()})
        except StoreError:  # standard output itself is what fails
            terminal.complain(error)
    elif isinstance(error, Cancelled):
        terminal.tell(error.message)
    else:
        terminal.complain(error)


def build_app(verb: str | None = None) -> typer.Typer:
    """The command line as one Typer application: all of it, or only the group that has `verb`.

    One group is quicker: no other is imported, and neither are the options that install shell
    completion, which make Typer import pydantic (130 ms).
    """
    owner = VERBS.get(verb) if verb is not None else None
    app = typer.Typer(
        name="ingle",
        cls=IngleGroup,
        help="Language models on your own machine: get one whole, talk to it, get the memory back.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=owner is None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for group in [owner] if owner is not None else dict.fromkeys(VERBS.values()):
        if find_spec(f"ingle.cli.{group}") is not None:
            import_module(f"ingle.cli.{group}").register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Ctrl-C ends in 130 (Typer's rule, and the shell's)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without some letter must not end an answer
    words = asking_for_help(list(arguments))
    code = 0
    try:
        if words and words[0].partition("=")[0] in TEACHING:
            return _teach_shell(words)
        build_app(words[0] if words else None)(words, prog_name="ingle")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        unread = flushed_to_nobody()
    return code or (READER_GONE if unread else 0)


def _teach_shell(words: list[str]) -> int:
    """`--show-completion [SHELL]` and `--install-completion [SHELL]`; the exit code."""
    from ingle.cli.completion import complete_words

    terminal = Terminal(plain=wants_plain_output())
    option, _, shell = words[0].partition("=")
    try:
        terminal.answer(complete_words(option, [*filter(None, [shell]), *words[1:]]), end="")
    except IngleError as error:
        terminal.complain(error)
        return exit_code(error)
    return 0


def asking_for_help(words: list[str]) -> list[str]:
    """`help COMMAND` as people write it is `COMMAND --help`; anything else as it is."""
    return [*words[1:], "--help"] if words[:1] == ["help"] else words


def _tell_version(wanted: bool) -> None:
    if wanted:
        from ingle.version import __version__

        typer.echo(f"ingle {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", "-V", help="Show the version and leave.", callback=_tell_version, is_eager=True
    ),
) -> None:
    del version
