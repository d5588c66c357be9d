"""`history`: what the text tools remember, when a person turned that on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli.options import TALK_PANEL, AsJson, OtherModel, Yes
from ingle.cli.session import Session, open_session
from ingle.cli.tab import complete_tool
from ingle.errors import UsageError

if TYPE_CHECKING:
    from ingle.text.history import Entry, History

NUMBER = "Its number in `ingle history list`."
Id = Annotated[int, typer.Argument(metavar="ID", help=NUMBER)]
To = Annotated[str | None, typer.Option("--to", metavar="LANGUAGE", help="For `translate`.")]
Instruction = Annotated[str | None, typer.Option("--instruction", metavar="TEXT", help="For `custom`.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", "-o", metavar="NAME=VALUE", help="For a tool of your own.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many, newest first.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="List, search, redo and delete past texts (off until `history = true` is in config.toml).",
        no_args_is_help=True,
    )
    group.command("list")(list_entries)
    group.command("search")(search)
    group.command("show")(show)
    group.command("redo")(redo)
    group.command("delete")(delete)
    app.add_typer(group, name="history", rich_help_panel=TALK_PANEL)


def list_entries(limit: Limit = 20, as_json: AsJson = False) -> None:
    """The newest texts first."""
    session, history = _open()
    _print(session, history.recent(limit), as_json=as_json)


def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="What it holds.")],
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Texts that hold these words, before or after."""
    session, history = _open()
    _print(session, history.search(" ".join(words), limit), as_json=as_json)


def show(entry_id: Id, as_json: AsJson = False) -> None:
    """One text, before and after."""
    session, history = _open()
    entry = history.get(entry_id)
    if as_json:
        session.terminal.answer_json(entry)
        return
    from ingle.cli.answer import visible

    told = f"{entry.raw.rstrip()}\n---\n{entry.result.rstrip()}"
    session.terminal.answer(visible(told) if session.terminal.stdout.isatty() else told)


def redo(
    entry_id: Id,
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="Any text tool.", autocompletion=complete_tool)],
    model: OtherModel = None,
    to: To = None,
    instruction: Instruction = None,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Hand the text of an entry, as it was before, to another tool."""
    from ingle.cli.text import collect_options, run_tool, tell_end
    from ingle.text.tool import find_tool

    session, history = _open()
    options = collect_options(to, instruction, option)
    find_tool(tool, session.config.tools).fill("", options)
    done = run_tool(session, tool, history.get(entry_id).raw, model, options, show=not as_json)
    if as_json:
        session.terminal.answer_json(done)
    tell_end(session, done, quiet=as_json)


def delete(
    entry_id: Annotated[int | None, typer.Argument(metavar="ID", help=NUMBER)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every entry.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Forget one entry, or all of them."""
    session, history = _open()
    if (entry_id is None) is not everything:
        raise UsageError("Say which one, or --all.", hint="ingle history delete ID")
    if everything and not yes and not session.terminal.confirm("Forget every text?", default=False):
        raise UsageError("Nothing was deleted.", hint="--yes does not ask.")
    if entry_id is not None:
        history.get(entry_id)  # one that is not there is told as that
    count = history.delete(entry_id)
    if as_json:
        session.terminal.answer_json({"forgotten": count})
    else:
        session.terminal.tell(f"{count} forgotten.")


def _open() -> tuple[Session, History]:
    from ingle.text.history import History

    session = open_session()
    return session, History(session.config.history_file)


def _print(session: Session, entries: list[Entry], *, as_json: bool) -> None:
    from ingle.client.accord import differing

    if as_json:
        session.terminal.answer_json(entries)
        return
    from ingle.cli.answer import visible

    for entry in entries:
        made = datetime.fromtimestamp(entry.made).strftime("%Y-%m-%d %H:%M")
        line = visible(" ".join(entry.raw.split()))
        session.terminal.answer(f"{entry.id:>5}  {made}  {entry.tool:<12}  {line[:60]}")
    if not entries:
        state = "is on" if session.config.history else "is off (`history = true` in config.toml turns it on)"
        session.terminal.tell(f"There is nothing. History {state}.")
    client = session.running()
    if client and (said := differing(client.address, session.config, "history")):
        session.terminal.tell(said)
