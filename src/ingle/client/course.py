"""How far one stream of lines has come, and so what its end means; reads no socket itself."""

from __future__ import annotations

from ingle.client.address import Address
from ingle.client.api import UNREADABLE, read_line
from ingle.client.views import Line
from ingle.errors import DaemonUnreachable, IngleError

_LOOK = "`ingle status` tells whether it runs, `ingle logs` what it said last."
_AGAIN = (
    "Ask for the same again: a pull goes on where it stopped. `ingle logs` tells what the daemon said last."
)


class Course:
    """One stream to `path` of the daemon at `address`."""

    def __init__(self, path: str, address: Address) -> None:
        self._path = path
        self._address = address
        self._begun = self._said = self._ended = False
        self._broken: IngleError | None = None

    def take(self, text: bytes) -> Line | None:
        """The line in `text`, None for an empty one or for what may be half of the last. Raises the daemon's error."""
        if self._broken is not None:
            raise self._broken
        if not text.strip():
            return None
        try:
            line = read_line(self._path, text)
        except IngleError as exc:
            if not (self._begun and isinstance(exc.__cause__, UNREADABLE)):
                raise
            self._broken = exc
            return None
        self._begun = True
        self._said = self._said or line.chunk is not None or line.piece is not None
        self._ended = line.done is not None
        return line

    def close(self) -> None:
        """At the end of the stream. Raises `DaemonUnreachable` where it was not the end of the work."""
        if not self._ended:
            raise self.cut("ended the stream without an answer")

    def cut(self, why: str) -> DaemonUnreachable:
        """What to raise for a stream that broke off, `why` where nothing had come."""
        if not self._begun:
            return gone(self._address, why)
        if self._said:
            return _unreachable(self._address, "ended in the middle of the answer.")
        return _unreachable(self._address, "ended in the middle of its work.", _AGAIN)


def gone(address: Address, why: str) -> DaemonUnreachable:
    """What to raise for a request that got no answer."""
    return _unreachable(address, f"does not answer: {why}.")


def _unreachable(address: Address, what: str, hint: str = _LOOK) -> DaemonUnreachable:
    return DaemonUnreachable(
        f"The Ingle at {address.host}:{address.port} {what}",
        hint=hint,
        host=address.host,
        port=address.port,
    )
