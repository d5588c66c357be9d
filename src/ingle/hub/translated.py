"""Turns what sockets and `http.client` raise into our own errors, around whole streams."""

from __future__ import annotations

import http.client
import threading
from types import TracebackType

from ingle.errors import Cancelled, HubLied, HubUnreachable
from ingle.hub import fields as said
from ingle.hub.address import Address
from ingle.hub.dial import unreachable


class Translated:
    """A `with` block in which foreign errors become ours."""

    def __init__(self, address: Address, cancel: threading.Event) -> None:
        self._address = address
        self._cancel = cancel

    def __enter__(self) -> None:
        if self._cancel.is_set():
            raise Cancelled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or not isinstance(error, (OSError, http.client.HTTPException, ValueError)):
            return
        if self._cancel.is_set():
            raise Cancelled from error
        if isinstance(error, (ConnectionError, http.client.IncompleteRead, http.client.RemoteDisconnected)):
            raise HubUnreachable(
                f"{self._address.netloc} broke the connection off.",
                hint="Pull again: it goes on where it stopped.",
                cut=True,
            ) from error
        if isinstance(error, http.client.HTTPException) or not isinstance(error, OSError):
            raise HubLied(
                f"{self._address.netloc} does not speak HTTP as it should: {str(error)[:200]}.",
                hint=said.DOUBT,
                kind="http",
            ) from error
        raise unreachable(self._address, error) from error
