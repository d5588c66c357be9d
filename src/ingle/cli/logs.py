"""`logs`: what the daemon, its workers and the pulls wrote down; read from the home, without a daemon."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ingle.cli.options import DAEMON_PANEL, AsJson
from ingle.cli.session import open_session
from ingle.errors import NotFound


class Kind(StrEnum):
    DAEMON = "daemon"
    PULL = "pull"
    WORKER = "worker"


PATTERNS = {Kind.DAEMON: "daemon.*", Kind.PULL: "pull-*.log", Kind.WORKER: "worker-*.log"}
MAKERS = {
    Kind.DAEMON: "The daemon writes one when it starts: any command that asks a model begins it.",
    Kind.PULL: "Every pull writes one: `ingle pull starter`.",
    Kind.WORKER: "A model's worker writes what its engine has to say, often nothing; "
    "`ingle logs` tells how a worker ended, `ingle logs --path` where the files are.",
}
"""What makes a log that is not there yet."""
Of = Annotated[
    Kind, typer.Argument(metavar="daemon|pull|worker", help="`pull` and `worker` show the newest one's log.")
]
Count = Annotated[int, typer.Option("--lines", "-n", min=1, help="The last so many lines.")]
Where = Annotated[bool, typer.Option("--path", help="Only where the files are, the newest last.")]


def register(app: typer.Typer) -> None:
    app.command(
        "logs", rich_help_panel=DAEMON_PANEL, epilog="Examples: `ingle logs`, `ingle logs pull -n 200`"
    )(show_logs)


def show_logs(of: Of = Kind.DAEMON, lines: Count = 50, path: Where = False, as_json: AsJson = False) -> None:
    """The last lines of the daemon's log, or of the newest pull's or worker's."""
    from ingle.hub.disk import disk_errors

    session = open_session()
    with disk_errors(session.config.logs, "read in"):
        files = sorted(session.config.logs.glob(PATTERNS[of]), key=lambda one: one.stat().st_mtime)
    if path and as_json:
        session.terminal.answer_json(files)
        return
    if path:
        for one in files:
            session.terminal.answer(str(one))
        return
    if not files:
        raise NotFound(f"There is no {of} log in {session.config.logs} yet.", hint=MAKERS[of])
    shown = (
        files[-1:] if of is not Kind.DAEMON else [one for one in files if one.suffix in {".log", ".jsonl"}]
    )
    with disk_errors(session.config.logs, "read in"):
        kept = [line for one in shown for line in _tail(one, lines)][-lines:]
    if as_json:
        session.terminal.answer_json([_read(line) for line in kept])
    else:
        session.terminal.answer("\n".join(_told(line) for line in kept))


def _tail(path: Path, count: int) -> list[str]:
    return path.read_text(encoding="utf-8", errors="backslashreplace").splitlines()[-count:]


def _read(line: str) -> Any:
    """What a JSON line says; any other line as its `text`."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"text": line}


def _told(line: str) -> str:
    """A JSON line as `time level text`; any other line as it is."""
    try:
        found = json.loads(line)
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(found["time"]))
        seconds = f" ({found['seconds'] * 1000:.0f} ms)" if "seconds" in found else ""
        trace = f"\n{found['trace']}" if "trace" in found else ""
        return f"{moment} {found['level']:7} {found['text']}{seconds}{trace}"
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return line
