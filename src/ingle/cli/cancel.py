"""`cancel`: ends a pull that the daemon works on, whoever began it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ingle.cli import render
from ingle.cli.options import MODEL_FORMS, MODELS_PANEL, AsJson
from ingle.cli.session import open_session
from ingle.cli.tab import complete_pulled
from ingle.errors import UsageError

if TYPE_CHECKING:
    from ingle.client.sync import Client
    from ingle.client.views import ModelView

Pulled = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help=MODEL_FORMS, show_default=False, autocompletion=complete_pulled),
]
All = Annotated[bool, typer.Option("--all", "-a", help="Every pull, repair and check that runs.")]


def register(app: typer.Typer) -> None:
    app.command(
        "cancel",
        rich_help_panel=MODELS_PANEL,
        epilog="Examples: `ingle cancel qwen3:1.7b`, `ingle cancel --all`; `ingle ps` shows what is being pulled.",
    )(cancel_pull)


def cancel_pull(model: Pulled = None, every: All = False, as_json: AsJson = False) -> None:
    """End a model's pull, whichever terminal it was begun in; what came is kept for the next one.

    A repair, a check or a load of it is ended the same way.
    """
    from ingle.client import api

    session = open_session()
    if (model is None) is not every:
        raise UsageError("`ingle cancel` needs one model, or --all.", hint="`ingle ps` shows what is pulled.")
    client = session.running()
    names = [session.daemon_name(model)] if model is not None else []
    if client is not None and every:
        names = [row.model for row in client.ask(api.status()).pulls]
    results = [_cancelled(client, name) for name in names]
    if as_json:
        session.terminal.answer_json(results)
        return
    for result in results:
        session.terminal.tell(result.sentence)
    if not results:
        session.terminal.tell("Nothing is being pulled.")


class CancelResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one model's work. `bytes_kept` are on disk for the next pull."""

    model: str
    cancelled: bool
    state: str
    bytes_kept: int
    sentence: str


def _cancelled(client: Client | None, name: str) -> CancelResult:
    """Ends what the daemon does for a model, should it do anything: its pull, repair, check, or its load."""
    from ingle.client import api

    before = client.ask(api.show(name)) if client is not None else None
    if client is None or before is None or "cancel" not in before.actions:
        said = f"{name} is not being pulled" + ("." if client else ": Ingle is not running.")
        state = before.state if before else "unknown"
        return CancelResult(model=name, cancelled=False, state=state, bytes_kept=0, sentence=said)
    after = client.ask(api.cancel(name))
    stopped, said = _outcome(before, after)
    kept = after.pull.bytes_done if stopped and after.pull else 0
    return CancelResult(
        model=after.model, cancelled=stopped, state=after.state, bytes_kept=kept, sentence=said
    )


def _outcome(before: ModelView, after: ModelView) -> tuple[bool, str]:
    """Whether it was stopped, and the sentence that says so. Of a pull that was stopped the daemon remembers how far it came."""
    name = after.model
    if before.state == "loading":
        if after.state == "ready":
            return False, f"{name} was ready before it could be stopped."
        return True, f"The load of {name} was stopped."
    if after.pull is not None or after.paused or after.state == "not_downloaded":
        kept = render.size(after.pull.bytes_done if after.pull else 0)
        return (
            True,
            f"The pull of {name} was stopped; {kept} are kept: `ingle pull {name}` goes on from there.",
        )
    if before.state == "downloading":
        return False, f"{name} was {after.state} before it could be stopped."
    # whole all the while, and nothing unfinished is remembered: nobody can tell a check from a pull that just ended
    return True, f"The work on {name} is over, a check or the end of a pull; it is {after.state}."
