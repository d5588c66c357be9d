"""Opens ranges of a commit's files, resolving each file's address once and again when it runs out."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from ingle.catalog.listing import ListedFile, Listing
from ingle.errors import Cancelled, HubError, HubLied, HubRefused, HubUnreachable, LinkExpired, RateLimited
from ingle.hub.body import Body
from ingle.hub.fields import DOUBT
from ingle.hub.limit import RateLimit
from ingle.hub.pace import Backoff, Patience
from ingle.hub.remote import Remote
from ingle.hub.resolved import Resolved
from ingle.hub.verify import digest_of

_BEFORE = 30.0  # seconds before a signed address runs out at which it is not used any more
_FRUITLESS = 5
_LONGEST_WAIT = 300.0  # seconds
_SLOW_AFTER = 4.0  # seconds
_SLOWEST = 1024  # bytes a second: below this another connection is worth trying
_SILENT = 3.0  # seconds; a shorter trouble passes by asking again
_TRIES = 3  # fresh addresses refused in a row: then it is not the signature


class Ranges:
    """The addresses of one listing's files. Safe to use from several threads.

    `heads` holds what `head` gave, by path: whoever fetches the file need not ask for that again.
    """

    def __init__(
        self,
        remote: Remote,
        listing: Listing,
        cancel: threading.Event,
        *,
        limit: RateLimit | None = None,
        clock: Callable[[], float] = time.time,
        seed: int | None = None,
    ) -> None:
        self._remote = remote
        self._listing = listing
        self._cancel = cancel
        self._limit = limit
        self._clock = clock
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._known: dict[str, Resolved] = {}
        self._silent: dict[str, float] = {}  # since when no range of these files could be opened
        self._asked: set[str] = set()  # files whose address is asked for, though it can mostly be guessed
        self._served: dict[str, int] = {}  # ranges opened so far
        self.heads: dict[str, bytes] = {}

    def open(self, file: ListedFile, start: int, stop: int) -> Body:
        """Bytes [start, stop) of a file. Raises what `Remote.open_range` does, save `LinkExpired`."""
        served = self._served.get(file.path, 0)
        for _ in range(_TRIES):
            resolved = self._resolved(file)
            try:
                body = self._remote.open_range(resolved, start, stop)
            except LinkExpired as exc:
                last: HubError = exc
                self._forget(file, resolved)
            except HubUnreachable as exc:
                if not self._give_up(file, resolved, exc):
                    raise
                last = exc
            else:
                with self._lock:
                    self._silent.pop(file.path, None)
                    self._served[file.path] = self._served.get(file.path, 0) + 1
                return body
        if isinstance(last, HubUnreachable):
            raise last
        if self._served.get(file.path, 0) > served:
            # Others got bytes by the very addresses that were refused here: they serve a few times each.
            raise HubUnreachable(
                f"{file.path}: its addresses run out as soon as they are used.",
                hint="Pull again: it goes on where it stopped.",
                status=403,
            ) from last
        raise HubRefused(
            f"{file.path}: {_TRIES} fresh addresses in a row were refused: {last.message}",
            hint="The content network may be closed to this machine, or its clock wrong.",
        ) from last

    def head(self, file: ListedFile, limit: int, here: bytes = b"") -> bytes:
        """The first `limit` bytes of a file, fewer when it is shorter; a whole file has its digest checked.

        Of a beginning that is `here` already, or that an earlier call gave, nothing is asked for.
        Goes on where a connection broke off, on a new one when it is hopelessly slow. Raises what the last
        of `_FRUITLESS` attempts without a single byte met, once the patience of the remote is at its end too.
        """
        here = max(here, self.heads.get(file.path, b""), key=len)
        data = bytearray(min(limit, file.size))
        done = min(len(here), len(data))
        data[:done] = here[:done]
        wrong = 0
        backoff = Backoff(self._random)
        patience = Patience(self._remote.patience, time.monotonic())
        while done < len(data):
            before = done
            try:
                done = self._read_on(file, data, done)
            except (HubUnreachable, HubLied, RateLimited) as exc:
                now = time.monotonic()
                passing = not isinstance(exc, HubLied) and not patience.spent(now)
                if backoff.failures >= _FRUITLESS and not passing:
                    raise
                if exc.details.get("kind") == "ignored_range":
                    done = 0  # the server sends all of it, whatever is asked: the beginning can be had so
                asked = exc.details.get("seconds")
                wait = backoff.failed(min(float(asked), _LONGEST_WAIT) if asked else None)
                if asked:
                    patience.excused(now + wait)
                if self._cancel.wait(wait):
                    raise Cancelled from exc
            if done > before:
                backoff.arrived()
                patience.arrived(time.monotonic())
            if done == file.size and digest_of(bytes(data), file.kind) != file.digest:
                wrong += 1
                if wrong == _TRIES:
                    raise HubLied(
                        f"The hub sent {file.path} {_TRIES} times with a wrong content.",
                        hint=DOUBT,
                        kind="content",
                    )
                done = 0
        found = bytes(data)
        self.heads[file.path] = max(found, here, key=len)
        return found

    def _read_on(self, file: ListedFile, data: bytearray, done: int) -> int:
        """Reads from byte `done` until the end or until it is too slow; gives how far it came."""
        view = memoryview(data)
        began, start = time.monotonic(), done
        with self.open(file, done, len(data)) as body:
            while done < len(data):
                step, waited = self._share(view[done:])
                began += waited
                count = 0
                try:
                    count = body.readinto(step)
                    done += count
                except HubUnreachable:
                    if done == start:
                        raise
                    break
                finally:
                    if self._limit is not None:
                        self._limit.give_back(len(step) - count)
                seconds = time.monotonic() - began
                if seconds > _SLOW_AFTER and done - start < _SLOWEST * seconds:
                    break
        return done

    def _share(self, view: memoryview) -> tuple[memoryview, float]:
        """As much of what is wanted as the bandwidth limit lets through at once, and the seconds it made us wait."""
        if self._limit is None:
            return view, 0.0
        view = view[: self._limit.step]
        asked = time.monotonic()
        if not self._limit.take(len(view), self._cancel):
            raise Cancelled
        return view, time.monotonic() - asked

    def _resolved(self, file: ListedFile) -> Resolved:
        if not file.lfs and file.path not in self._asked:
            return self._remote.direct(self._listing.repo_id, self._listing.commit, file)
        with self._lock:
            one_at_a_time = self._locks.setdefault(file.path, threading.Lock())
        with one_at_a_time:
            known = self._known.get(file.path)
            if known is None or (known.expires is not None and known.expires - self._clock() < _BEFORE):
                known = self._remote.resolve(self._listing.repo_id, self._listing.commit, file)
                self._known[file.path] = known
            return known

    def _give_up(self, file: ListedFile, resolved: Resolved, error: HubUnreachable) -> bool:
        """Whether this address has not answered for a while: another mirror, or the hub, may know one that does."""
        now = self._clock()
        with self._lock:
            if self._known.get(file.path, resolved) is not resolved:
                return True  # another thread has given it up already
            if now - self._silent.setdefault(file.path, now) < _SILENT:
                return False
            del self._silent[file.path]
            self._asked.add(file.path)
        self._forget(file, resolved)
        self._remote.turn(resolved, error.message)
        return True

    def _forget(self, file: ListedFile, resolved: Resolved) -> None:
        with self._lock:
            if self._known.get(file.path) is resolved:
                del self._known[file.path]
