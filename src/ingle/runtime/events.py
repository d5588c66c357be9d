"""The news of the runtime, and the bus that brings it to many listeners without ever waiting for one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import msgspec

from ingle.runtime.status import PullView

BOUND = 256
"""Events a listener may be behind before it is dropped: 25 s of one pull's progress."""


class EventKind(StrEnum):
    DOWNLOAD_STARTED = "download_started"
    DOWNLOAD_PROGRESS = "download_progress"
    DOWNLOAD_COMPLETED = "download_completed"
    VERIFIED = "verified"
    LOADING_STARTED = "loading_started"
    LOADING_COMPLETED = "loading_completed"
    UNLOADED = "unloaded"
    ERROR = "error"
    DROPPED = "dropped"  # to one listener only: it was too slow, and this is the last it hears


class RuntimeEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`progress` is 0.0 to 1.0; `error` is text for people, `details` the error object for machines.

    `current` marks an event that tells a late listener what already was when it came. `memory_returned`
    is in bytes and comes with `unloaded`; `reason` says why a model left, or that a pull is "paused".
    """

    event: EventKind
    model: str
    progress: float = msgspec.field(default=-1.0)
    error: str | None = None
    details: dict[str, Any] | None = None
    pull: PullView | None = None
    memory_returned: int | None = None
    reason: str = ""
    current: bool = False


class Subscription:
    """One listener's place on the bus: iterate to listen, `close` to leave (also on leaving `async with`)."""

    def __init__(self, leave: Callable[[Subscription], None], current: Iterable[RuntimeEvent]) -> None:
        self._leave = leave
        self._waiting: deque[RuntimeEvent] = deque(current)
        self._bound = max(BOUND, 2 * len(self._waiting))
        self._news = asyncio.Event()
        self._over = False

    def offer(self, event: RuntimeEvent) -> None:
        """Hand over one event; a listener too far behind is dropped instead, with the reason."""
        if self._over:
            return
        if len(self._waiting) >= self._bound:
            self._waiting.clear()
            event = RuntimeEvent(
                event=EventKind.DROPPED,
                model="",
                reason=f"this listener was {self._bound} events behind; connect again for the current state",
            )
            self._over = True
            self._leave(self)
        self._waiting.append(event)
        self._news.set()

    def close(self) -> None:
        self._over = True
        self._leave(self)
        self._news.set()

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> RuntimeEvent:
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()


class EventBus:
    """Publishes on the event loop; `publish` never blocks and never raises because of a listener."""

    def __init__(self) -> None:
        self._listeners: set[Subscription] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._listeners)

    def subscribe(self, current: Iterable[RuntimeEvent] = ()) -> Subscription:
        """A new listener that first hears `current`. After `close` it hears only that."""
        subscription = Subscription(self._listeners.discard, current)
        if self._closed:
            subscription.close()
        else:
            self._listeners.add(subscription)
        return subscription

    def publish(self, event: RuntimeEvent) -> None:
        for listener in tuple(self._listeners):
            listener.offer(event)

    def close(self) -> None:
        """Every listener's stream ends after what it has already been given."""
        self._closed = True
        for listener in tuple(self._listeners):
            listener.close()
