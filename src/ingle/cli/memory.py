"""`ps`, `load` and `stop`: what is in memory now, and how it gets there and leaves again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli import render
from ingle.cli.options import (
    DAEMON_PANEL,
    MODEL_FORMS,
    AsJson,
    Context,
    Engine,
    KeepAlive,
    ModelName,
    Template,
    read_template,
)
from ingle.cli.session import open_session
from ingle.cli.tab import complete_loaded
from ingle.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from ingle.client.views import ModelView

HEADS = (
    render.Column("NAME"),
    render.Column("STATE"),
    render.Column("MEMORY", right=True),
    render.Column("ENGINE", rank=1),
    render.Column("CONTEXT", right=True, rank=3),
    render.Column("REQUESTS", right=True, rank=4),
    render.Column("LEAVES", rank=2),
)
Loaded = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help=MODEL_FORMS, show_default=False, autocompletion=complete_loaded),
]
All = Annotated[bool, typer.Option("--all", "-a", help="Every loaded model.")]


def register(app: typer.Typer) -> None:
    app.command("ps", rich_help_panel=DAEMON_PANEL, epilog="Example: `ingle ps --json`")(list_loaded)
    app.command(
        "load", rich_help_panel=DAEMON_PANEL, epilog="Example: `ingle load qwen3:1.7b --keep-alive 1h`"
    )(load_model)
    app.command(
        "stop", rich_help_panel=DAEMON_PANEL, epilog="Examples: `ingle stop starter`, `ingle stop --all`"
    )(stop_model)


def list_loaded(as_json: AsJson = False) -> None:
    """The models in memory, or on their way, with what each takes."""
    from ingle.client import api

    session = open_session()
    client = session.running()
    views = client.ask(api.ps()).models if client else ()
    if as_json:
        session.terminal.answer_json(views)
    elif not views:
        why = "Nothing is loaded." if client else "Nothing is loaded: Ingle is not running."
        session.terminal.tell(why)
    else:
        session.terminal.table(render.columns(HEADS, [_row(view) for view in views], session.terminal.width))


def load_model(
    model: ModelName,
    keep_alive: KeepAlive = None,
    engine: Engine = None,
    context: Context = None,
    template: Template = None,
    as_json: AsJson = False,
) -> None:
    """Load a model ahead of its first question; asks before it downloads anything."""
    from ingle.cli.answer import Waiting, cut_context
    from ingle.cli.offer import ensure_here
    from ingle.client import api
    from ingle.config import parse_seconds

    session = open_session()
    name = session.daemon_name(model)
    request = api.load(
        name,
        keep_alive=parse_seconds(keep_alive) if keep_alive is not None else None,
        engine=str(engine) if engine else None,
        context=context,
        template=read_template(template),
    )
    ensure_here(session, model)
    client = session.daemon()
    waiting = Waiting(session.terminal)
    waiting.say(f"Loading {name} ...")
    try:
        view = client.ask(request)
    except KeyboardInterrupt:
        client.ask(api.cancel(name))
        raise Cancelled(f"The load of {name} was stopped.") from None
    finally:
        waiting.clear()
    if as_json:
        session.terminal.answer_json(view)
        return
    memory = view.memory
    engine_said = f" with {memory.engine.name} on {memory.engine.device}" if memory and memory.engine else ""
    size = f", {render.size(memory.bytes)}" if memory and memory.bytes else ""
    session.terminal.tell(f"{view.model} is loaded{engine_said}{size}.")
    if cut := cut_context(context, memory.engine if memory else None):
        session.terminal.tell(cut)


def stop_model(model: Loaded = None, every: All = False, as_json: AsJson = False) -> None:
    """Unload a model and say how much memory came back; the daemon itself stays."""
    from ingle.client import api

    session = open_session()
    if (model is None) is not every:
        raise UsageError("`ingle stop` needs one model, or --all.", hint="`ingle ps` shows what is loaded.")
    client = session.running()
    names = [session.daemon_name(model)] if model is not None else []
    if client is not None and every:
        names = [view.model for view in client.ask(api.ps()).models if view.memory is not None]
    results = [client.ask(api.unload(name)) for name in names] if client is not None else []
    if as_json:
        session.terminal.answer_json(results)
        return
    for result in results:
        came = f"; {render.size(result.memory_returned)} came back" if result.memory_returned else ""
        gone = "was not in memory" if not result.unloaded else f"has left the memory{came}"
        pulled = result.view is not None and "cancel" in result.view.actions
        more = f" It is being worked on: `ingle cancel {result.model}` ends that." if pulled else ""
        session.terminal.tell(f"{result.model} {gone}.{more}")
    if not results:
        session.terminal.tell("Nothing was loaded.")


def _row(view: ModelView) -> tuple[str, ...]:
    memory = view.memory
    if memory is None:
        state = "pull paused" if view.paused else view.state
        return (view.model, f"{state} {view.progress:.0%}", "-", "-", "-", "-", "-")
    engine = memory.engine
    busy = f"{memory.active}" + (f" +{memory.waiting} waiting" if memory.waiting else "")
    leaves = "busy" if memory.active else "stays"
    if memory.unload_in is not None and not memory.active:
        leaves = f"in {render.duration(memory.unload_in)}"
    return (
        view.model,
        view.state,
        render.size(memory.bytes),
        f"{engine.name} ({engine.device})" if engine else "-",
        str(engine.context) if engine else "-",
        busy,
        leaves,
    )
