"""Carries requests to hubs over kept-alive connections and follows redirects; knows nothing of models.

The one seam to the network: `http.client` does the protocol, bodies are read straight from the socket into
the caller's buffer. Every wait has a bound, and `cancel` ends every one of them within a second.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

from ingle.config import Config
from ingle.errors import HubLied, HubUnreachable
from ingle.hub import fields as said
from ingle.hub.address import Address, Proxy, proxy_for, redirected
from ingle.hub.dial import dial, proxy_authorization, tls_context
from ingle.hub.translated import Translated
from ingle.hub.wire import Wire
from ingle.version import __version__

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MAX_IDLE = 16
"""Connections kept for one origin."""
IDLE_SECONDS = 30.0
"""An idle connection older than this is not trusted to be alive."""
WATCH_SECONDS = 0.2
MAX_DRAIN = 64 * 1024
"""Bytes of an unwanted body that are read to keep the connection; a longer one costs it."""
SLOWEST = 2048
"""Bytes a second; metadata that comes more slowly, after a first patience, will not come to an end."""
MAX_LOG = 1600
"""Characters of one log line."""

Log = Callable[[str], None]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: to connect, for the head of an answer, and without a single byte of a body."""

    connect: float = 10.0
    head: float = 30.0
    stall: float = 15.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask. `private` headers go to the first origin only, never through a redirect to another.

    `follow` "all", or "own": redirects away from the origin are handed back instead of followed.
    """

    method: str = "GET"
    address: Address
    headers: dict[str, str] = {}
    private: dict[str, str] = {}
    follow: str = "all"
    why: str = ""


class Response:
    """The head of an answer and its body, to be read to the end or closed; a context manager.

    `headers` have lower-case names. `address` is who answered, after redirects.
    """

    def __init__(
        self, transport: Transport, wire: Wire, raw: http.client.HTTPResponse, address: Address
    ) -> None:
        self._transport = transport
        self._wire = wire
        self._raw = raw
        self.address = address
        self.status = raw.status
        self.headers = said.joined(raw.getheaders())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def readinto(self, view: memoryview) -> int:
        """Fills some of `view`, as soon as there is anything; 0 at the end of the body.

        Raises `HubUnreachable` when no byte comes for the stall time or the connection breaks.
        """
        with self._transport.translated(self.address):
            return self._raw.readinto(view)

    def read(self, limit: int) -> bytes:
        """The whole body, of at most `limit` bytes. Raises `HubLied` for a longer or a shorter one.

        A body that comes more slowly than `SLOWEST` is given up (`HubUnreachable`).
        """
        expected = said.length(self.headers)
        if expected is not None and expected > limit:
            raise self._too_long(limit)
        body = bytearray()
        began, patience = time.monotonic(), self._transport.timeouts.head + self._transport.timeouts.stall
        self._wire.expect_by(began + patience + limit / SLOWEST, self._transport.timeouts.stall)
        with self._transport.translated(self.address):
            while chunk := self._raw.read1(min(65536, limit + 1 - len(body))):
                body += chunk
                if len(body) > limit:
                    raise self._too_long(limit)
                if time.monotonic() - began > patience + len(body) / SLOWEST:
                    raise TimeoutError
        if expected is not None and len(body) != expected:
            raise HubUnreachable(
                f"{self.address.netloc} broke off after {len(body)} of {expected} bytes.",
                hint="Pull again: it goes on where it stopped.",
                cut=True,
            )
        return bytes(body)

    def close(self) -> None:
        """Gives the connection back when the body was read, else ends it."""
        self._transport.finish(self._wire, self._raw)

    def drain(self) -> None:
        """Reads a short unwanted body away so that the connection lives, and closes."""
        seconds = self._transport.timeouts.stall
        self._wire.expect_by(time.monotonic() + seconds, seconds)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            self._raw.read(MAX_DRAIN)
        self.close()

    def abort(self) -> None:
        """Ends the connection now, from any thread: a read that blocks fails at once."""
        self._wire.end()

    def _too_long(self, limit: int) -> HubLied:
        return HubLied(
            f"{self.address.shown} sends more than {limit} bytes where less was expected.",
            hint=said.DOUBT,
            kind="length",
        )


class Transport:
    """Owns the connections to every origin. Safe to use from several threads at once.

    `log` gets one readable line for each request, without queries and tokens. `cancel` ends everything.
    """

    def __init__(
        self,
        config: Config,
        *,
        log: Log = lambda line: None,
        cancel: threading.Event | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.timeouts = timeouts or Timeouts()
        self._config = config
        self._log = log
        self._cancel = cancel or threading.Event()
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str, int], list[Wire]] = {}
        self._busy: set[Wire] = set()
        self._tls = tls_context(config) if config.ca_bundle is not None else None
        self._watching = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection, also those in use."""
        with self._lock:
            self._closed = True
            busy = list(self._busy)
            idle = [wire for kept in self._idle.values() for wire in kept]
            self._idle.clear()
        for wire in busy:
            wire.end()
        for wire in idle:
            wire.release()

    def open(self, request: Request) -> Response:
        """Sends a request and gives the answer's head, redirects followed.

        Raises `HubUnreachable`, `HubLied` (a redirect that leads nowhere good, a head that is none), `Cancelled`.
        """
        address = request.address
        been: tuple[Address, ...] = (address,)
        while True:
            private = request.private if address.origin == request.address.origin else {}
            response = self._once(request, address, {**request.headers, **private})
            location = response.headers.get("location")
            if response.status not in REDIRECTS or location is None:
                return response
            try:
                following = redirected(address, location, been)
            except HubLied:
                response.close()
                raise
            if request.follow == "own" and following.origin != address.origin:
                return response
            response.drain()
            address, been = following, (*been, following)

    def finish(self, wire: Wire, raw: http.client.HTTPResponse) -> None:
        """Takes a connection back: kept when its answer ended cleanly, else ended."""
        if not raw.isclosed() and raw.length == 0:
            # An answer without a body, such as one to HEAD, is over once it was read.
            raw.read()
        clean = raw.isclosed() and not raw.will_close and wire.clean
        raw.close()
        with self._lock:
            self._busy.discard(wire)
            kept = self._idle.setdefault(wire.origin, [])
            if clean and not self._closed and not self._cancel.is_set() and len(kept) < MAX_IDLE:
                wire.idle_since = time.monotonic()
                kept.append(wire)
                return
        wire.release()

    def translated(self, address: Address) -> Translated:
        """Turns what sockets and `http.client` raise into our own errors."""
        return Translated(address, self._cancel)

    def _once(self, request: Request, address: Address, headers: dict[str, str]) -> Response:
        """One request on one connection; a kept one that turns out dead is replaced once."""
        proxy = proxy_for(address, self._config.proxies)
        wire = self._take(address)
        if wire is not None:
            try:
                return self._exchange(request, address, proxy, wire, headers)
            except HubUnreachable:
                if wire.heard:
                    raise
        fresh = Wire(
            dial(address, proxy, self._context, timeout=self.timeouts.connect, cancel=self._cancel),
            address.origin,
        )
        return self._exchange(request, address, proxy, fresh, headers)

    def _exchange(
        self, request: Request, address: Address, proxy: Proxy | None, wire: Wire, headers: dict[str, str]
    ) -> Response:
        self._watch(wire)
        asked = {
            "User-Agent": f"ingle/{__version__}",
            "Accept-Encoding": "identity",
            "Accept": "*/*",
            **headers,
        }
        relayed = proxy is not None and address.scheme == "http"
        if relayed and proxy is not None and (credentials := proxy_authorization(proxy)):
            asked["Proxy-Authorization"] = credentials
        connection = http.client.HTTPConnection(address.netloc)
        connection.sock = wire
        wire.expect_by(time.monotonic() + self.timeouts.head, self.timeouts.head)
        try:
            with self.translated(address):
                connection.request(request.method, address.url if relayed else address.target, headers=asked)
                raw = connection.getresponse()
        except BaseException as exc:
            self._drop(wire)
            self._note(request, address, headers, str(exc) or type(exc).__name__)
            raise
        wire.expect_body(self.timeouts.stall)
        self._note(request, address, headers, str(raw.status))
        return Response(self, wire, raw, address)

    def _note(self, request: Request, address: Address, headers: dict[str, str], outcome: str) -> None:
        parts = [request.method, address.shown]
        if "Range" in headers:
            parts.append(headers["Range"])
        why = f" ({request.why})" if request.why else ""
        self._log(f"{' '.join(parts)} -> {outcome}{why}"[:MAX_LOG])

    def _context(self) -> ssl.SSLContext:
        """Made when first needed: reading the system's certificates takes tens of milliseconds."""
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(self._config)
            return self._tls

    def _take(self, address: Address) -> Wire | None:
        """A kept connection that is still alive."""
        while True:
            with self._lock:
                kept = self._idle.get(address.origin)
                wire = kept.pop() if kept else None
            if wire is None:
                return None
            if time.monotonic() - wire.idle_since < IDLE_SECONDS and wire.quiet():
                return wire
            wire.release()

    def _drop(self, wire: Wire) -> None:
        with self._lock:
            self._busy.discard(wire)
        wire.release()

    def _watch(self, wire: Wire) -> None:
        """Puts a connection under the eye of the watcher, which lives while anything is in flight."""
        with self._lock:
            self._busy.add(wire)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._look, name="ingle-watch", daemon=True).start()

    def _look(self) -> None:
        """Ends connections on cancel, and those whose head is overdue."""
        while True:
            cancelled = self._cancel.wait(WATCH_SECONDS)
            with self._lock:
                if not self._busy or self._closed:
                    self._watching = False
                    return
                wires = list(self._busy)
            now = time.monotonic()
            for wire in wires:
                if cancelled or wire.overdue(now):
                    wire.end()
            if cancelled:
                # The flag stays set: give the readers a moment to see their connections ended.
                time.sleep(WATCH_SECONDS)
