"""The asyncio client: the same requests as `Client`, awaited; leaving an `async for` early cancels."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx2

from ingle.client import api
from ingle.client.accord import whose
from ingle.client.address import Address
from ingle.client.api import Ask, Stream, expect, read_answer, read_error
from ingle.client.chat import Answer, Conversation, Gathering, Sampling, question
from ingle.client.course import Course, gone
from ingle.client.views import Improved, Line
from ingle.config import Config
from ingle.errors import Conflict

T = TypeVar("T")
CONNECT_S = 5.0


class AsyncClient:
    """Talks to the daemon of `config`'s home, or to the one at `address` (`"http://127.0.0.1:11500"`), which may want a `token`.

    Raises `DaemonUnreachable` where none runs and `OtherSettings` where it works with another cache than `config`; what
    else it does otherwise is warned of. Who gives an address takes that daemon as it is.
    Close it, or use `async with`.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        address: Address | str | None = None,
        token: str | None = None,
    ) -> None:
        self.address = whose(config, address, token)
        self._http = httpx2.AsyncClient(
            base_url=self.address.url,
            headers=self.address.headers,
            trust_env=False,  # a proxy has no business on the loopback
            verify=False,  # nothing here speaks TLS, whose certificates take a third of a second to read
        )

    async def ask(self, ask: Ask[T]) -> T:
        """Send one request and return its answer. Raises the daemon's own typed errors."""
        expect(Ask, ask)
        async with self._translated():
            response = await self._http.request(
                ask.method, ask.path, json=ask.body, timeout=httpx2.Timeout(ask.timeout, connect=CONNECT_S)
            )
        return read_answer(ask, response.status_code, response.content)

    async def stream(self, request: Stream) -> AsyncGenerator[Line, None]:
        """Yield lines until the last one. Closing this iterator cancels the work in the daemon."""
        expect(Stream, request)
        timeout = httpx2.Timeout(None, connect=CONNECT_S)
        course = Course(request.path, self.address)
        async with (
            self._translated(),
            self._http.stream("POST", request.path, json=request.body, timeout=timeout) as response,
        ):
            if response.status_code >= 400:
                raise read_error(response.status_code, await response.aread())
            try:
                async for text in response.aiter_lines():
                    if line := course.take(text.encode()):
                        yield line
            except httpx2.TransportError as exc:
                raise course.cut(str(exc) or type(exc).__name__) from exc
        course.close()

    async def chat(
        self,
        messages: Conversation,
        model: str | None = None,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **sampling: Unpack[Sampling],
    ) -> Answer:
        """The answer to a question or a conversation, whole; see `Client.chat`."""
        gathering = Gathering()
        async with aclosing(
            self.stream(question(messages, model=model, max_tokens=max_tokens, stop=stop, sampling=sampling))
        ) as lines:
            async for line in lines:
                gathering.take(line)
        return gathering.answer

    async def chat_stream(
        self,
        messages: Conversation,
        model: str | None = None,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **sampling: Unpack[Sampling],
    ) -> AsyncGenerator[str, None]:
        """The answer's text piece by piece. Closing this iterator ends the answer in the daemon."""
        gathering = Gathering()
        async with aclosing(
            self.stream(question(messages, model=model, max_tokens=max_tokens, stop=stop, sampling=sampling))
        ) as lines:
            async for line in lines:
                if text := gathering.take(line):
                    yield text

    async def text(
        self, tool: str, text: str, *, model: str | None = None, clean: bool = True, **options: str
    ) -> Improved:
        """`text` after one of the text tools; see `Client.text`."""
        return await self.ask(api.improved(tool, text, model=model, clean=clean, options=options))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        if self._http.is_closed:
            raise Conflict("This client is closed.", hint="Make another one: ingle.AsyncClient().")
        try:
            yield
        except httpx2.HTTPError as exc:
            raise gone(self.address, str(exc) or type(exc).__name__) from exc
