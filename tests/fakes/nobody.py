"""An address at which surely nobody answers, however many others open ports meanwhile."""

from __future__ import annotations

import socket
from types import TracebackType
from typing import Self


class Nobody:
    """A port of this machine that is taken and not listened on: every connection to it is refused.

    A port that was merely closed again could be the next one that another process is given.
    """

    def __init__(self) -> None:
        self._taken = socket.socket()
        self._taken.bind(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        port: int = self._taken.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._taken.close()
