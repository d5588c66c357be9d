"""Puts the routes together: `create_app(runtime, config)`; holds no state of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request
from starlette.responses import HTMLResponse, Response

from ingle.config import Config
from ingle.runtime.runtime import Runtime
from ingle.server.asked import Heads, known_query
from ingle.server.faults import JsonResponse, install_faults
from ingle.server.gate import Activity, Gate
from ingle.server.health import health_routes
from ingle.server.metrics import metrics_routes
from ingle.server.native import native_routes
from ingle.server.news import event_routes
from ingle.server.openai import openai_routes
from ingle.server.reference import POLICY, reference_page
from ingle.server.sidecar import sidecar_routes
from ingle.server.text import text_routes
from ingle.version import __version__

FRONT = {
    "name": "Ingle",
    "version": __version__,
    "docs": "/docs",
    "openapi": "/openapi.json",
    "status": "/ingle/status",
    "apis": {
        "openai": ["/v1/chat/completions", "/v1/completions", "/v1/models"],
        "sidecar": ["/load", "/generate", "/unload", "/status"],
        "text": ["/text", "/process", "/shell/check"],
        "ingle": ["/ingle/ps", "/ingle/models"],
    },
}


class Described(FastAPI):
    """The framework's application, which also describes its answers, when somebody asks for the description."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 object, made once."""
        if self.openapi_schema is None:
            from ingle.server.described import with_answers

            self.openapi_schema = with_answers(super().openapi())
        return self.openapi_schema


def create_app(
    runtime: Runtime, config: Config, *, token: str | None = None, activity: Activity | None = None
) -> FastAPI:
    """The application. `token`, when given, must come with every request;
    `activity` is told of each."""
    app = Described(
        title="Ingle",
        version=__version__,
        summary="A local language-model runtime you can trust.",
        redirect_slashes=False,
        docs_url=None,  # the framework's pages fetch their scripts from the network
        redoc_url=None,
        dependencies=[Depends(known_query)],
        responses={"4XX": {"description": "Refused."}},  # in place of the framework's 422, which nobody gets
    )
    app.add_route("/docs", _reference(app), include_in_schema=False)
    app.add_route("/", _front, include_in_schema=False)
    install_faults(app)
    app.include_router(sidecar_routes(runtime))
    app.include_router(native_routes(runtime))
    app.include_router(health_routes(config))
    app.include_router(event_routes(runtime))
    app.include_router(openai_routes(runtime))
    app.include_router(metrics_routes(runtime))
    app.include_router(text_routes(runtime, config))
    app.add_middleware(Heads)
    app.add_middleware(Gate, token=token, host=config.host, activity=activity or Activity())
    return app


async def _front(_request: Request) -> Response:
    """What a person sees who opens the address, and a probe that asks whether anybody is there."""
    return JsonResponse(FRONT)


def _reference(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        # the description is made at the first call, which takes longer than a stream of tokens should wait
        page = await asyncio.to_thread(lambda: reference_page(app.openapi(), request.url.netloc))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    return answer
