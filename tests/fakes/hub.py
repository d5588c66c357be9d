"""A model hub on loopback that the real client library accepts, and that misbehaves when told to.

    with FakeHub() as hub:
        commit = hub.add_repo("org/name", {"config.json": b"{}", "model.safetensors": Noise(1 << 20)})
        hub.faults = Faults(cut_at=1000, cut_times=1)

`hub.url` is the hub's origin (127.0.0.1), large files come from a second one (localhost) through signed
addresses. What was asked and sent is counted.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

from tests.fakes.faults import Faults
from tests.fakes.repos import Commit, Given, Repo, commit_id
from tests.fakes.routes import Routes
from tests.fakes.wire import Asked, Listener, Reply


@dataclass
class Seen:
    """One request and what became of it; `sent` counts bytes of the body, [start, stop) the range meant."""

    asked: Asked
    status: int
    path: str | None = None
    start: int = 0
    stop: int = 0
    sent: int = 0


class FakeHub:
    """Owns two listening origins, the repos, and the record of every request.

    `tokens` are those the hub knows. `before` is called with each request before it is answered: the
    place for a test to move a branch, revoke a token or wait. `page_size` is rows in a page of a tree.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, page_size: int = 1000) -> None:
        self.repos: dict[str, Repo] = {}
        self.tokens: set[str] = set()
        self.before: Callable[[Asked], None] | None = None
        self.page_size = page_size
        self.seen: list[Seen] = []
        self._lock = threading.Lock()
        self._spent: Counter[str] = Counter()
        self._faults = Faults()
        self._numbers = itertools.count(1)
        self._tls = tls
        self._routes = Routes(self)
        self._taken: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._hub = Listener("hub", self._answer, self._tls)
        self._cdn = Listener("cdn", self._answer, self._tls)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for taken in self._taken:
            taken.close()
        self._hub.close()
        self._cdn.close()

    def close(self) -> None:
        """From now on nobody answers at either origin, until the end of the block."""
        self._taken += [self._hub.die(), self._cdn.die()]

    @property
    def closed(self) -> bool:
        return bool(self._taken)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._hub.port}"

    @property
    def cdn_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self._cdn.port}"

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Puts new faults in force; every `times` starts again."""
        with self._lock:
            self._faults = faults
            self._spent.clear()

    def add_repo(
        self,
        repo_id: str,
        files: Given,
        *,
        extra: tuple[dict[str, Any], ...] = (),
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        branch: str = "main",
        **facts: Any,
    ) -> str:
        """Makes (or keeps) a repo, commits the files to a branch of it, and gives the commit."""
        repo = self.repos.setdefault(repo_id, Repo(repo_id))
        for name, value in facts.items():
            setattr(repo, name, value)
        sha = commit_id(repo_id, next(self._numbers))
        repo.commits[sha] = Commit(sha, files, extra, changes or {})
        repo.refs[branch] = sha
        return sha

    def drop_connections(self) -> None:
        """Cuts every open connection of both origins now."""
        self._hub.drop()
        self._cdn.drop()

    def settle(self, seconds: float = 30.0) -> None:
        """Ends every open connection; afterwards no request of before is still being answered."""
        self._hub.settle(seconds)
        self._cdn.settle(seconds)

    def expire_signed(self) -> None:
        """Makes every signed address given so far worthless."""
        self._routes.expire_signed()

    def take(self, name: str, times: int) -> bool:
        """True as long as a fault that happens `times` times has some left; uses one up."""
        with self._lock:
            if self._spent[name] >= times:
                return False
            self._spent[name] += 1
            return True

    def count(self, name: str) -> int:
        """How often `name` was counted before now, and counts it."""
        with self._lock:
            self._spent[name] += 1
            return self._spent[name] - 1

    # what a test asks afterwards

    def requests(self, *, method: str | None = None, path: str | None = None) -> list[Seen]:
        """The requests so far, of one method, or for one file (by its path in the repo)."""
        with self._lock:
            found = list(self.seen)
        return [
            one
            for one in found
            if (method is None or one.asked.method == method) and (path is None or one.path == path)
        ]

    def bytes_sent(self, path: str | None = None) -> int:
        """Bytes of files sent so far; the client may not have read the last of them."""
        return sum(one.sent for one in self.requests(path=path) if one.path is not None)

    def ranges_sent(self, path: str) -> list[tuple[int, int]]:
        """[start, stop) of the bytes of a file that went out, in the order asked."""
        return [
            (one.start, min(one.start + one.sent, one.stop)) for one in self.requests(path=path) if one.sent
        ]

    def forget_requests(self) -> None:
        """Starts the record again."""
        with self._lock:
            self.seen = []

    @property
    def connections(self) -> int:
        """How many connections were ever opened."""
        return self._hub.connections + self._cdn.connections

    @property
    def leaks(self) -> list[Asked]:
        """Requests that brought an authorisation to the CDN, which must never see one."""
        return [
            one.asked
            for one in self.requests()
            if one.asked.origin == "cdn" and "authorization" in one.asked.headers
        ]

    def _answer(self, asked: Asked) -> Reply:
        if self.before is not None:
            self.before(asked)
        seen = Seen(asked, 0)
        reply = self._routes.answer(asked, seen)
        reply.headers["Date"] = formatdate(time.time() + self._faults.clock_ahead, usegmt=True)
        seen.status = reply.status
        with self._lock:
            self.seen.append(seen)

        def sent(count: int) -> None:
            seen.sent += count

        reply.sent = sent
        return reply
