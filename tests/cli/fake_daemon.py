"""A named fake of the daemon's native API on loopback: each route answers what a test scripted."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ingle.config import InForce
from ingle.version import __version__

STATUS = {"version": "0.1.0", "pid": 1, "uptime": 65.0}


class Asked(NamedTuple):
    method: str
    path: str
    body: Any
    token: str | None


class Refusal(NamedTuple):
    """An HTTP status with an error body."""

    status: int
    error: dict[str, Any]


class Lines(list[Any]):
    """A stream of JSON lines; `HOLD` keeps it open until the client leaves, `CUT` ends it rudely, and an event is waited for."""


HOLD = object()
CUT = object()


class FakeDaemon:
    """`answers` maps `METHOD /path` to a JSON value, a `Refusal` or `Lines`; `asked` is what came.

    `held` is set when a stream reached its HOLD or event, `gone` when the client of that stream went away.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {"GET /ingle/status": STATUS}
        self.asked: list[Asked] = []
        self.held = threading.Event()
        self.gone = threading.Event()
        self.token: str | None = "let-me-in"
        self.version = __version__
        self.in_force: InForce | None = None
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self._grave: socket.socket | None = None

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def write_address(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        address = {
            "pid": 1,
            "host": "127.0.0.1",
            "port": self.port,
            "token": self.token,
            "version": self.version,
            "in_force": msgspec.to_builtins(self.in_force),
        }
        (home / "daemon.json").write_text(json.dumps(address))

    def die(self) -> None:
        """Nobody listens at its address any more, and nobody else gets that port while the test goes on."""
        port = self.port
        self.server.shutdown()
        self.server.server_close()
        self._grave = socket.socket()
        self._grave.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._grave.bind(("127.0.0.1", port))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        if self._grave is not None:
            self._grave.close()

    def bodies(self, path: str) -> list[Any]:
        """What was sent to one route, in order."""
        return [one.body for one in self.asked if one.path.partition("?")[0] == path]


@contextmanager
def fake_daemon(home: Path) -> Iterator[FakeDaemon]:
    """A running fake whose address lies in `home`, as a daemon's does."""
    daemon = FakeDaemon()
    daemon.write_address(home)
    thread = threading.Thread(target=daemon.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield daemon
    finally:
        daemon.close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no error; standard error may be what a test reads just then."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(daemon: FakeDaemon) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET", None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer("POST", json.loads(self.rfile.read(length)))

        def _answer(self, method: str, body: Any) -> None:
            daemon.asked.append(Asked(method, self.path, body, self.headers.get("Authorization")))
            said = daemon.answers.get(f"{method} {self.path.partition('?')[0]}", Refusal(404, {"code": "x"}))
            if isinstance(said, Lines):
                self._stream(said)
            elif isinstance(said, Refusal):
                self._whole(said.status, {"error": said.error})
            else:
                self._whole(200, said)

        def _whole(self, status: int, value: Any) -> None:
            payload = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def _stream(self, lines: Lines) -> None:
            self.send_response(200)
            self.end_headers()
            for line in lines:
                if line is HOLD:
                    daemon.held.set()
                    with suppress(ConnectionResetError):
                        self.connection.recv(1)  # empty when the client closes its side
                    daemon.gone.set()
                elif isinstance(line, threading.Event):
                    daemon.held.set()
                    line.wait()
                elif line is CUT:
                    self.wfile.write(b'{"chunk"')
                else:
                    self.wfile.write(json.dumps(line).encode() + b"\n")

        def log_message(self, format: str, *args: Any) -> None:
            """Tests read `asked` instead."""

    return Handler
