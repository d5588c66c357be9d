"""Looking further than this machine, and at its health: search, outdated models, the doctor's findings.

    GET /ingle/search?q=WORDS&format=mlx&limit=20   {"models": [{repo_id, downloads, size, formats, ...}]}
    GET /ingle/outdated                             {"models": [{ref, commit, newest, changed, to_fetch}]}
    GET /ingle/doctor?offline=false                 {"level", "findings": [{check, level, says, means, command}]}

All of them only look. Each runs in a thread that ends, at most a second later, when the client leaves.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, TypeVar

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from ingle.catalog.model import Format
from ingle.config import Config
from ingle.engines.choose import choose_engine, platform_facts
from ingle.errors import Unsupported
from ingle.server.faults import JsonResponse
from ingle.server.stream import unless_gone

if TYPE_CHECKING:
    from ingle.hub.health.doctor import Environment

T = TypeVar("T")
PACKAGES = ("mlx", "mlx-lm", "xllamacpp")


def health_routes(config: Config) -> APIRouter:
    router = APIRouter(prefix="/ingle", tags=["health"])

    @router.get("/search")
    async def search(
        request: Request,
        q: str = Query(min_length=1, max_length=200),
        format: Format | None = None,
        limit: int = Query(default=20, ge=1, le=100),
    ) -> Response:
        """Search the hub for models."""
        from ingle.hub.remote import Remote

        def ask(cancel: threading.Event) -> object:
            with Remote(config, cancel=cancel) as remote:
                return remote.search(q, format, limit)

        return JsonResponse({"models": await unless_gone(request, in_thread(ask))})

    @router.get("/outdated")
    async def outdated(request: Request) -> Response:
        """The models here whose branch has moved on since they were pulled."""
        from ingle.hub import outdated

        found = in_thread(lambda cancel: list(outdated.outdated(config, cancel=cancel)))
        return JsonResponse({"models": await unless_gone(request, found)})

    @router.get("/doctor")
    async def doctor(request: Request, offline: bool = False) -> Response:
        """Look at everything a pull and a load depend on; `offline` leaves the network out."""
        from ingle.hub.cache import Store
        from ingle.hub.health.doctor import examine
        from ingle.hub.health.finding import worst
        from ingle.hub.remote import Remote

        def look(cancel: threading.Event) -> dict[str, object]:
            with Remote(config, cancel=cancel) as remote:
                findings = examine(config, Store(config), environment(), None if offline else remote)
            return {"level": worst(findings), "findings": findings}

        return JsonResponse(await unless_gone(request, in_thread(look)))

    return router


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """Runs `work` in a thread; cancelled, it sets the event that `work` was given, and does not wait."""
    cancel = threading.Event()
    try:
        return await asyncio.to_thread(work, cancel)
    finally:
        cancel.set()


def environment() -> Environment:
    """The engines that are installed, and what they compute on."""
    from ingle.hub.health.doctor import Environment

    said = []
    for kind in (Format.MLX, Format.GGUF):
        try:
            said.append(choose_engine(kind, platform_facts()).why)
        except Unsupported as exc:
            said.append(exc.message)
    return Environment(engines={name: _version(name) for name in PACKAGES}, accelerator=" ".join(said))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
