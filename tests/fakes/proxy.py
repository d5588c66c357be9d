"""An HTTP proxy on loopback: tunnels with CONNECT, relays plain requests, and remembers who asked for what."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class FakeProxy:
    """`heads` are the request heads that came. With `refuse` every CONNECT is answered 403."""

    def __init__(self, *, refuse: bool = False) -> None:
        self.heads: list[str] = []
        self._refuse = refuse
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sock in [self._listening, *self._open]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                self._open.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    return
                data += more
            self.heads.append(data.partition(b"\r\n\r\n")[0].decode())
            method, target, _ = data.decode("latin-1").split(" ", 2)
            if method == "CONNECT":
                self._tunnel(sock, target)
                return
            parts = urlsplit(target)
            onward = self._dial(parts.hostname or "", parts.port or 80)
            onward.sendall(data)
            _pipe_both(sock, onward)

    def _tunnel(self, sock: socket.socket, target: str) -> None:
        if self._refuse:
            sock.sendall(b"HTTP/1.1 403 No\r\n\r\n")
            sock.close()
            return
        host, _, port = target.rpartition(":")
        onward = self._dial(host, int(port))
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        _pipe_both(sock, onward)

    def _dial(self, host: str, port: int) -> socket.socket:
        onward = socket.create_connection((host, port))
        self._open.append(onward)
        return onward


def _pipe_both(one: socket.socket, other: socket.socket) -> None:
    threading.Thread(target=_pipe, args=(one, other), daemon=True).start()
    _pipe(other, one)


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
