"""Who asked what: numbers requests, and brings every frame of the child to the one who waits for it.

Holds no socket and no process. Everything here runs on one asyncio loop.
"""

from __future__ import annotations

import asyncio
import itertools

from ingle.engines.base import EngineHealth
from ingle.errors import IngleError
from ingle.generation import Chunk
from ingle.worker import frames

Item = Chunk | int | str | IngleError
Inbox = asyncio.Queue[Item]


class Exchange:
    """The open questions of one worker. An answer to a question nobody waits for is dropped."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._inboxes: dict[str, Inbox] = {}
        self._pongs: dict[int, asyncio.Future[EngineHealth]] = {}

    def open(self) -> tuple[str, Inbox]:
        """A new request id and where its answers come; `close` it when it is done."""
        request = str(next(self._numbers))
        inbox: Inbox = asyncio.Queue()
        self._inboxes[request] = inbox
        return request, inbox

    def close(self, request: str) -> None:
        self._inboxes.pop(request, None)

    def open_ping(self) -> tuple[int, asyncio.Future[EngineHealth]]:
        number = next(self._numbers)
        self._pongs[number] = future = asyncio.get_running_loop().create_future()
        return number, future

    def close_ping(self, number: int) -> None:
        self._pongs.pop(number, None)

    def deliver(self, frame: frames.Frame) -> None:
        """Bring an answer to its inbox; frames that answer nothing are none of our business."""
        match frame:
            case frames.Piece(request, item) | frames.Answered(request, item):
                self._put(request, item)
            case frames.RequestError(request, error):
                self._put(request, IngleError.from_dict(error))
            case frames.Pong(number, health):
                future = self._pongs.get(number)
                if future is not None and not future.done():
                    future.set_result(health)

    def fail_all(self, error: IngleError) -> None:
        """The child is gone: everybody who waits is told why."""
        for inbox in self._inboxes.values():
            inbox.put_nowait(error)
        for future in self._pongs.values():
            if not future.done():
                future.set_exception(error)

    def _put(self, request: str, item: Item) -> None:
        inbox = self._inboxes.get(request)
        if inbox is not None:
            inbox.put_nowait(item)


def is_last(item: Item) -> bool:
    """Whether nothing more comes for the request: an error, or the chunk with the usage."""
    return isinstance(item, IngleError) or (isinstance(item, Chunk) and item.usage is not None)
