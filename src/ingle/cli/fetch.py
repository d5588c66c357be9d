"""`pull`: has the daemon get a model whole, and draws how far it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingle.cli import render
from ingle.cli.options import MODELS_PANEL, AsJson, ModelName
from ingle.cli.session import Session, open_session
from ingle.errors import Cancelled, IngleError

if TYPE_CHECKING:
    from ingle.cli.terminal import Terminal
    from ingle.client.sync import Client
    from ingle.client.views import ModelView, PullProgress

LimitRate = Annotated[
    str | None, typer.Option("--limit-rate", metavar="RATE", help="At most this much a second: 500k, 10M.")
]


def register(app: typer.Typer) -> None:
    app.command(
        "pull",
        rich_help_panel=MODELS_PANEL,
        epilog="Examples: `ingle pull starter`, `ingle pull qwen3:1.7b`, `ingle pull org/name:Q4_K_M`",
    )(pull_model)


def pull_model(model: ModelName, limit_rate: LimitRate = None, as_json: AsJson = False) -> None:
    """Get a model whole: every file checked before it counts; interrupted pulls go on where they stopped."""
    from ingle.config import parse_bytes

    session = open_session()
    name = session.daemon_name(model)
    rate = parse_bytes(limit_rate) if limit_rate else None
    view = fetch(session, session.daemon(), name, limit_rate=rate, quiet=as_json)
    if as_json:
        session.terminal.answer_json(view)


def fetch(
    session: Session, client: Client, model: str, *, limit_rate: int | None = None, quiet: bool = False
) -> ModelView:
    """Pull `model` and return its view when it is complete; Ctrl-C stops the pull and keeps what came."""
    from ingle.client import api

    drawing = Drawing(session.terminal, model, quiet=quiet)
    joined = client.ask(api.show(model)).state == "downloading"
    view = None
    try:
        with drawing, closing(client.stream(api.pull(model, limit_rate=limit_rate))) as lines:
            for line in lines:
                if line.progress is not None:
                    drawing.show(line.progress)
                elif line.done is not None:
                    view = line.done.view
    except KeyboardInterrupt:
        if joined:
            raise Cancelled(f"The pull of {model} was begun elsewhere, and goes on there.") from None
        client.ask(api.cancel(model))
        raise Cancelled(f"Stopped. What came is kept: `ingle pull {model}` goes on from there.") from None
    if view is None:
        raise IngleError(f"The daemon ended the pull of {model} without a result.", hint="ingle logs")
    if not quiet:
        size = f" ({render.size(view.snapshot.size)})" if view.snapshot else ""
        session.terminal.tell(f"{model} is here{size}, complete and verified.")
    return view


class Drawing:
    """Draws a pull: a bar on an interactive standard error, a line for each step elsewhere."""

    def __init__(self, terminal: Terminal, model: str, *, quiet: bool) -> None:
        self.terminal = terminal
        self.model = model
        self.quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._said: tuple[str, str] = ("", "")

    def __enter__(self) -> Drawing:
        if not self.quiet and self.terminal.stderr.isatty():
            self._bar = _bar(self.terminal)
            self._task = self._bar.add_task(self.model, total=None, phase="asking", moving="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: PullProgress) -> None:
        if self._bar is not None:
            self._bar.update(
                self._task,
                total=progress.bytes_total or None,
                completed=progress.bytes_done,
                phase=progress.phase,
                moving=_moving(progress),
            )
            if progress.message and progress.message != self._said[1]:
                self._bar.console.print(progress.message, highlight=False, markup=False)
        elif not self.quiet and progress.phase != "done" and (progress.phase, progress.message) != self._said:
            total = f" {render.size(progress.bytes_total)}" if progress.bytes_total else ""
            note = f" ({progress.message})" if progress.message else ""
            self.terminal.tell(f"{self.model}: {progress.phase}{total}{note}")
        self._said = (progress.phase, progress.message)


def _moving(progress: PullProgress) -> str:
    if not progress.bytes_total:
        return ""
    said = f"{render.size(progress.bytes_done)} of {render.size(progress.bytes_total)}"
    if progress.rate:
        said += f"  {render.size(progress.rate)}/s"
    if progress.seconds_left is not None:
        said += f"  {render.duration(progress.seconds_left)} left"
    return said


def _bar(terminal: Terminal) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(file=terminal.stderr, no_color=terminal.plain)
    return Progress(
        TextColumn("{task.fields[phase]}"),
        BarColumn(bar_width=None if console.width < 100 else 40),
        TaskProgressColumn(),
        TextColumn("{task.fields[moving]}"),
        console=console,
        transient=True,
        refresh_per_second=10,
    )
