"""One connection as `http.client` sees it: reads go from the socket into the caller's buffer, in pieces.

A plain `socket.makefile` would wait until a whole buffer is full and lose what it holds when the
connection breaks; here `readinto` gives whatever has arrived.
"""

from __future__ import annotations

import contextlib
import io
import select
import socket
import threading
import time

MAX_LINE = 64 * 1024
BUFFER = 16 * 1024


class Wire:
    """Owns one connected socket for one origin, over any number of answers.

    `heard` tells whether any byte of the present answer came; `clean` that nothing is left over.
    """

    def __init__(self, sock: socket.socket, origin: tuple[str, str, int]) -> None:
        self._sock = sock
        self.origin = origin
        self.idle_since = 0.0
        self.heard = False
        self._reader = Reader(self)
        self._ended = threading.Event()
        self._deadline: float | None = None
        self._timeout = 0.0

    # what http.client uses of a socket

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedIOBase:
        self._reader = Reader(self)
        return self._reader

    def close(self) -> None:
        """`http.client` closes early and by its own rules; the transport ends a connection itself."""

    # what the transport uses

    def expect_by(self, deadline: float, seconds: float) -> None:
        """From now on a head or a short body is awaited: `seconds` for each byte, all by `deadline` (monotonic)."""
        self.heard = False
        self._deadline = deadline
        self._sock.settimeout(seconds)

    def expect_body(self, seconds: float) -> None:
        """From now on bytes of a body are awaited, `seconds` at most for the next one."""
        self._deadline = None
        self._sock.settimeout(seconds)

    def overdue(self, now: float) -> bool:
        deadline = self._deadline
        return deadline is not None and now > deadline

    @property
    def clean(self) -> bool:
        return not self._reader.held and not self._ended.is_set()

    def quiet(self) -> bool:
        """Whether an idle connection is still open and says nothing of its own accord."""
        if self._ended.is_set():
            return False
        try:
            readable, _, _ = select.select([self._sock], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable

    def end(self) -> None:
        """Breaks the connection, from any thread; a read that blocks in another one fails at once.

        The descriptor stays taken until `release`: closed under a reader it could be reused, and the reader
        would take bytes that belong to another connection.
        """
        self._ended.set()
        with contextlib.suppress(OSError):
            # Not the TLS socket's own method, which forgets its encryption under a reader's hands.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def release(self) -> None:
        """Closes; only for the thread that reads, or when none does."""
        self.end()
        with contextlib.suppress(OSError):
            self._sock.close()

    def receive(self, view: memoryview) -> int:
        """Some bytes from the socket, 0 at its end."""
        if self._ended.is_set():
            if self.overdue(time.monotonic()):
                raise TimeoutError
            raise ConnectionAbortedError("the connection was ended")
        try:
            count = self._sock.recv_into(view)
        except OSError:
            if self.overdue(time.monotonic()):
                raise TimeoutError from None
            raise
        if count:
            self.heard = True
        elif self._ended.is_set():
            raise TimeoutError if self.overdue(time.monotonic()) else ConnectionAbortedError
        return count


class Reader(io.BufferedIOBase):
    """The file that `http.client` reads an answer from."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = bytearray(BUFFER)
        self._start = 0
        self._stop = 0

    @property
    def held(self) -> int:
        """Bytes received and not yet given to anybody."""
        return self._stop - self._start

    def readable(self) -> bool:
        return True

    def readline(self, limit: int | None = -1) -> bytes:
        most = MAX_LINE if limit is None or limit < 0 else limit
        line = b""
        while len(line) < most:
            if not self.held and not self._fill():
                return line
            end = self._buffer.find(b"\n", self._start, self._stop)
            stop = min(self._stop if end < 0 else end + 1, self._start + most - len(line))
            line += self._buffer[self._start : stop]
            self._start = stop
            if line.endswith(b"\n"):
                return line
        return line

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower than io's
        view = memoryview(buffer)
        if not self.held:
            return self._wire.receive(view) if len(view) else 0
        count = min(self.held, len(view))
        view[:count] = self._buffer[self._start : self._start + count]
        self._start += count
        return count

    def read(self, size: int | None = -1) -> bytes:
        """Exactly `size` bytes unless the connection ends before; all of it for -1."""
        found = bytearray()
        chunk = bytearray(65536)
        while size is None or size < 0 or len(found) < size:
            most = len(chunk) if size is None or size < 0 else min(len(chunk), size - len(found))
            count = self.readinto(memoryview(chunk)[:most])
            if not count:
                break
            found += chunk[:count]
        return bytes(found)

    def read1(self, size: int = -1) -> bytes:
        chunk = bytearray(BUFFER if size < 0 else min(size, 65536))
        return bytes(chunk[: self.readinto(chunk)])

    def _fill(self) -> int:
        self._start = self._stop = 0
        self._stop = self._wire.receive(memoryview(self._buffer))
        return self._stop
