"""Sends a stream, or waits for one answer, and stops the work the moment the client has gone.

Errors are translated here, around the whole stream: before the first byte they become a status and a body,
after it the stream's own last words.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ingle.errors import Cancelled, IngleError
from ingle.server.faults import fault_response, typed

T = TypeVar("T")
Source = AsyncGenerator[bytes, None]

SSE = "text/event-stream"
LINES = "application/x-ndjson"


def json_line(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str) + b"\n"


def sse(data: Any, *, event: str | None = None) -> bytes:
    """One server-sent event with JSON data (WHATWG HTML, 9.2)."""
    head = f"event: {event}\n".encode() if event else b""
    return head + b"data: " + msgspec.json.encode(data, enc_hook=str) + b"\n\n"


class Stream(Response):
    """Sends what `source` yields. `last_words(error)` ends a stream that failed after it had begun.

    The status waits for the first piece: an error before it is an ordinary error response. `quiet` seconds without a piece are filled with `filler`.
    """

    def __init__(
        self,
        source: Source,
        last_words: Callable[[IngleError], bytes],
        *,
        media_type: str,
        quiet: float | None = None,
        filler: bytes = b": still here\n\n",
    ) -> None:
        self._source = source
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
        begun = False
        try:
            async for piece in self._pieces():
                if not begun:
                    begun = await self._begin(send)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except asyncio.CancelledError:
            raise
        except Exception as exc:  # noqa: BLE001 - the edge of the stream: all that failed is said to the client
            if not begun:
                await fault_response(scope["path"], exc)(scope, receive, send)
                return
            last = self._last_words(typed(exc))
            await send({"type": "http.response.body", "body": last, "more_body": True})
        if not begun:
            await self._begin(send)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, send: Send) -> bool:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        return True

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """The source's pieces, with fillers where it is quiet for long."""
        if self._quiet is None:
            async for piece in self._source:
                yield piece
            return
        upcoming: asyncio.Task[bytes] | None = None
        try:
            while True:
                upcoming = upcoming or asyncio.ensure_future(anext(self._source))
                done, _ = await asyncio.wait({upcoming}, timeout=self._quiet)
                if not done:
                    yield self._filler
                    continue
                finished, upcoming = upcoming, None
                try:
                    yield finished.result()
                except StopAsyncIteration:
                    return
        finally:
            if upcoming is not None:
                upcoming.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, IngleError):
                    await upcoming


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
