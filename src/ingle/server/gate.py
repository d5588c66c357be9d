"""Lets only rightful requests in: our own machine's, from no foreign web page, with the token, and not too big.

A page in a browser may send requests to a loopback port (and a rebound DNS name may read the answers): so
a foreign `Origin` and a `Host` that is not this machine are refused before anything else is looked at.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingle.errors import AccessRefused, BodyTooLarge, TokenRequired
from ingle.server.faults import fault_response

MAX_BODY = 16 * 1024 * 1024
"""Bytes; a context of a million tokens is about 5 MB of text."""
LOCAL_NAMES = frozenset({"localhost", "ingle.localhost"})

log = logging.getLogger("ingle.access")


class Activity:
    """When somebody last asked for something (monotonic seconds), and how many requests are inside."""

    def __init__(self) -> None:
        self.last = time.monotonic()
        self.inside = 0


class Gate:
    """ASGI middleware. `host` is what the server is bound to; bound beyond loopback by its owner's choice,
    it answers to every address, but still to no foreign name: a rebound name is how web pages get in."""

    def __init__(self, app: ASGIApp, *, token: str | None, host: str, activity: Activity) -> None:
        self._app = app
        self._token = token
        self._names = LOCAL_NAMES | {host}
        self._open = not _is_loopback(host) and host not in LOCAL_NAMES
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = self._activity.last = time.monotonic()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._activity.inside += 1
        try:
            self._check(Headers(scope=scope), scope["path"])
            await self._app(scope, _bounded(receive), sending)
        except (AccessRefused, TokenRequired, BodyTooLarge) as exc:
            await fault_response(scope["path"], exc)(scope, receive, sending)
        finally:
            self._activity.inside -= 1
            self._activity.last = time.monotonic()
            took = self._activity.last - begun
            log.info("%s %s -> %s", scope["method"], scope["path"], status, extra={"seconds": round(took, 4)})

    def _check(self, headers: Headers, path: str) -> None:
        host = headers.get("host", "")
        if not self._is_ours(host, addresses=self._open):
            raise AccessRefused(
                f"Requests for the host {host or '(none)'} are not answered here.",
                hint="Use 127.0.0.1 or localhost.",
            )
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(urlsplit(origin).netloc):
            raise AccessRefused(
                f"Web pages of {origin} may not use this server.",
                hint="Only pages of this machine (http://localhost, http://127.0.0.1) may; a program sends no Origin header.",
            )
        if self._token is not None and not _same(headers.get("authorization", ""), self._token):
            raise TokenRequired(
                f"{path} needs the token of this server.",
                hint="Send `Authorization: Bearer TOKEN`; the ready line and daemon.json have it.",
            )
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            raise BodyTooLarge(int(length) if length.isdigit() else -1, MAX_BODY)

    def _is_ours(self, netloc: str, *, addresses: bool = False) -> bool:
        name = _name(netloc)
        return name in self._names or _is_loopback(name) or (addresses and _is_address(name))


def _name(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _same(header: str, token: str) -> bool:
    kind, _, given = header.partition(" ")
    return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _bounded(receive: Receive) -> Receive:
    """Counts what comes: a body without a length is bounded too."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise BodyTooLarge(seen, MAX_BODY)
        return message

    return receiving
