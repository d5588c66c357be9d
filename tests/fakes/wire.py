"""Speaks just enough HTTP/1.1 for a fake: one thread a connection, every byte of a reply ours to spoil."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

REASONS = {200: "OK", 206: "Partial Content", 302: "Found", 307: "Temporary Redirect", 404: "Not Found"}
MAX_HEAD = 64 * 1024
_HANG = 60.0
"""Seconds; whoever accepts and does not end hangs."""


@dataclass(frozen=True)
class Asked:
    """One request. Header names are lower case; `path` is decoded, `target` as it came."""

    method: str
    target: str
    headers: dict[str, str]
    origin: str
    connection: int

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)


@dataclass
class Reply:
    """What to send, and how badly.

    `length` None leaves `Content-Length` out. `sent` is told before each send how many bytes of the body
    go out, so that whoever has them finds them counted, and takes back what could not be sent.
    `cut_at`, `stall_at`: bytes of the body after which the connection closes or falls silent.
    `rate` in bytes a second.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes | memoryview] = ()
    length: int | None = 0
    cut_at: int | None = None
    stall_at: int | None = None
    rate: float | None = None
    sent: Callable[[int], None] | None = None
    done: Callable[[], None] | None = None


Answer = Callable[[Asked], Reply]


class Listener:
    """One origin: accepts connections and answers each request with `answer` until closed."""

    def __init__(self, name: str, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._name = name
        self._answer = answer
        self._tls = tls
        self._numbers = itertools.count(1)
        self._open: set[socket.socket] = set()
        self._peers: set[int] = set()
        self._lock = threading.Condition()
        self.closing = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.connections = 0
        self._accepting = threading.Thread(target=self._accept, name=f"fake-{name}", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Ends everything. The descriptor goes last: its number may be the next listener's at once."""
        if self.closing.is_set():
            return
        self.closing.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass  # wakes whoever accepts, as long as the port is surely ours
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join(_HANG)
        self._listening.close()
        self.drop()

    def die(self) -> socket.socket:
        """Closes; the socket that comes back keeps the port from being given to others: it refuses everybody."""
        self.close()
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its old connections may still linger
        taken.bind(("127.0.0.1", self.port))
        return taken

    def drop(self) -> None:
        """Ends every open connection now."""
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def settle(self, seconds: float) -> None:
        """Ends every open connection and waits until its last request has been dealt with.

        Connections that were made and not accepted yet count too: one more is made and, as they come in
        the order in which they were made, waited for.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as last, self._lock:
            port = last.getsockname()[1]
            self._lock.wait_for(lambda: port in self._peers, seconds)
        self.drop()
        with self._lock:
            self._lock.wait_for(lambda: not self._open, seconds)

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                sock, (_, port) = self._listening.accept()
            except OSError:
                return
            if self.closing.is_set():
                sock.close()
                return
            number = next(self._numbers)
            self.connections = number
            with self._lock:
                self._open.add(sock)
                self._peers.add(port)
                self._lock.notify_all()
            threading.Thread(target=self._serve, args=(sock, port, number), daemon=True).start()

    def _serve(self, accepted: socket.socket, port: int, number: int) -> None:
        sock = accepted
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(accepted, server_side=True)
                with self._lock:
                    self._open.discard(accepted)  # which is detached now
                    self._open.add(sock)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for asked in _requests(sock, self._name, number):
                if not self._send(sock, asked, self._answer(asked)):
                    return
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {accepted, sock}
                self._peers.discard(port)
                self._lock.notify_all()
            sock.close()
            accepted.close()

    def _send(self, sock: socket.socket, asked: Asked, reply: Reply) -> bool:
        """True when the connection may carry another request."""
        headers = dict(reply.headers)
        if reply.length is not None:
            headers["Content-Length"] = str(reply.length)
        else:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Said So')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        sock.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")
        try:
            whole = asked.method == "HEAD" or self._send_body(sock, reply)
        finally:
            if reply.done is not None:
                reply.done()
        return whole and reply.length is not None

    def _send_body(self, sock: socket.socket, reply: Reply) -> bool:
        total = 0
        for piece in _paced(reply):
            self._send_piece(sock, piece, reply.sent)
            total += len(piece)
            if reply.rate is not None and self.closing.wait(len(piece) / reply.rate):
                return False
            if reply.cut_at is not None and total >= reply.cut_at:
                return False
            if reply.stall_at is not None and total >= reply.stall_at:
                sock.recv(1)
                return False
        return total == (reply.length or 0)

    def _send_piece(
        self, sock: socket.socket, piece: bytes | memoryview, sent: Callable[[int], None] | None
    ) -> None:
        if sent is not None:
            sent(len(piece))
        try:
            sock.sendall(piece)
        except OSError:
            if sent is not None:
                sent(-len(piece))
            raise


def _paced(reply: Reply) -> Iterator[bytes | memoryview]:
    """The body in the steps in which it is sent: up to where it ends, and small when it is slow."""
    stops = [n for n in (reply.cut_at, reply.stall_at) if n is not None]
    left = min(stops) if stops else None
    step = None if reply.rate is None else max(1, int(reply.rate / 20))
    for chunk in reply.body:
        piece = memoryview(chunk) if left is None else memoryview(chunk)[:left]
        for offset in range(0, len(piece), step or max(1, len(piece))):
            yield piece[offset : offset + (step or len(piece))]
        if left is not None:
            left -= len(piece)
            if left <= 0:
                if not len(piece):
                    yield b""
                return


def _requests(sock: socket.socket, origin: str, number: int) -> Iterator[Asked]:
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            more = sock.recv(65536)
            if not more or len(waiting) > MAX_HEAD:
                return
            waiting += more
        head, _, waiting = waiting.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        if "://" in target:
            # Through a proxy the whole address comes.
            target = "/" + target.split("/", 3)[3]
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", "0"))
        while len(waiting) < length:
            more = sock.recv(65536)
            if not more:
                return
            waiting += more
        waiting = waiting[length:]
        yield Asked(method, target, headers, origin, number)
