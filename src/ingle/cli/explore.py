"""`search` and `outdated`: what the hub has, and what moved on there since it was pulled."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingle.cli import render
from ingle.cli.options import MODELS_PANEL, AsJson
from ingle.cli.session import open_session

if TYPE_CHECKING:
    from ingle.catalog.fits import Fit
    from ingle.hub.outdated import Outdated
    from ingle.hub.search import Found


class Wanted(StrEnum):
    MLX = "mlx"
    GGUF = "gguf"


HEADS = (
    render.Column("NAME"),
    render.Column("SIZE", right=True),
    render.Column("FITS"),
    render.Column("PARAMETERS", right=True, rank=3),
    render.Column("FORMAT", rank=2),
    render.Column("DOWNLOADS", right=True, rank=4),
    render.Column("LICENCE", rank=5),
)
MOVED = (
    render.Column("NAME"),
    render.Column("TO FETCH", right=True),
    render.Column("FILES", right=True, rank=2),
    render.Column("HERE", rank=3),
    render.Column("NEWEST", rank=1),
)
Words = Annotated[list[str], typer.Argument(metavar="WORDS", help="What the name should hold.")]
Format = Annotated[Wanted | None, typer.Option("--format", help="Only models of this kind.")]
Fits = Annotated[bool, typer.Option("--fits", help="Only what this machine can run.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="At most so many.")]


def register(app: typer.Typer) -> None:
    app.command(
        "search",
        rich_help_panel=MODELS_PANEL,
        epilog="Example: `ingle search qwen3 coder --format mlx --fits`",
    )(search_hub)
    app.command("outdated", rich_help_panel=MODELS_PANEL, epilog="Example: `ingle outdated --json`")(
        list_outdated
    )


def search_hub(
    words: Words, format: Format = None, fits: Fits = False, limit: Limit = 20, as_json: AsJson = False
) -> None:
    """Search the hub by words; says the size and whether it fits this machine."""
    from ingle.catalog.model import Format as Kind
    from ingle.hub.remote import Remote

    session = open_session()
    with Remote(session.config, note=session.terminal.tell) as remote:
        found = remote.search(" ".join(words), Kind(format.value) if format else None, limit)
    judged = [(one, _judge(one)) for one in found]
    if fits:
        judged = [(one, fit) for one, fit in judged if fit is not None and fit.ok]
    if as_json:
        session.terminal.answer_json(
            [{"found": one, "fits": fit.verdict if fit else None} for one, fit in judged]
        )
    elif not judged:
        session.terminal.tell("Nothing was found; other words, or no --format and --fits, may find more.")
    else:
        rows = [_row(one, fit) for one, fit in judged]
        session.terminal.table(render.columns(HEADS, rows, session.terminal.width))


def list_outdated(as_json: AsJson = False) -> None:
    """The models here whose branch has moved on; `ingle pull` fetches only what changed."""
    from ingle.hub.outdated import outdated

    session = open_session()
    found = list(outdated(session.config))
    if as_json:
        session.terminal.answer_json([_told(one) for one in found])
        return
    for one in found:
        if one.problem:
            session.terminal.tell(f"{one.ref.name} could not be asked about: {one.problem}")
    moved = [one for one in found if not one.problem]
    if moved:
        session.terminal.table(render.columns(MOVED, [_moved(one) for one in moved], session.terminal.width))
        session.terminal.tell("`ingle pull NAME` brings one up to date; the old version serves until then.")
    elif not found:
        session.terminal.tell("Everything here is the newest there is.")


def _told(one: Outdated) -> dict[str, Any]:
    return {
        "name": one.ref.name,
        "commit": one.commit,
        "newest": one.newest,
        "changed": one.changed,
        "to_fetch": one.to_fetch,
        "problem": one.problem,
    }


def _judge(one: Found) -> Fit | None:
    from ingle.catalog.fits import fit, memory_needed
    from ingle.cli.offer import machine_memory

    return fit(memory_needed(one.size), machine_memory()) if one.size else None


def _row(one: Found, fit: Fit | None) -> tuple[str, ...]:
    return (
        one.repo_id + (" (gated)" if one.gated else ""),
        render.size(one.size),
        fit.verdict.value if fit else "unknown",
        render.parameters(one.parameters),
        ", ".join(kind.value for kind in one.formats) or "-",
        f"{one.downloads:,}",
        one.licence or "-",
    )


def _moved(one: Outdated) -> tuple[str, ...]:
    newest = (one.newest or "-")[:12]
    return (one.ref.name, render.size(one.to_fetch), str(len(one.changed)), one.commit[:12], newest)
