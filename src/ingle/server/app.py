"""Puts the routes together: `create_app(runtime, config)`; holds no state of its own."""

from __future__ import annotations

from fastapi import FastAPI

from ingle.config import Config
from ingle.runtime.runtime import Runtime
from ingle.server.faults import install_faults
from ingle.server.gate import Activity, Gate
from ingle.server.health import health_routes
from ingle.server.metrics import metrics_routes
from ingle.server.native import native_routes
from ingle.server.news import event_routes
from ingle.server.openai import openai_routes
from ingle.server.sidecar import sidecar_routes
from ingle.server.text import text_routes
from ingle.version import __version__


def create_app(
    runtime: Runtime, config: Config, *, token: str | None = None, activity: Activity | None = None
) -> FastAPI:
    """The application. `token`, when given, must come with every request;
    `activity` is told of each."""
    app = FastAPI(
        title="Ingle",
        version=__version__,
        summary="A local language-model runtime you can trust.",
        redirect_slashes=False,
    )
    install_faults(app)
    app.include_router(sidecar_routes(runtime))
    app.include_router(native_routes(runtime))
    app.include_router(health_routes(config))
    app.include_router(event_routes(runtime))
    app.include_router(openai_routes(runtime))
    app.include_router(metrics_routes(runtime))
    app.include_router(text_routes(runtime, config))
    app.add_middleware(Gate, token=token, host=config.host, activity=activity or Activity())
    return app
