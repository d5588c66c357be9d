"""The plain client: one short-lived loopback connection for each request, closed early to cancel."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

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


class Client:
    """Talks to the daemon of `config`'s home, or to the one at `address` (`"http://127.0.0.1:11500"`), which may want a `token`.

    Raises `DaemonUnreachable` where none runs and `OtherSettings` where it works with another cache than `config`; what
    else it does otherwise is warned of. Who gives an address takes that daemon as it is.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        address: Address | str | None = None,
        token: str | None = None,
    ) -> None:
        self.address = whose(config, address, token)
        self._closed = False

    def ask(self, ask: Ask[T]) -> T:
        """Send one request and return its answer. Raises the daemon's own typed errors."""
        expect(Ask, ask)
        with self._response(ask.method, ask.path, ask.body, ask.timeout) as response:
            return read_answer(ask, response.status, response.read())

    def stream(self, request: Stream) -> Generator[Line, None, None]:
        """Yield lines until the last one. Closing this iterator cancels the work in the daemon."""
        expect(Stream, request)
        with self._response("POST", request.path, request.body, None) as response:
            if response.status >= 400:
                raise read_error(response.status, response.read())
            course = Course(request.path, self.address)
            while text := _next_line(response, course):
                if line := course.take(text):
                    yield line
            course.close()

    def chat(
        self,
        messages: Conversation,
        model: str | None = None,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **sampling: Unpack[Sampling],
    ) -> Answer:
        """The answer to a question or a conversation, whole. Without `model` as `ingle run` without one; `sampling` as in
        `SamplingParams` (`temperature=0`, `seed=1`). Raises `InvalidRequest` for nothing, and the daemon's typed errors.
        """
        gathering = Gathering()
        with closing(
            self.stream(question(messages, model=model, max_tokens=max_tokens, stop=stop, sampling=sampling))
        ) as lines:
            for line in lines:
                gathering.take(line)
        return gathering.answer

    def chat_stream(
        self,
        messages: Conversation,
        model: str | None = None,
        *,
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        **sampling: Unpack[Sampling],
    ) -> Generator[str, None, None]:
        """The answer's text piece by piece. Closing this iterator ends the answer in the daemon."""
        gathering = Gathering()
        with closing(
            self.stream(question(messages, model=model, max_tokens=max_tokens, stop=stop, sampling=sampling))
        ) as lines:
            for line in lines:
                if text := gathering.take(line):
                    yield text

    def text(
        self, tool: str, text: str, *, model: str | None = None, clean: bool = True, **options: str
    ) -> Improved:
        """`text` after one of the text tools; options such as `to="French"` or `instruction="..."`. Without `clean`
        a dictation goes to the model as it was said, fillers and all.

        The result's `text` is always whole. Raises the daemon's typed errors.
        """
        return self.ask(api.improved(tool, text, model=model, clean=clean, options=options))

    def close(self) -> None:
        """Nothing stays open between requests; a later one raises `Conflict`."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _response(
        self, method: str, path: str, body: dict[str, Any] | None, timeout: float | None
    ) -> Iterator[http.client.HTTPResponse]:
        if self._closed:
            raise Conflict("This client is closed.", hint="Make another one: ingle.Client().")
        headers = dict(self.address.headers)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(self.address.host, self.address.port, timeout=CONNECT_S)
        with closing(connection):
            try:
                connection.connect()
                connection.sock.settimeout(timeout)
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, path, payload, headers)
                # a daemon that refuses a large body early has closed its ear, and says why all the same
                with closing(connection.getresponse()) as response:
                    yield response
            except (OSError, http.client.HTTPException) as exc:
                raise gone(self.address, str(exc) or type(exc).__name__) from exc


def _next_line(response: http.client.HTTPResponse, course: Course) -> bytes:
    """Empty at the end. Raises `DaemonUnreachable` where the connection broke."""
    try:
        return response.readline()
    except (OSError, http.client.HTTPException) as exc:
        raise course.cut(str(exc) or type(exc).__name__) from exc
