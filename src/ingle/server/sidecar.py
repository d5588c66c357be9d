"""The contract an app relies on when Ingle runs as its sidecar: load, generate, unload, status, warm.

    POST /load {"model_path"}                              -> {"status": "loaded", "model_path"}
    POST /generate {"prompt", "max_tokens", "temperature"} -> {"response", "tokens_generated"}
    POST /unload                                           -> {"status": "unloaded", "model_loaded": false}
    GET  /status                              -> {"status": "running", "model_loaded", "model_path"}
    POST /warm {"model_path"?}                -> {"status": "warming" | "warm" | "loaded", "model_path"}, at once

`model_loaded` is about the model of the last `/load`, not about what other routes loaded.
A model that is in memory and not that one is `warm`: `/load` takes no time, `/generate` needs it, and `/unload` is not about it.
`/generate` answers with that model, loading it again when it left for idleness. None of
these ever downloads unless `auto_pull` is on. Of a model whose files the last check found damaged `/load` and `/generate`
tell in the header `Ingle-Warning`, and so does `/warm`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from ingle.errors import IngleError, NothingLoaded
from ingle.generation import Generation, Message, Role, SamplingParams
from ingle.runtime.needs import Wants
from ingle.runtime.runtime import Runtime
from ingle.server.faults import JsonResponse
from ingle.server.schema import LARGEST, Body, ModelName
from ingle.server.stream import Notice, unless_gone

log = logging.getLogger(__name__)


class LoadRequest(Body):
    model_path: ModelName
    keep_alive: float | None = None


class WarmRequest(Body):
    model_path: ModelName | None = None
    keep_alive: float | None = None


class UnloadRequest(Body):
    """Nothing: what is unloaded is the model of the last `/load`, and a name would be ignored."""


class PromptRequest(Body):
    """The defaults are part of the contract."""

    prompt: str
    max_tokens: int = Field(default=150, ge=1, le=LARGEST)
    temperature: float = Field(default=0.7, ge=0, le=100)
    top_p: float = Field(default=0.8, gt=0, le=1)
    repetition_penalty: float = Field(default=1.15, gt=0)

    def generation(self) -> Generation:
        return Generation(
            messages=(Message(role=Role.USER, content=self.prompt),),
            max_tokens=self.max_tokens,
            sampling=SamplingParams(
                temperature=self.temperature,
                top_p=self.top_p,
                repetition_penalty=self.repetition_penalty,
            ),
        )


class Sidecar:
    """Remembers the model of the last `/load`: the name it was asked by, and its key in the runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._warming: set[asyncio.Task[None]] = set()
        self.path: str | None = None
        self._key: str | None = None

    @property
    def loaded(self) -> bool:
        """Asks no disk and no worker: `/status` must answer within 50 ms whatever goes on."""
        return self._key is not None and self._runtime.is_ready(self._key)

    async def load(self, path: str, wants: Wants, notice: Notice) -> None:
        """The model of `/generate` from now on; on failure the one before stays it."""
        before = self.path, self._key
        try:
            async with self._runtime.use(path, wants) as use:
                notice.take(use)
                self.path, self._key = path, use.key
                await use.ready()
        except BaseException:
            if self.path == path:
                self.path, self._key = before
            raise

    async def answer(self, generation: Generation, notice: Notice) -> tuple[str, int]:
        """The text and the number of generated tokens."""
        if self.path is None:
            raise NothingLoaded(
                "No model has been loaded, so there is nothing to answer with.",
                hint='First POST /load {"model_path": "NAME or PATH"}.',
                actions=("load",),
            )
        pieces: list[str] = []
        tokens = 0
        async with self._runtime.use(self.path) as use, aclosing(use.generate(generation)) as chunks:
            notice.take(use)
            self._key = use.key  # a newer version may have been pulled since the load
            async for chunk in chunks:
                pieces.append(chunk.text)
                tokens = chunk.usage.completion_tokens if chunk.usage is not None else tokens
        return "".join(pieces), tokens

    async def unload(self) -> None:
        path, self.path, self._key = self.path, None, None
        if path is not None:
            await self._runtime.unload(path)

    async def warm(self, path: str | None, wants: Wants, notice: Notice) -> tuple[str, str]:
        """Begin the load and return at once: how far it is, and the model (of None: as for every request
        that names none). Raises when it cannot be."""
        begun: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._hold(path, wants, notice, begun))
        self._warming.add(task)
        task.add_done_callback(self._warming.discard)
        return await begun

    async def _hold(
        self, path: str | None, wants: Wants, notice: Notice, begun: asyncio.Future[tuple[str, str]]
    ) -> None:
        """Keeps the wish alive until the load is over, for nobody else does."""
        try:
            async with self._runtime.use(path, wants) as use:
                notice.take(use)
                here = "loaded" if use.key == self._key else "warm"
                begun.set_result(("warming" if use.waits else here, path or use.model))
                await use.ready()
        except IngleError as exc:
            if begun.done():
                log.warning("warming %s failed: %s", begun.result()[1], exc)
            else:
                begun.set_exception(exc)


def sidecar_routes(runtime: Runtime) -> APIRouter:
    """The router, with its own memory of the last load."""
    router = APIRouter(tags=["sidecar"])
    sidecar = Sidecar(runtime)

    @router.post("/load")
    async def load(request: Request, body: LoadRequest) -> Response:
        """Load the one model of this sidecar."""
        notice = Notice()
        await unless_gone(request, sidecar.load(body.model_path, Wants(keep_alive=body.keep_alive), notice))
        return JsonResponse({"status": "loaded", "model_path": body.model_path}, headers=notice.headers)

    @router.post("/generate")
    async def generate(request: Request, body: PromptRequest) -> Response:
        """One answer of the loaded model; 409 when none is loaded."""
        notice = Notice()
        text, tokens = await unless_gone(request, sidecar.answer(body.generation(), notice))
        return JsonResponse({"response": text, "tokens_generated": tokens}, headers=notice.headers)

    @router.post("/unload")
    async def unload(body: UnloadRequest | None = None) -> Response:
        """Give its memory back."""
        await sidecar.unload()
        return JsonResponse({"status": "unloaded", "model_loaded": False})

    @router.get("/status")
    async def status() -> Response:
        """Whether a model is loaded; answers during loads and answers too."""
        return JsonResponse({"status": "running", "model_loaded": sidecar.loaded, "model_path": sidecar.path})

    @router.post("/warm")
    async def warm(body: WarmRequest | None = None) -> Response:
        """Begin to load and answer at once."""
        asked = body or WarmRequest()
        path = asked.model_path or sidecar.path
        notice = Notice()
        status, model = await sidecar.warm(path, Wants(keep_alive=asked.keep_alive), notice)
        return JsonResponse({"status": status, "model_path": model}, headers=notice.headers)

    return router
