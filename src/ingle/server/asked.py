"""What may stand around a body: the query of every route, and HEAD for every GET (RFC 9110, 9.1 and 9.3.2)."""

from __future__ import annotations

import asyncio
from typing import Any, get_args

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingle.errors import InvalidRequest
from ingle.server.faults import OPENAI_PREFIX


async def known_query(request: Request) -> None:
    """A dependency of every route: raises `InvalidRequest` for a query parameter that would be ignored, or is there twice.

    Clients of OpenAI's API add marks of their own (`client_version`, `api-version`) and expect nothing of them:
    under /v1 only what belongs into the body is refused.
    """
    if not request.query_params:
        return
    route: Any = request.scope["route"]
    known = {field.alias for field in route.dependant.query_params}
    given = request.query_params
    if request.url.path.startswith(OPENAI_PREFIX):
        strange = [name for name in given if name in _body_fields(route)]
    else:
        strange = [name for name in given if name not in known]
    if strange:
        where = "it belongs into the body" if strange[0] in _body_fields(route) else "there is no such one"
        raise InvalidRequest(
            f"The query parameter {strange[0]} is not taken here: {where}.",
            hint="/docs lists every field of this route.",
            field=strange[0],
            unknown=strange,
        )
    twice = next((name for name in known if len(given.getlist(name)) > 1), None)
    if twice is not None:
        raise InvalidRequest(f"The query parameter {twice} is given more than once.", field=twice)


def _body_fields(route: Any) -> set[str]:
    kinds = [field.field_info.annotation for field in route.dependant.body_params]
    models = [
        model for kind in kinds for model in get_args(kind) or (kind,)
    ]  # a body may be left out: `X | None`
    return {name for model in models for name in getattr(model, "model_fields", {})}


class Heads:
    """ASGI middleware: HEAD is answered with the head that GET would have, and the work behind it ends there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        told = asyncio.Event()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                told.set()

        work = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, sending))
        heard = asyncio.ensure_future(told.wait())
        try:
            # a stream of events would go on without end
            await asyncio.wait({work, heard}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            for task in (work, heard):
                task.cancel()
            await asyncio.gather(work, heard, return_exceptions=True)
