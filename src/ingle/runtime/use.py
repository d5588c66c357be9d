"""One request's hold on a model: from the wish, through the wait for a load, to the answer and the release."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from ingle.errors import Cancelled, IngleError, WorkerError
from ingle.generation import Chunk, Generation
from ingle.runtime.fleet import Berth
from ingle.runtime.news import Ask


class Use:
    """Given out by `Runtime.use`, which also takes it back. `model` is the name to show, `ask` what the
    scheduler was asked for it, `damage` what the last check found in its files: it answers all the same, for whoever
    uses it may insist, but has to be told."""

    def __init__(self, model: str, key: str, request: str, damage: IngleError | None = None) -> None:
        self.model = model
        self.damage = damage
        self.key = key
        self.request = request
        self.ask: Ask | None = None
        self._berth: asyncio.Future[Berth] = asyncio.get_running_loop().create_future()

    @property
    def waits(self) -> bool:
        """The model is still being loaded, or something must leave first."""
        return not self._berth.done()

    @property
    def stands(self) -> bool:
        """Whether the worker it was granted is still there, with nobody ending it."""
        if self.waits or self._berth.cancelled() or self._berth.exception() is not None:
            return False
        berth = self._berth.result()
        return berth.stopping is None and berth.worker.error is None

    def grant(self, berth: Berth) -> None:
        if not self._berth.done():
            self._berth.set_result(berth)

    def refuse(self, error: Exception) -> None:
        if not self._berth.done():
            self._berth.set_exception(error)

    def drop(self) -> None:
        """Nobody will ask any more: an error that was not fetched is no news."""
        if self._berth.done() and not self._berth.cancelled():
            self._berth.exception()
        self._berth.cancel()

    async def ready(self) -> Berth:
        """Waits for the worker. Raises what kept it from loading."""
        return await asyncio.shield(self._berth)

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk, None]:
        """The answer, piece by piece; closing it stops the engine. An unload meanwhile is `Cancelled`."""
        berth = await self.ready()
        try:
            async with aclosing(_closable(berth.worker.generate(generation))) as chunks:
                async for chunk in chunks:
                    yield chunk
        except WorkerError as exc:
            if berth.stopping is None:
                raise
            raise Cancelled(f"{self.model} was unloaded while it answered: {berth.stopping}.") from exc


async def _closable(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
    """The same chunks; closing this closes the source too, where the source can be closed."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
