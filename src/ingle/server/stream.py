"""Sends a stream, or waits for one answer, and stops the work the moment the client has gone.

Errors are translated here, around the whole stream: before the first byte they become a status and a body,
after it the stream's own last words.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingle.errors import Cancelled, IngleError
from ingle.runtime.use import Use
from ingle.server.faults import fault_response, typed

T = TypeVar("T")
Source = AsyncGenerator[bytes, None]

SSE = "text/event-stream"
LINES = "application/x-ndjson"
WARNING = "Ingle-Warning"
"""The header that tells of a damaged model."""


def json_line(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str) + b"\n"


def sse(data: Any, *, event: str | None = None) -> bytes:
    """One server-sent event with JSON data (WHATWG HTML, 9.2)."""
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + msgspec.json.encode(data, enc_hook=str) + b"\n\n"


class Notice:
    """What an answer's headers say beside it, learned while it is made: that the model's files are damaged.

    The bodies of foreign contracts have no place for it.
    """

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    def take(self, use: Use) -> None:
        """Raises nothing: a damaged model may be used, as on the command line."""
        if use.damage is not None:
            said = f"{use.model} is damaged. {use.damage.message} {use.damage.hint}"
            self.headers[WARNING] = " ".join(said.split()).encode("ascii", "backslashreplace").decode("ascii")


class Stream(Response):
    """Sends what `source` yields. `last_words(error)` ends a stream that failed after it had begun.

    The status waits for the first piece: an error before it is an ordinary error response, and `notice` is
    complete. After it, `quiet` seconds without a piece are filled with `filler`.
    """

    def __init__(
        self,
        source: Source,
        last_words: Callable[[IngleError], bytes],
        *,
        media_type: str,
        quiet: float | None = None,
        filler: bytes = b": still here\n\n",
        notice: Notice | None = None,
    ) -> None:
        self._source = source
        self._notice = notice or Notice()
        self._last_words = last_words
        self._quiet = quiet
        self._filler = filler
        self.media_type = media_type
        self.status_code = 200
        self.background = None
        self.body = b""
        self.init_headers({"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._source):
            await _first_of(self._pump(scope, receive, send), _disconnected(receive))

    async def _pump(self, scope: Scope, receive: Receive, send: Send) -> None:
        wire = _Wire(send, self.status_code, self.raw_headers)
        beat = asyncio.create_task(self._beat(wire, self._quiet)) if self._quiet is not None else None
        try:
            async for piece in self._source:
                if not wire.begun:
                    self.headers.update(self._notice.headers)
                await wire.piece(piece)
        except Exception as exc:  # noqa: BLE001 - the edge of the stream: all that failed is said to the client
            if not wire.begun:
                await fault_response(scope["path"], exc)(scope, receive, send)
                return
            await wire.piece(self._last_words(typed(exc)))
        finally:
            if beat is not None:
                beat.cancel()
        await wire.end()

    async def _beat(self, wire: _Wire, quiet: float) -> None:
        """A filler whenever nothing was sent for `quiet` seconds; nothing before the first piece."""
        while True:
            await asyncio.sleep(max(0.0, wire.sent_at + quiet - time.monotonic()))
            if time.monotonic() - wire.sent_at >= quiet:
                if wire.begun:
                    await wire.piece(self._filler)
                else:
                    wire.sent_at = time.monotonic()


class _Wire:
    """One response on its way: its status goes out with the first piece."""

    def __init__(self, send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._status = status
        self._headers = headers
        self.begun = False
        self.sent_at = time.monotonic()

    async def piece(self, piece: bytes, *, more: bool = True) -> None:
        self.sent_at = time.monotonic()
        if not self.begun:
            self.begun = True
            await self._send(
                {"type": "http.response.start", "status": self._status, "headers": self._headers}
            )
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def end(self) -> None:
        await self.piece(b"", more=False)


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client leaves first (then `Cancelled`)."""
    result = await _first_of(work, _disconnected(request.receive))
    if result is _GONE:
        raise Cancelled("The client left before the answer was ready.")
    return result  # type: ignore[return-value]  # the sentinel is excluded just above


_GONE = object()


async def _disconnected(receive: Receive) -> object:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return _GONE


async def _first_of(work: Coroutine[Any, Any, T], gone: Coroutine[Any, Any, object]) -> T | object:
    """What ends first; the other is cancelled and waited for, so nothing runs on behind the response."""
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(gone)
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else leaving.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
