"""An app over a faked world, asked in memory (`client`) or over a real socket (`serving`)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from ingle.runtime.runtime import Runtime
from ingle.server.app import create_app
from tests.runtime.fakes import HANG, World, make_config
from tests.server.schemas import Description


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def runtime(world: World) -> AsyncIterator[Runtime]:
    async with world.runtime() as runtime:
        yield runtime


class Relay:
    """Stands for the runtime of the test that runs: one app serves them all, for it takes 0.1 s to build."""

    def __init__(self) -> None:
        self.current: Runtime | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


@pytest.fixture(scope="session")
def relay() -> Relay:
    return Relay()


@pytest.fixture(scope="session")
def shared_app(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(cast(Runtime, relay), make_config(tmp_path_factory.mktemp("app")))


@pytest.fixture
async def app(shared_app: FastAPI, relay: Relay, runtime: Runtime) -> AsyncIterator[FastAPI]:
    """The app over this test's runtime."""
    relay.current = runtime
    yield shared_app
    async with asgi_client(shared_app) as client:  # the one thing that an app remembers itself
        await client.post("/unload")
    relay.current = None


@pytest.fixture(scope="session")
def description(shared_app: FastAPI) -> Description:
    return Description(shared_app.openapi())


@pytest.fixture
async def client(app: FastAPI, description: Description) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose every answer must be one that the description states."""

    async def check(answer: httpx.Response) -> None:
        await answer.aread()
        assert description.faults(answer) == []

    async with asgi_client(app, event_hooks={"response": [check]}) as client:
        yield client


def asgi_client(app: Any, **options: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://127.0.0.1",
        timeout=HANG,
        **options,
    )


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app behind a real uvicorn on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        config = uvicorn.Config(
            app, http="httptools", lifespan="off", log_config=None, timeout_graceful_shutdown=2
        )
        server = Unsignalled(config)
        task = asyncio.create_task(server.serve(sockets=[sock]))
        await server.up.wait()
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, timeout=HANG, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            await task


class Unsignalled(uvicorn.Server):
    """Says when it is up, and leaves the signals of the test process alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)
