"""One piece of work on a model's files, running or what is left of it, and who follows its progress."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from ingle.catalog.model import DiskState, ModelRef, Snapshot
from ingle.errors import IngleError
from ingle.hub.progress import Phase, Progress
from ingle.runtime.status import PullState


class Files(msgspec.Struct, frozen=True):
    """The files of a model as a look at the disk tells them apart from others; `modified` as in `Snapshot`."""

    path: str
    state: DiskState
    size: int
    modified: float

    @staticmethod
    def of(snapshot: Snapshot | None) -> Files | None:
        if snapshot is None:
            return None
        return Files(str(snapshot.path), snapshot.state, snapshot.size, snapshot.modified)

    @staticmethod
    def whole(snapshot: Snapshot | None) -> Files | None:
        """As `of`; None where the model is not whole."""
        return Files.of(snapshot) if snapshot is not None and snapshot.state is DiskState.COMPLETE else None


class Work(StrEnum):
    PULL = "pull"
    REPAIR = "repair"
    VERIFY = "verify"


class Feed:
    """One reader of a job's progress. It sees the newest progress, never a queue: it cannot fall behind."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._latest: Progress | None = None
        self._over = False
        self._error: IngleError | None = None

    def push(self, progress: Progress) -> None:
        self._latest = progress
        self._news.set()

    def end(self, error: IngleError | None) -> None:
        self._over, self._error = True, error
        self._news.set()

    def __aiter__(self) -> Feed:
        return self

    async def __anext__(self) -> Progress:
        await self._news.wait()
        if self._latest is not None:
            latest, self._latest = self._latest, None
            if not self._over:
                self._news.clear()
            return latest
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration


@dataclass
class Job:
    """One model's pull (or repair, or check): running, or what is left of it.

    `had`: the files of the whole model that was here when it began, None where none was; `since`: when it began or
    ended, in seconds since the epoch; `beneath`: what is left of a pull or repair while a check runs on its model.
    """

    ref: ModelRef
    work: Work
    state: PullState = PullState.NONE
    progress: Progress = field(default_factory=lambda: Progress(phase=Phase.WAITING))
    failures: int = 0
    error: IngleError | None = None
    snapshot: Snapshot | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    feeds: set[Feed] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    told_at: float = float("-inf")
    had: Files | None = None
    since: float = field(default_factory=time.time)
    beneath: Job | None = None

    @property
    def running(self) -> bool:
        return not self.over.is_set()
