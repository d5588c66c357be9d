"""Asks one hub for one thing: with the token, without it when it is stale, and again while trouble passes."""

from __future__ import annotations

import random
import re
import threading
import time

import msgspec

from ingle.config import Config
from ingle.errors import (
    Cancelled,
    HubUnreachable,
    IngleError,
    LinkExpired,
    Offline,
    RateLimited,
    Unauthorized,
)
from ingle.hub.address import Address
from ingle.hub.pulllog import scrub
from ingle.hub.refusal import refusal
from ingle.hub.transport import Log, Request, Response, Timeouts, Transport

MAX_JSON = 64 << 20
"""Bytes of one answer of the API; a repo of 100,000 files takes about 8 MiB."""
ATTEMPTS = 6
MAX_PATIENCE = 300.0
"""Seconds; a hub that wants a listing to wait longer is an error to be shown, not a wait."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)


class Access:
    """Owns the transport and knows whether the token is still good; safe to use from several threads."""

    def __init__(
        self,
        config: Config,
        *,
        cancel: threading.Event,
        log: Log,
        note: Log,
        timeouts: Timeouts | None,
        backoff: float,
    ) -> None:
        self.transport = Transport(config, log=log, cancel=cancel, timeouts=timeouts)
        self._config = config
        self._cancel = cancel
        self._note = note
        self._backoff = backoff
        self._token = config.token if config.token and _TOKEN.fullmatch(config.token) else None
        if config.token and self._token is None:
            note("The token holds characters that no token has; going on without it.")

    def check_online(self) -> None:
        """Raises `Offline` where the settings forbid to ask anybody."""
        if self._config.offline:
            raise Offline(
                "The hub was needed, and HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) says to stay offline.",
                hint="Unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE.",
            )

    def get_patiently(self, address: Address, repo_id: str) -> tuple[bytes, str]:
        """`get`, tried again with growing pauses while the trouble looks as if it passes."""
        pause = self._backoff
        for _ in range(ATTEMPTS - 1):
            try:
                return self.get(address, repo_id)
            except (HubUnreachable, RateLimited) as exc:
                asked = float(exc.details.get("seconds", 0.0))
                if asked > MAX_PATIENCE or not exc.details.keys() & _PASSING:
                    raise
                seconds = max(asked, pause * random.uniform(0.5, 1.5))
                self._note(f"{exc.message} Trying again in {seconds:.0f} seconds.")
                if self._cancel.wait(seconds):
                    raise Cancelled from exc
                pause *= 2
        return self.get(address, repo_id)

    def get(self, address: Address, repo_id: str) -> tuple[bytes, str]:
        """The body of an API answer, and its `Link` field (empty when there is none)."""
        with self.open(Request(address=address), repo_id) as response:
            return response.read(MAX_JSON), response.headers.get("link", "")

    def open(
        self, request: Request, repo_id: str, *, own: bool = True, allowed: tuple[int, ...] = (200,)
    ) -> Response:
        """An answer with one of the `allowed` statuses; any other becomes the error it means.

        `own` tells whether the address is the hub's own: only then the token goes along.
        """
        self.check_online()
        token = self._token if own else None
        private = {"Authorization": f"Bearer {token}"} if token else {}
        response = self.transport.open(msgspec.structs.replace(request, private=private))
        home = own and response.address.origin == request.address.origin
        if response.status == 401 and token and home:
            response.drain()
            response = self._without_token(request, repo_id, allowed)
        if response.status not in allowed:
            error = self.refused(response, repo_id, token=bool(token), own=home)
            if isinstance(error, LinkExpired):
                response.abort()  # a fresh address is taken elsewhere: the server itself may be ill
                response.close()
            else:
                response.drain()
            raise error
        return response

    def refused(self, response: Response, repo_id: str, *, token: bool, own: bool) -> IngleError:
        """The error that an answer's status means. What the hub says of it is shown, so no secret may be in it."""
        said = scrub(response.headers.get("x-error-message", ""), self._config.token)
        return refusal(
            response.status,
            {**response.headers, "x-error-message": said},
            response.address,
            repo_id=repo_id,
            own=own,
            token=token,
            now=time.time(),
        )

    def _without_token(self, request: Request, repo_id: str, allowed: tuple[int, ...]) -> Response:
        """The second try after the token was not accepted: public models must not suffer from it."""
        response = self.transport.open(msgspec.structs.replace(request, why="the token is not accepted"))
        if response.status in (401, 403, 404):
            response.drain()
            raise Unauthorized(
                f"{request.address.netloc} does not accept the token, and {repo_id or 'this'} is closed without.",
                hint="Make a new token at the hub and log in again (`hf auth login`), or set HF_TOKEN.",
            )
        if response.status in allowed and self._token is not None:
            self._token = None
            self._note(
                "The hub does not accept the token (HF_TOKEN or `hf auth login`); going on without it."
            )
        return response


_PASSING = frozenset({"seconds", "status", "cut"})
"""Details of errors that another try a moment later may not meet."""
