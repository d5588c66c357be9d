"""A client for a command: when its daemon left in good order before it answered, it is started again, once a request."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

from ingle.cli.launch import left_in_order
from ingle.client.address import Address
from ingle.client.api import Ask, Stream
from ingle.client.sync import Client
from ingle.client.views import Line
from ingle.config import Config
from ingle.errors import DaemonUnreachable

T = TypeVar("T")


class SteadyClient(Client):
    """`start` gives a client of a daemon that runs. An idle daemon leaves by itself, and a command may come just
    then; what a crash cut off is not sent again, for it may have been the cause."""

    def __init__(self, config: Config, address: Address, start: Callable[[Config], Client]) -> None:
        super().__init__(address=address)
        self._config = config
        self._start = start

    def ask(self, ask: Ask[T]) -> T:
        """As `Client.ask`, at most twice."""
        try:
            return super().ask(ask)
        except DaemonUnreachable:
            if not self._come_back():
                raise
        return super().ask(ask)

    def stream(self, request: Stream) -> Generator[Line, None, None]:
        """As `Client.stream`, and from the start again only where no line has come."""
        begun = False
        try:
            with closing(super().stream(request)) as lines:
                for line in lines:
                    begun = True
                    yield line
                return
        except DaemonUnreachable:
            if begun or not self._come_back():
                raise
        with closing(super().stream(request)) as lines:
            yield from lines

    def _come_back(self) -> bool:
        """Whether there is a daemon again to ask."""
        pid = self.address.pid
        if pid is None or not left_in_order(self._config, pid):
            return False
        self.address = self._start(self._config).address
        return True
