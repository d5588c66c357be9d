"""Runs pulls, repairs and checks in threads of their own and remembers what became of each.

Every method runs on the event loop; the threads hand their progress over and touch nothing else. Which work is
unfinished is written to `INGLE_HOME/pulls.json`, so that a restarted daemon lists it as paused; how far
it came is counted on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ingle.catalog.model import ModelRef, Snapshot
from ingle.catalog.names import ref_key
from ingle.errors import Cancelled, IngleError, InUse, RetryRefused
from ingle.hub.progress import Phase, Progress
from ingle.runtime.events import EventKind, RuntimeEvent
from ingle.runtime.job import Feed, Files, Job, Work
from ingle.runtime.status import Action, PullState, PullView

log = logging.getLogger(__name__)

RETRIES = 3
"""Failures in a row after which only a fresh `pull` starts it again."""
LAST_WAIT = 10.0
"""Seconds the end of the runtime waits for threads that should stop within one."""
EVENT_GAP = 0.1
"""Seconds between two progress events of one pull."""
_DARWIN_THREAD, _DARWIN_BACKGROUND = 3, 0x1000  # <sys/resource.h>: PRIO_DARWIN_THREAD, PRIO_DARWIN_BG


class _Remembered(msgspec.Struct, frozen=True):
    ref: ModelRef
    failures: int = 0
    error: dict[str, object] | None = None
    work: Work = Work.PULL
    had: Files | None = None
    since: float = 0.0


class PullDesk:
    """Owns the jobs. `tell` takes the events, `ended(job, error)` is called when one is over; `begun(ref)` counts
    what is on disk of a pull that nobody works on, `find(ref)` looks the model up there, and `sound(snapshot, since)`
    says whether anybody has read it whole after that time."""

    def __init__(
        self,
        memo: Path,
        clock: Callable[[], float],
        tell: Callable[[RuntimeEvent], None],
        ended: Callable[[Job, IngleError | None], None],
        begun: Callable[[ModelRef], Progress | None],
        find: Callable[[ModelRef], Snapshot | None],
        sound: Callable[[Snapshot, float], bool],
    ) -> None:
        self._memo = memo
        self._begun = begun
        self._find = find
        self._sound = sound
        self._clock = clock
        self._tell = tell
        self._ended = ended
        self._jobs: dict[str, Job] = {}
        self._closing = False

    @property
    def jobs(self) -> dict[str, Job]:
        return self._jobs

    def job(self, ref: ModelRef) -> Job | None:
        return self._jobs.get(ref_key(ref))

    def restore(self) -> None:
        """List what an earlier daemon left unfinished; an unreadable memo is an empty one."""
        try:
            left = msgspec.json.decode(self._memo.read_bytes(), type=list[_Remembered])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        for item in left:
            job = Job(item.ref, item.work, state=PullState.PAUSED, failures=item.failures)
            job.had, job.since = item.had, item.since or job.since
            job.over.set()
            job.progress = self._begun(item.ref) or job.progress
            if item.error is not None:
                job.error = IngleError.from_dict(item.error)
                job.state = PullState.REFUSED if item.failures >= RETRIES else PullState.FAILED
            self._jobs[ref_key(item.ref)] = job

    def begin(
        self,
        ref: ModelRef,
        work: Work,
        steps: Callable[[threading.Event], Iterator[Progress]],
        *,
        again: bool = False,
        snapshot: Snapshot | None = None,
        gently: bool = False,
    ) -> Job:
        """Start the work, or join it when it runs. `again`: as a retry, which counts failures in a row;
        `snapshot`: what is checked or mended; `gently`: behind everything else this machine does.

        Raises `RetryRefused` after three of them, `InUse` when other work on the model runs.
        """
        key = ref_key(ref)
        before = self._jobs.get(key)
        if before is not None and before.running:
            if before.work is not work:
                raise InUse(
                    f"{ref.name} is being worked on ({before.work.value}).",
                    hint="Wait for it, or cancel it first.",
                    actions=(Action.CANCEL,),
                )
            return before
        failures = before.failures if before is not None and again else 0
        if failures >= RETRIES:
            raise RetryRefused(
                f"The pull of {ref.name} failed {failures} times in a row; it is not retried by itself.",
                hint=f"Look at the last error, then ask for it again: ingle pull {ref.name}",
                actions=(Action.PULL,),
                failures=failures,
                last_error=before.error.to_dict() if before is not None and before.error else None,
            )
        job = Job(ref, work, state=PullState.RUNNING, failures=failures, snapshot=snapshot)
        if before is not None and before.work is work:
            done, total = before.progress.bytes_done, before.progress.bytes_total
            job.progress = msgspec.structs.replace(job.progress, bytes_done=done, bytes_total=total)
            job.had = before.had
        if work is Work.VERIFY:
            job.beneath = before
        self._jobs[key] = job
        self._remember()
        if work is not Work.VERIFY:
            self._tell(RuntimeEvent(event=EventKind.DOWNLOAD_STARTED, model=ref.name, progress=0.0))
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._run, args=(key, job, steps, loop, gently), name=f"{work}-{ref.name}", daemon=True
        ).start()
        return job

    def watch(self, job: Job) -> Feed:
        """A reader of the job; one that is over ends with its last progress or its error."""
        feed = Feed()
        feed.push(job.progress)
        if job.running:
            job.feeds.add(feed)
        else:
            feed.end(job.error)
        return feed

    async def cancel(self, ref: ModelRef) -> None:
        """Returns when the thread has ended (within about a second) and the partial is kept."""
        job = self.job(ref)
        if job is not None and job.running:
            job.cancel.set()
            await job.over.wait()

    def forget(self, ref: ModelRef) -> None:
        """Nothing is left of this model: neither is a memory of its pull."""
        job = self.job(ref)
        if job is not None and not job.running:
            del self._jobs[ref_key(ref)]
            self._remember()

    async def settle(self) -> None:
        """Forget what stopped before its end and was ended since by somebody else, as the disk tells."""
        left = {key: job for key, job in self._jobs.items() if not job.running}
        over = await asyncio.to_thread(lambda: [key for key, job in left.items() if self._overtaken(job)])
        for key in over:
            if self._jobs.get(key) is left[key]:
                del self._jobs[key]
        if over:
            self._remember()

    def _overtaken(self, job: Job) -> bool:
        """For a thread. A pull: the model is whole now and was not, or was another. A repair changes files itself
        before it stops, so only a look at every byte tells."""
        try:
            found = self._find(job.ref)
        except IngleError:  # a place that cannot be looked at says nothing
            return False
        whole = Files.whole(found)
        if found is None or whole is None:
            return False
        return self._sound(found, job.since) if job.work is Work.REPAIR else whole != job.had

    def end(self) -> None:
        """Cancel all, and wait for nothing: who follows is told that the daemon ends, as long as anything reaches them."""
        self._closing = True
        for job in self._jobs.values():
            job.cancel.set()

    async def close(self) -> None:
        """Cancel all and wait for the threads; what was unfinished stays in the memo."""
        self.end()
        jobs = tuple(self._jobs.values())
        try:
            async with asyncio.timeout(LAST_WAIT):
                for job in jobs:
                    await job.over.wait()
        except TimeoutError:
            log.warning("a pull did not stop within %g s; it ends with the process", LAST_WAIT)

    def _run(
        self,
        key: str,
        job: Job,
        steps: Callable[[threading.Event], Iterator[Progress]],
        loop: asyncio.AbstractEventLoop,
        gently: bool,
    ) -> None:
        """The thread: everything it learns goes to the loop."""
        if gently:
            _step_back()
        error: IngleError | None = None
        try:
            if job.work is Work.PULL:
                loop.call_soon_threadsafe(self._noted, job, Files.whole(self._find(job.ref)))
            for progress in steps(job.cancel):
                loop.call_soon_threadsafe(self._progressed, job, progress)
        except IngleError as exc:
            error = exc
        except Exception as exc:  # noqa: BLE001 - the thread's edge: whatever it was, the job ends with it
            error = IngleError(f"{job.work.value} of {job.ref.name} failed: {type(exc).__name__}: {exc}.")
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(self._finished, key, job, error)

    def _noted(self, job: Job, had: Files | None) -> None:
        job.had = had
        self._remember()

    def _progressed(self, job: Job, progress: Progress) -> None:
        job.progress = progress
        job.snapshot = progress.snapshot or job.snapshot
        for feed in job.feeds:
            feed.push(progress)
        now = self._clock()
        if (
            job.work is not Work.VERIFY
            and now - job.told_at >= EVENT_GAP
            and progress.phase is not Phase.DONE
        ):
            job.told_at = now
            self._tell(_progress_event(job))

    def _finished(self, key: str, job: Job, error: IngleError | None) -> None:
        if self._closing and isinstance(error, Cancelled):
            error = _cut_off(job)
        job.error, job.since = error, time.time()
        if error is None:
            job.state, job.failures = PullState.NONE, 0
        elif isinstance(error, Cancelled):
            job.state, job.error = PullState.PAUSED, None
        else:
            job.failures += 1
            job.state = PullState.REFUSED if job.failures >= RETRIES else PullState.FAILED
        if job.work is Work.VERIFY:
            job.state = PullState.NONE
        if job.state is PullState.NONE and self._jobs.get(key) is job:
            del self._jobs[key]
            if job.beneath is not None:
                self._jobs[key] = job.beneath
        job.over.set()
        if not self._closing:
            self._remember()
            self._announce_end(job)
        for feed in job.feeds:
            feed.end(error)
        job.feeds.clear()
        self._ended(job, error)

    def _announce_end(self, job: Job) -> None:
        if job.error is not None:
            self._tell(
                RuntimeEvent(
                    event=EventKind.ERROR,
                    model=job.ref.name,
                    progress=job.progress.fraction,
                    error=job.error.message,
                    details=job.error.to_dict(),
                )
            )
        elif job.work is Work.VERIFY:
            self._tell(RuntimeEvent(event=EventKind.VERIFIED, model=job.ref.name, progress=1.0))
        elif job.state is PullState.NONE:
            self._tell(RuntimeEvent(event=EventKind.DOWNLOAD_COMPLETED, model=job.ref.name, progress=1.0))
        else:  # the events have no word of their own for it, and listeners must not believe it goes on
            self._tell(_progress_event(job, reason="paused"))

    def _remember(self) -> None:
        """Write the memo whole or not at all; a disk that refuses it costs only the list after a restart."""
        left = [
            _Remembered(
                job.ref,
                job.failures,
                dict(job.error.to_dict()) if job.error is not None else None,
                job.work,
                job.had,
                job.since,
            )
            for job in (one.beneath if one.work is Work.VERIFY else one for one in self._jobs.values())
            if job is not None
        ]
        beside = self._memo.with_suffix(".new")
        with contextlib.suppress(OSError):
            self._memo.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(msgspec.json.encode(left, enc_hook=str))
            beside.replace(self._memo)


def _cut_off(job: Job) -> Cancelled:
    name = job.ref.name
    if job.work is Work.VERIFY:
        return Cancelled(f"Ingle was ended during the check of {name}.", hint=f"ingle verify {name}")
    return Cancelled(
        f"Ingle was ended during the {job.work.value} of {name}; what was fetched is kept.",
        hint=f"`ingle {job.work.value} {name}` goes on from there.",
    )


def _progress_event(job: Job, reason: str = "") -> RuntimeEvent:
    return RuntimeEvent(
        event=EventKind.DOWNLOAD_PROGRESS,
        model=job.ref.name,
        progress=job.progress.fraction,
        pull=PullView.of(job.progress),
        reason=reason,
    )


def _step_back() -> None:
    """Lower this thread's priority, on macOS that of its disk too; elsewhere threads have none of their own."""
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            thread = threading.get_native_id()
            behind = max(10, os.getpriority(os.PRIO_PROCESS, thread))  # it may be further behind than that
            os.setpriority(os.PRIO_PROCESS, thread, behind)
        elif sys.platform == "darwin":
            os.setpriority(_DARWIN_THREAD, 0, _DARWIN_BACKGROUND)
