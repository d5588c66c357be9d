"""`bench text` and `bench sh`: scores any model on the quality sets, through the same code people use."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import ingle
from ingle.cli.answer import Waiting
from ingle.cli.options import TALK_PANEL, AsJson, ModelName
from ingle.cli.session import Session, open_session
from ingle.errors import FileMissing

if TYPE_CHECKING:
    from ingle.cli.terminal import Terminal
    from ingle.client.aio import AsyncClient
    from ingle.generation import Chunk, Generation

Data = Annotated[Path | None, typer.Option("--data", help="Another set in the same form (JSON lines).")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Every item with its result.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Score a model on the quality sets that come with Ingle.", no_args_is_help=True)
    group.command("text")(bench_text)
    group.command("sh")(bench_sh)
    app.add_typer(group, name="bench", rich_help_panel=TALK_PANEL)


def bench_text(
    model: ModelName,
    data: Data = None,
    limit: Limit = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Corrections, dictations and texts that give orders: how many come out right, whole and obeyed by nobody."""
    from ingle.text.quality import Mark, parse_items, run_item, scores
    from ingle.text.tool import load_tools

    session = _ready(model)
    items = parse_items(_read(data, "text.jsonl"))[:limit]
    tools = load_tools(session.config.tools)

    async def work(ask: Ask) -> list[Mark]:
        marks: list[Mark] = []
        with closing(Counting(session.terminal, len(items))) as counting:
            for item in items:
                marks.append(await run_item(item, tools[item.tool], ask))
                counting.reached(len(marks))
        return marks

    marks = asyncio.run(_with_model(session, model, work))
    rows = scores(marks)
    if as_json:
        session.terminal.answer_json({"model": model, "scores": rows, "marks": marks})
        return
    if verbose:
        for found in marks:
            state = "passed" if found.passed else f"kept ({found.reason})" if found.reason else "wrong"
            session.terminal.answer(f"{found.id:<14} {state:<28} {found.result!r}")
    session.terminal.table(
        [f"{'KIND':<10} {'ITEMS':>5} {'PASSED':>6} {'KEPT':>5} {'WRONG':>5} {'CLOSENESS':>9}"]
        + [
            f"{r.kind:<10} {r.items:>5} {r.passed:>6} {r.kept:>5} {r.wrong:>5} {r.closeness:>9.3f}"
            for r in rows
        ]
    )


def bench_sh(
    model: ModelName,
    data: Data = None,
    limit: Limit = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Words to one command: how many suggestions are acceptable. Nothing is run."""
    from ingle.shell.quality import PLATFORMS, Mark, parse_requests, run_request
    from ingle.shell.surroundings import observe

    session = _ready(model)
    requests = parse_requests(_read(data, "nl2cmd.jsonl"))[:limit]

    async def work(ask: Ask) -> list[Mark]:
        marks: list[Mark] = []
        folder = Path("/home/user/src/project")
        with closing(Counting(session.terminal, len(requests))) as counting:
            for request in requests:
                there = observe("bash", platform=PLATFORMS[request.os], directory=folder)
                marks.append(await run_request(request, there, ask))
                counting.reached(len(marks))
        return marks

    marks = asyncio.run(_with_model(session, model, work))
    counts = Counter(mark.outcome for mark in marks)
    if as_json:
        session.terminal.answer_json({"model": model, "outcomes": dict(counts), "marks": marks})
        return
    if verbose:
        for mark in marks:
            session.terminal.answer(f"{mark.outcome:<10} {mark.request[:60]:<60}  {mark.command}")
    outcomes = ("passed", "wrong", "forbidden", "asked", "unreadable")
    session.terminal.table(
        [
            f"{'REQUESTS':>8} " + " ".join(f"{name.upper():>10}" for name in outcomes),
            f"{len(marks):>8} " + " ".join(f"{counts[name]:>10}" for name in outcomes),
        ]
    )


class Counting:
    """How far a set is: one line that changes at a terminal, and elsewhere a line for every tenth item and the last."""

    def __init__(self, terminal: Terminal, total: int) -> None:
        self._terminal = terminal
        self._waiting = Waiting(terminal)
        self._total = total

    def reached(self, count: int) -> None:
        said = f"{count} of {self._total}"
        self._waiting.say(said)
        if not self._terminal.stderr.isatty() and (count % 10 == 0 or count == self._total):
            self._terminal.tell(said)

    def close(self) -> None:
        self._waiting.clear()


Ask = Callable[["Generation"], "AsyncIterator[Chunk]"]


def _ready(model: str) -> Session:
    from ingle.cli.offer import ensure_here

    session = open_session()
    ensure_here(session, model)
    session.daemon()
    return session


async def _with_model(session: Session, model: str, work: Callable[[Ask], Any]) -> Any:
    from ingle.client.address import read_address
    from ingle.client.aio import AsyncClient

    name = session.daemon_name(model)
    async with AsyncClient(address=read_address(session.config)) as client:
        return await work(lambda generation: _generate(client, name, generation))


async def _generate(client: AsyncClient, model: str, generation: Generation) -> AsyncIterator[Chunk]:
    from ingle.client import api

    async with aclosing(client.stream(api.generate(generation, model=model))) as lines:
        async for line in lines:
            if line.chunk is not None:
                yield line.chunk


def _read(given: Path | None, name: str) -> list[bytes]:
    """The lines of a set: the given file, else the one in the package, else the one of a checkout."""
    if given is not None:
        if not given.is_file():
            raise FileMissing(given)
        return given.read_bytes().splitlines()
    packaged = resources.files("ingle").joinpath("data", name)
    if packaged.is_file():
        return packaged.read_bytes().splitlines()
    return (Path(ingle.__file__).parents[2] / "bench" / "data" / name).read_bytes().splitlines()
