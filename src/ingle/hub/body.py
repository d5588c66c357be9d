"""Checks that an answer holds just the range that was asked for, and hands out its bytes."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from ingle.errors import HubLied, HubUnreachable
from ingle.hub import fields as said
from ingle.hub.transport import Response


class Body:
    """The bytes of one range, exactly `length` of them or an error; a context manager."""

    def __init__(self, response: Response, length: int) -> None:
        self._response = response
        self.length = length
        self.remaining = length

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def readinto(self, view: memoryview) -> int:
        """Fills the start of `view` with what has arrived; 0 once all `length` bytes were read.

        Raises `HubUnreachable` when the connection breaks or falls silent before.
        """
        if not self.remaining or not len(view):
            return 0
        count = self._response.readinto(view[: self.remaining])
        if not count:
            done = self.length - self.remaining
            raise HubUnreachable(
                f"{self._response.address.netloc} broke off after {done} of {self.length} bytes.",
                hint="Pull again: it goes on where it stopped.",
                cut=True,
            )
        self.remaining -= count
        return count

    def read(self) -> bytes:
        """All that remains."""
        found = bytearray(self.remaining)
        view = memoryview(found)
        at = 0
        while count := self.readinto(view[at:]):
            at += count
        return bytes(found)

    def abort(self) -> None:
        """Breaks the connection, from any thread; a read that blocks fails at once."""
        self._response.abort()

    def close(self) -> None:
        """Gives the connection back when everything was read, else ends it."""
        self._response.close()


def check_body(response: Response, path: str, size: int, start: int, stop: int) -> None:
    """Raises `HubLied` unless the answer's body is the bytes [start, stop) of a file of `size` bytes.

    A whole file (200) will do for a range that starts at its beginning: the rest is left unread.
    """
    headers, host = response.headers, response.address.netloc
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", ""):
        raise _misfit(host, path, f"packed as {encoding[:40]!r}, which was not asked for", "encoding")
    if headers.get("content-type", "").lower().startswith("text/html") and not path.endswith(
        (".html", ".htm")
    ):
        raise HubLied(
            f"{host} sent a web page in place of {path}.",
            hint="A network that wants you to sign in may stand in between: open a browser.",
            kind="html",
        )
    length = said.length(headers)
    if response.status == 206:
        told = headers.get("content-range")
        if told is None:
            raise _misfit(host, path, "a part without saying which", "content_range")
        found = said.content_range(told)
        if (found.start, found.stop) != (start, stop):
            raise _misfit(
                host,
                path,
                f"bytes {found.start} to {found.stop}, asked were {start} to {stop}",
                "content_range",
            )
        if found.total not in (None, size):
            raise _misfit(
                host, path, f"a part of {found.total} bytes, it was listed with {size}", "content_range"
            )
        expected = stop - start
    else:
        if start:
            raise _misfit(host, path, "the whole file where a part was asked for", "ignored_range")
        expected = size
    if length is not None and length != expected:
        raise _misfit(host, path, f"{length} bytes, {expected} were to come", "length")


def _misfit(host: str, path: str, what: str, kind: str) -> HubLied:
    return HubLied(f"{host} sent for {path} {what}.", hint=said.DOUBT, kind=kind)
