"""Runs the daemon: takes its home and its port, says where it listens, and ends cleanly, leaving nothing.

Order: the home's lock, the socket (so that "port in use" is an early, clear error), then the heavy imports,
the runtime, the routes, `daemon.json`, the ready line. In reverse at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingle.config import Config, InForce
from ingle.errors import AlreadyRunning, InvalidConfig, NoPermission
from ingle.server.home import DaemonFile, HomeLock, remove_daemon, write_daemon
from ingle.version import __version__

if TYPE_CHECKING:
    import uvicorn

    from ingle.runtime.runtime import Runtime
    from ingle.server.gate import Activity

log = logging.getLogger(__name__)

DRAIN = 3.0
"""Seconds that running answers get to end after the signal; then their connections are closed."""
IDLE_LOOK = 0.2
"""The share of the idle time between two looks whether it is over."""


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How a daemon is started beyond its `Config`.

    `token`: what every request must bring; with `port` 0 one is made when none is given. `parent_pid`: end
    with that process. `idle_exit`: seconds without work after which it ends (None: never). `ready_line`:
    print `{"port", "pid", "token", ...}` as one JSON line on stdout when requests are answered.
    """

    host: str | None = None
    port: int | None = None
    token: str | None = None
    parent_pid: int | None = None
    idle_exit: float | None = None
    ready_line: bool = True
    verbose: bool = False


def serve(config: Config, options: ServeOptions = ServeOptions()) -> None:
    """Runs until a signal, the parent's end or idleness; after Ctrl-C it raises `KeyboardInterrupt`, with
    everything cleaned up.

    Raises `AlreadyRunning`, `NoPermission`, `InvalidConfig`, `StoreError` before anything is started.
    """
    host = options.host or config.host
    port = config.port if options.port is None else options.port
    token = options.token or (secrets.token_urlsafe(24) if port == 0 else None)
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise InvalidConfig(
            "The token holds what no header can carry.", hint="Take visible ASCII characters, without spaces."
        )
    lock = HomeLock(config.home)
    lock.acquire()
    try:
        sock = bind(host, port)
        try:
            from ingle.server.logs import start_logging

            start_logging(config.logs, verbose=options.verbose)
            interrupted = _run(_serve(config, options, sock, host, token))
        finally:
            sock.close()
    finally:
        lock.release()
    if interrupted:
        raise KeyboardInterrupt


def bind(host: str, port: int) -> socket.socket:
    """The listening socket. Raises `AlreadyRunning` when the port is taken, naming who has it."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as exc:  # the second is a label that no name may have
        raise InvalidConfig(f"{host} is no address to listen on: {exc}.", hint="Use 127.0.0.1.") from exc
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)
        sock.setblocking(False)
    except PermissionError as exc:
        sock.close()
        hint = "Take a port from 1024 on: `ingle serve --port 0` takes a free one."
        raise NoPermission(f"{host}:{port}", "listen on", hint=hint) from exc
    except OSError as exc:
        sock.close()
        if exc.errno != errno.EADDRINUSE:
            raise InvalidConfig(
                f"{host}:{port} cannot be listened on: {exc.strerror}.", hint="Use 127.0.0.1."
            ) from exc
        raise AlreadyRunning(
            f"{host}:{port} is taken by {_holder(port)}.",
            hint="End that program, or choose another port: ingle serve --port 0 takes a free one.",
            port=port,
        ) from exc
    return sock


async def _serve(
    config: Config, options: ServeOptions, sock: socket.socket, host: str, token: str | None
) -> bool:
    """True when Ctrl-C ended it."""
    import msgspec

    from ingle.runtime.runtime import Runtime
    from ingle.server.app import create_app
    from ingle.server.gate import Activity

    activity, signals = Activity(), list[signal.Signals]()
    daemon = DaemonFile(
        pid=os.getpid(),
        host=host,
        port=sock.getsockname()[1],
        token=token,
        version=__version__,
        started=time.time(),
        in_force=InForce.of(config),
    )
    async with Runtime(msgspec.structs.replace(config, host=host)) as runtime:
        app = create_app(runtime, runtime.config, token=token, activity=activity)

        def ready() -> None:
            write_daemon(config.home, daemon)
            log.info("listening on %s:%d", host, daemon.port)
            if options.ready_line:
                _say_ready(daemon)

        server = _server(app, ready)

        def leave(why: str, signum: signal.Signals | None = None) -> None:
            """The first call asks politely; a second one closes what is still open."""
            log.info("ending: %s", why)
            if signum is not None:
                signals.append(signum)
            runtime.end_streams()
            server.force_exit = server.should_exit
            server.should_exit = True

        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, leave, f"signal {signum.name}", signum)
        watchers = [asyncio.create_task(work) for work in _watchers(options, runtime, activity, leave)]
        try:
            await server.serve(sockets=[sock])
        finally:
            for task in watchers:
                task.cancel()
            remove_daemon(config.home, os.getpid())
    return signals[:1] == [signal.SIGINT]


def _server(app: Any, ready: Callable[[], None]) -> uvicorn.Server:
    """uvicorn, which calls `ready` when it answers and leaves the signals to us."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # they are ours: uvicorn would raise them again before we have cleaned up

    return Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(DRAIN),
        )
    )


def _watchers(
    options: ServeOptions, runtime: Runtime, activity: Activity, leave: Callable[[str], None]
) -> list[Coroutine[Any, Any, None]]:
    found: list[Coroutine[Any, Any, None]] = []
    if options.parent_pid is not None:
        found.append(_with_parent(options.parent_pid, leave))
    if options.idle_exit is not None and options.idle_exit >= 0:
        found.append(_when_idle(options.idle_exit, runtime, activity, leave))
    return found


async def _with_parent(pid: int, leave: Callable[[str], None]) -> None:
    from ingle.server.parent import parent_gone

    await parent_gone(pid)
    leave(f"the parent process {pid} has ended")


async def _when_idle(
    limit: float, runtime: Runtime, activity: Activity, leave: Callable[[str], None]
) -> None:
    """Idle: no request inside, nothing loaded, nothing pulled, and so for `limit` seconds."""
    busy_at = time.monotonic()
    while True:
        if runtime.busy or activity.inside:
            busy_at = time.monotonic()
        if time.monotonic() - max(busy_at, activity.last) >= limit:
            leave(f"nothing to do for {limit:g} s")
            return
        await asyncio.sleep(max(0.05, limit * IDLE_LOOK))


def _say_ready(daemon: DaemonFile) -> None:
    """A reader that has gone away is no reason to end."""
    line = {
        "status": "ready",
        "host": daemon.host,
        "port": daemon.port,
        "pid": daemon.pid,
        "token": daemon.token,
        "version": daemon.version,
    }
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _run(main: Coroutine[Any, Any, bool]) -> bool:
    """On uvloop where it is, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def _holder(port: int) -> str:
    """Who listens on a port, as far as the system tells this user."""
    import psutil

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return "another program"
