"""GET /events: what the runtime does, as server-sent events; a late listener first hears what already is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ingle.runtime.events import RuntimeEvent
from ingle.runtime.runtime import Runtime
from ingle.server.faults import native_body
from ingle.server.stream import SSE, Stream, sse

HEARTBEAT = 15.0
"""Seconds of silence after which a comment keeps proxies and clients from giving up."""


def event_fields(event: RuntimeEvent) -> dict[str, Any]:
    """Always with `event`, `model`, `progress` and `error`; the rest only where it says something."""
    fields: dict[str, Any] = {
        "event": event.event,
        "model": event.model,
        "progress": max(0.0, event.progress),
        "error": event.error,
    }
    for name in ("details", "pull", "memory_returned", "reason"):
        value = getattr(event, name)
        if value not in (None, ""):
            fields[name] = value
    if event.current:
        fields["current"] = True
    return fields


def event_routes(runtime: Runtime) -> APIRouter:
    router = APIRouter(tags=["events"])

    @router.get("/events")
    async def events() -> Response:
        """Server-sent events: pulls, loads, unloads, checks, errors. The current state comes first."""
        return Stream(
            _stream(runtime),
            lambda error: sse(native_body(error), event="error"),
            media_type=SSE,
            quiet=HEARTBEAT,
        )

    return router


async def _stream(runtime: Runtime) -> AsyncGenerator[bytes, None]:
    await runtime.settle()
    async with runtime.events() as news:
        yield b": listening\n\n"  # the status goes out only now: who reads it misses nothing
        async for event in news:
            yield sse(event_fields(event), event=event.event)
