"""Speaks to model hubs: lists a repo at one commit, finds a file's address, opens ranges of it, searches.

Everything that comes back is checked against what was asked; what does not fit raises `HubLied`.
Endpoints are tried in the order of the settings. Nothing here touches the disk.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlsplit

import msgspec

from ingle.catalog.listing import ListedFile, Listing
from ingle.catalog.model import Format
from ingle.config import Config
from ingle.errors import (
    Cancelled,
    Gated,
    HubError,
    HubLied,
    HubUnreachable,
    IngleError,
    ModelNotFound,
    RateLimited,
)
from ingle.hub import fields as said
from ingle.hub.access import MAX_PATIENCE, Access
from ingle.hub.address import (
    Address,
    endpoint_address,
    file_path,
    parse_address,
    redirected,
    segment,
    under,
)
from ingle.hub.body import Body, check_body
from ingle.hub.pace import Backoff, Patience
from ingle.hub.progress import AGAIN
from ingle.hub.refusal import no_revision
from ingle.hub.resolved import Resolved, check_head, file_address, resolved_at
from ingle.hub.search import Found, parse_found, search_query
from ingle.hub.transport import REDIRECTS, Log, Request, Timeouts
from ingle.hub.tree import check_together, parse_info, parse_page

MAX_PAGES = 10_000
PAGE_ROWS = 1000
MAX_SMALL = 64 << 20

Pages = dict[str, tuple[bytes, str]]
"""Answers of the API and their `Link` fields, by address."""

Result = TypeVar("Result")


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one endpoint answers: round trip in seconds, and how far the clocks differ (its minus ours)."""

    endpoint: str
    seconds: float | None = None
    clock_skew: float | None = None
    problem: str = ""


class Remote:
    """Owns the connections to the configured hubs; a context manager, safe to use from several threads.

    `log` gets a line for each request, `note` a sentence for people (a stale token, a mirror used, a wait).
    `cancel` ends every wait within a second with `Cancelled`. `backoff` is the first pause, in seconds,
    before a request for a listing is tried again. `patience`: seconds without any answer after which a
    listing, or the head of a file, is given up when every endpoint has failed; 0 for those who want to know now.
    `clock` is what the patience with a listing is measured by.
    """

    def __init__(
        self,
        config: Config,
        *,
        cancel: threading.Event | None = None,
        log: Log = lambda line: None,
        note: Log = lambda line: None,
        timeouts: Timeouts | None = None,
        backoff: float = 0.5,
        patience: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.patience = patience
        self._clock = clock
        self._config = config
        self._note = note
        self._cancel = cancel or threading.Event()
        self._first = 0
        self._access = Access(
            config,
            cancel=self._cancel,
            log=log,
            note=note,
            timeouts=timeouts,
            backoff=backoff,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection."""
        self._access.transport.close()

    @property
    def endpoint(self) -> str:
        """The one that last answered; before any did, the first of the settings."""
        return self._config.endpoints[self._first % len(self._config.endpoints)]

    def listing(self, repo_id: str, revision: str = "main") -> Listing:
        """What the repo holds at the one commit that `revision` means now.

        Goes on where it was after trouble that passes, as long as answers come now and then. Raises `ModelNotFound`, `Gated`, `Unauthorized`, `RateLimited`, `HubUnreachable`, `HubLied`,
        `HubRefused`, `Offline`, `Cancelled`.
        """
        got: Pages = {}
        patience, backoff = Patience(self.patience, self._clock()), Backoff(random.Random())
        while True:
            before = len(got)
            try:
                return self._first_that_can(lambda endpoint: self._listing(endpoint, repo_id, revision, got))
            except (HubUnreachable, RateLimited) as exc:
                now = self._clock()
                if len(got) > before:
                    patience.arrived(now)
                    backoff.arrived()
                asked = float(exc.details.get("seconds", 0.0))
                if asked > MAX_PATIENCE or patience.spent(now):
                    raise
                wait = backoff.failed(asked or None)
                if asked:
                    patience.excused(now + asked)
                again = f" in {wait:.0f} s" if wait >= 1 else ""
                self._note(f"{exc.message} {AGAIN}{again}. {patience.told(now)}")
                if self._cancel.wait(wait):
                    raise Cancelled from exc

    def resolve(self, repo_id: str, commit: str, file: ListedFile) -> Resolved:
        """The present address of a file's bytes, signed where the hub signs. One request.

        Raises what `listing` does.
        """
        return self._first_that_can(lambda endpoint: self._resolve(endpoint, repo_id, commit, file))

    def direct(self, repo_id: str, commit: str, file: ListedFile) -> Resolved:
        """The hub's own address of a file, without a request: right for small files, which lie there."""
        self._access.check_online()
        address = file_address(self.endpoint, repo_id, commit, file.path)
        return resolved_at({}, address, address, repo_id, file)

    def turn(self, silent: Resolved, why: str) -> None:
        """An address does not answer: from now on another endpoint is asked first, where there are several.

        Nothing is done where that happened already, for another file that the same endpoint gave an address of.
        """
        present = endpoint_address(self.endpoint).origin == silent.home
        if len(self._config.endpoints) > 1 and present:
            self._first = (self._first + 1) % len(self._config.endpoints)
            self._note(f"{why} Trying {endpoint_address(self.endpoint).netloc}.")

    def open_range(self, resolved: Resolved, start: int, stop: int) -> Body:
        """The bytes [start, stop) of a file, with 0 <= start < stop <= size, as a body to read and close.

        Raises `LinkExpired` (resolve again), `RateLimited` (`details["seconds"]`), `HubUnreachable` (try
        again), `HubLied` (`details["kind"]` tells what did not fit), and what `listing` raises.
        """
        whole = start == 0 and stop == resolved.size
        asked = {} if whole else {"Range": f"bytes={start}-{stop - 1}"}
        request = Request(address=resolved.address, headers=asked)
        response = self._access.open(request, resolved.repo_id, own=resolved.own, allowed=(200, 206))
        try:
            check_body(response, resolved.path, resolved.size, start, stop)
        except BaseException:
            response.close()
            raise
        return Body(response, stop - start)

    def read_small(self, repo_id: str, commit: str, file: ListedFile, limit: int = MAX_SMALL) -> bytes:
        """A whole file of at most `limit` bytes, its size checked and its digest not."""
        if file.size > limit:
            raise HubLied(
                f"{file.path} has {file.size} bytes where at most {limit} make sense.",
                hint="Nothing was fetched. Tell whoever publishes the repo, or choose another one.",
                kind="size",
            )
        if file.size == 0:
            return b""
        with self.open_range(self.direct(repo_id, commit, file), 0, file.size) as body:
            return body.read()

    def search(self, words: str, format: Format | None = None, limit: int = 20) -> list[Found]:
        """Repos whose name has the words, the most downloaded first. Raises what `listing` does."""
        query = search_query(words, format, limit)

        def ask(endpoint: str) -> list[Found]:
            body, _ = self._access.get(under(endpoint, "api", "models", query=query), "")
            return parse_found(body, limit)

        return self._first_that_can(ask)

    def whoami(self) -> str | None:
        """The name that goes with the token, None without a token. Raises `Unauthorized` when it is stale."""
        if self._config.token is None:
            return None

        def ask(endpoint: str) -> str:
            body, _ = self._access.get(under(endpoint, "api", "whoami-v2"), "")
            name = re.search(rb'"name"\s*:\s*"([\w.-]{1,96})"', body)
            return name[1].decode() if name else "?"

        return self._first_that_can(ask)

    def probe(self) -> tuple[Probe, ...]:
        """How every endpoint does, for a doctor: raises nothing but `Cancelled`."""
        return tuple(self._probe(endpoint) for endpoint in self._config.endpoints)

    # one endpoint

    def _listing(self, endpoint: str, repo_id: str, revision: str, got: Pages) -> Listing:
        base = ("api", "models", file_path(repo_id))
        about = under(endpoint, *base, "revision", segment(revision))
        try:
            body, _ = self._page(about, repo_id, got)
        except ModelNotFound as exc:
            if exc.details.get("missing") == "revision":
                raise no_revision(repo_id, revision, about) from exc
            raise
        facts = parse_info(body, revision)
        first = under(endpoint, *base, "tree", facts.commit, query=f"recursive=true&limit={PAGE_ROWS}")
        return Listing(
            repo_id=repo_id,
            revision=revision,
            commit=facts.commit,
            files=check_together(self._tree(first, repo_id, got)),
            licence=facts.licence,
            gated=facts.gated,
        )

    def _page(self, address: Address, repo_id: str, got: Pages) -> tuple[bytes, str]:
        """An answer of the API and its `Link` field, from those that came before the trouble if it is there."""
        found = got.get(address.url)
        if found is None:
            # With patience `listing` itself asks again, after the other endpoints had their turn.
            ask = self._access.get if self.patience else self._access.get_patiently
            found = got[address.url] = ask(address, repo_id)
        return found

    def _tree(self, first: Address, repo_id: str, got: Pages) -> list[ListedFile]:
        """The files of all pages. Only the query of a next page is taken over: host and path stay ours."""
        files: list[ListedFile] = []
        page: Address | None = first
        been = set[str]()
        while page is not None:
            been.add(page.target)
            body, link = self._page(page, repo_id, got)
            found, rows = parse_page(body)
            files += found
            page = _next(page, link)
            if page is not None and (not rows or page.target in been or len(been) >= MAX_PAGES):
                raise HubLied(f"The listing of {repo_id} has no end.", hint=said.DOUBT, kind="page")
        return files

    def _resolve(self, endpoint: str, repo_id: str, commit: str, file: ListedFile) -> Resolved:
        home = file_address(endpoint, repo_id, commit, file.path)
        request = Request(method="HEAD", address=home, follow="own")
        with self._access.open(request, repo_id, allowed=(200, *REDIRECTS)) as response:
            check_head(response.headers, commit, file)
            last = response.address
            location = response.headers.get("location")
            if response.status in REDIRECTS and location is not None:
                last = redirected(last, location, (last,))
            return resolved_at(response.headers, last, home, repo_id, file)

    def _probe(self, endpoint: str) -> Probe:
        started = time.monotonic()
        try:
            self._access.check_online()
            request = Request(address=under(endpoint, "api", "models", query="limit=1"))
            with self._access.transport.open(request) as response:
                clock = said.server_time(response.headers)
                if response.status != 200:
                    raise self._access.refused(response, "", token=False, own=True)
        except Cancelled:
            raise
        except IngleError as exc:
            return Probe(endpoint=endpoint, problem=exc.message)
        skew = None if clock is None else clock - time.time()
        return Probe(endpoint=endpoint, seconds=time.monotonic() - started, clock_skew=skew)

    def _first_that_can(self, ask: Callable[[str], Result]) -> Result:
        """Asks the endpoints in order, the one that last answered first; raises what says most."""
        self._access.check_online()
        endpoints = self._config.endpoints
        errors: list[IngleError] = []
        start = self._first
        for number in range(len(endpoints)):
            at = (start + number) % len(endpoints)
            try:
                found = ask(endpoints[at])
            except Gated:
                raise
            except (HubError, ModelNotFound) as exc:
                errors.append(exc)
                if number + 1 < len(endpoints):
                    other = endpoint_address(endpoints[(at + 1) % len(endpoints)])
                    self._note(f"{exc.message} Trying {other.netloc}.")
                continue
            self._first = at
            return found
        telling = [error for error in errors if not isinstance(error, HubUnreachable)]
        raise (telling or errors)[0]


def _next(page: Address, link: str) -> Address | None:
    """The address of the page after `page`, on the same host and path. Raises `HubLied`."""
    following = said.next_page(link)
    if following is None:
        return None
    try:
        query = urlsplit(following).query
        return parse_address(f"{page.scheme}://{page.netloc}{page.target.partition('?')[0]}?{query}")
    except (ValueError, UnicodeError) as exc:
        raise HubLied("The hub names a next page that is no address.", hint=said.DOUBT, kind="page") from exc
