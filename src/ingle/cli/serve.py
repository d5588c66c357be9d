"""`serve`: the daemon in this terminal, beside an app, or in the background; and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ingle.cli.options import DAEMON_PANEL, AsJson
from ingle.cli.session import open_session
from ingle.errors import AlreadyRunning, IngleError, InvalidRequest, UsageError

if TYPE_CHECKING:
    from ingle.cli.session import Session
    from ingle.config import Config

EXAMPLES = """Examples:

ingle serve

ingle serve --port 0 --parent-pid $$     (beside an app: one JSON line says port and token)

ingle serve --stop"""
TOLD_S = 2.0
"""A daemon that is to end has this long to tell what ends with it."""
Host = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Address to listen on; the loopback by default.")
]
Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="0 takes a free one and makes a token.", show_default=False),
]
Token = Annotated[
    str | None, typer.Option(metavar="TOKEN", help="What every request must bring as its bearer token.")
]
ParentPid = Annotated[
    int | None,
    typer.Option("--parent-pid", min=1, max=(1 << 31) - 1, metavar="PID", help="End when this process ends."),
]
IdleExit = Annotated[
    str | None, typer.Option("--idle-exit", metavar="TIME", help="End after this time without work: 10m.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="The log on standard error too.")]
Stop = Annotated[
    bool,
    typer.Option("--stop", help="End the daemon of this home, and wait for its end, half a minute at most."),
]
Force = Annotated[bool, typer.Option("--force", help="With --stop: kill it when it has not left by then.")]
Background = Annotated[bool, typer.Option("--background", hidden=True)]


def register(app: typer.Typer) -> None:
    app.command("serve", rich_help_panel=DAEMON_PANEL, epilog=EXAMPLES)(serve_models)


def serve_models(
    host: Host = None,
    port: Port = None,
    token: Token = None,
    parent_pid: ParentPid = None,
    idle_exit: IdleExit = None,
    stop: Stop = False,
    force: Force = False,
    verbose: Verbose = False,
    background: Background = False,
    as_json: AsJson = False,
) -> None:
    """Run the daemon here until Ctrl-C; when it answers, one JSON line says where."""
    from ingle.cli.ending import end_daemon
    from ingle.config import parse_seconds
    from ingle.server.serve import ServeOptions, serve

    session = open_session()
    if force and not stop:
        raise UsageError("--force goes with --stop.", hint="ingle serve --stop --force")
    if stop:
        cut = [] if as_json else _cut_short(session)
        pid = end_daemon(session.config, force=force)
        if as_json:  # the ready line is JSON in any case; errors are, because of the word itself
            session.terminal.answer_json({"ended": pid})
        else:
            said = f"The daemon (pid {pid}) has ended." if pid is not None else "Ingle is not running."
            session.terminal.tell(said)
            for sentence in cut:
                session.terminal.tell(sentence)
        return
    if background:
        _in_background(session.config)
        return
    if parent_pid is not None:
        _refuse_nobody(parent_pid)
    guarded = token_for(host or session.config.host, token)
    if guarded != token:
        session.terminal.tell("Beyond this machine every request must bring the token in the line below.")
    if session.terminal.stdout.isatty():
        session.terminal.tell("Ctrl-C ends it; the line below says when it answers, and where.")
    serve(
        session.config,
        ServeOptions(
            host=host,
            port=port,
            token=guarded,
            parent_pid=parent_pid,
            idle_exit=parse_seconds(idle_exit) if idle_exit is not None else None,
            verbose=verbose,
        ),
    )


def _refuse_nobody(pid: int) -> None:
    """Raises `InvalidRequest` for a parent that is no process: the daemon would say that it is ready, and leave."""
    import psutil

    if not psutil.pid_exists(pid):
        raise InvalidRequest(
            f"There is no process {pid} for --parent-pid.", hint="It takes the pid of the app beside it."
        )


def _cut_short(session: Session) -> list[str]:
    """What to say of the pulls, repairs and checks that end with the daemon; nothing where it does not tell them soon:
    one that hangs is what people end."""
    import msgspec

    from ingle.client import Client, api
    from ingle.client.address import read_address

    try:
        with Client(address=read_address(session.config)) as client:
            views = client.ask(msgspec.structs.replace(api.ps(), timeout=TOLD_S)).models
    except IngleError:
        return []
    return [
        f"The pull of {one.model} ended with it; what came is kept: `ingle pull {one.model}` goes on."
        if one.state == "downloading"
        else f"The work on {one.model} ended with it, a check, a repair or the pull of a newer version."
        for one in views
        if one.pull is not None and "cancel" in one.actions
    ]


def token_for(host: str, token: str | None) -> str | None:
    """The token that is asked for: the given one, and beyond the loopback never none."""
    import ipaddress
    import secrets

    if token or host == "localhost":
        return token
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    return token if local else secrets.token_urlsafe(24)


def _in_background(config: Config) -> None:
    """On the usual port, or a free one where another home's daemon (or program) has that."""
    from ingle.server.serve import ServeOptions, serve

    usual = ServeOptions(idle_exit=config.idle_exit)
    try:
        serve(config, usual)
    except AlreadyRunning as taken:
        if "pid" in taken.details:  # this home has its daemon: a second one is no answer
            raise
        serve(config, ServeOptions(idle_exit=config.idle_exit, port=0))
