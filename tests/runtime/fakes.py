"""Fakes at the runtime's seams: a store in a dict, workers that do as they are told, pulls that wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.config import Config, load_config
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions
from ingle.engines.choose import PlatformFacts
from ingle.errors import (
    Cancelled,
    FileMissing,
    Incomplete,
    IngleError,
    MalformedModel,
    NotDownloaded,
    WorkerCrashed,
    WorkerError,
)
from ingle.generation import Chunk, FinishReason, Generation, Usage
from ingle.hub.progress import Phase, Progress
from ingle.hub.remove import Removal
from ingle.runtime.runtime import Runtime
from ingle.runtime.seams import Seams
from ingle.runtime.stamp import stamp_of

HANG = 60.0
"""Seconds after which a wait in a test is a hang."""


def make_config(folder: Path, **options: Any) -> Config:
    """Settings that touch nothing outside `folder`."""
    environ = {
        "HOME": str(folder / "person"),
        "INGLE_HOME": str(folder / "home"),
        "HF_HOME": str(folder / "hf"),
    }
    return load_config(environ, engine="scripted", **options)


def make_snapshot(name: str, folder: Path, **changes: Any) -> Snapshot:
    """A whole one-file model in the shared cache, called `name`."""
    path = folder / name.replace("/", "--") / "model.gguf"
    whole = Snapshot(
        ref=ModelRef(name=name, repo_id=name),
        state=DiskState.COMPLETE,
        format=Format.GGUF,
        origin=Origin.HUB_CACHE,
        root=path.parent,
        path=path,
        files=("model.gguf",),
        size=1000,
    )
    return msgspec.structs.replace(whole, **changes)


class FakeStore:
    """Models by repo id or path; `damaged` ones cannot be opened."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self.held = {self._key(snapshot.ref): snapshot for snapshot in snapshots}
        self.damaged: set[str] = set()
        self.finds = 0

    def put(self, snapshot: Snapshot) -> None:
        self.held[self._key(snapshot.ref)] = snapshot

    def scan(self) -> list[Snapshot]:
        return list(self.held.values())

    def find(self, ref: ModelRef) -> Snapshot | None:
        self.finds += 1
        return self.held.get(self._key(ref))

    def require(self, ref: ModelRef) -> Snapshot:
        found = self.find(ref)
        if found is None:
            raise FileMissing(ref.path) if ref.path is not None else NotDownloaded(ref.name)
        if ref.name in self.damaged:
            raise MalformedModel(found.path, "the magic is wrong")
        if found.state is not DiskState.COMPLETE:
            raise Incomplete(ref.name, found.missing)
        return found

    def remove(self, ref: ModelRef) -> Removal:
        gone = self.held.pop(self._key(ref))
        return Removal(name=ref.name, files=gone.files, freed=gone.size)

    def _key(self, ref: ModelRef) -> str:
        return str(ref.path) if ref.path is not None else str(ref.repo_id)


@dataclass
class FakeStop:
    memory_freed: int


@dataclass
class FakeWorker:
    """Loads when `may_load` is set (it is, unless told otherwise), answers "one two three"."""

    name: str
    pid: int | None = None
    info: EngineInfo | None = None
    health: EngineHealth | None = None
    error: IngleError | None = None
    waiting: int = 0
    may_load: asyncio.Event = field(default_factory=asyncio.Event)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    may_spawn: asyncio.Event = field(default_factory=asyncio.Event)
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    starting: asyncio.Event = field(default_factory=asyncio.Event)
    load_error: IngleError | None = None
    answer_error: IngleError | None = None
    fails_after: int = 0
    chunks: tuple[Chunk, ...] = ()
    options: EngineOptions | None = None
    asked: list[Generation] = field(default_factory=list)
    cancelled: int = 0
    stopped: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, snapshot: Snapshot, engine_name: str, options: EngineOptions) -> None:
        self.options = options
        await self.may_spawn.wait()
        assert not self.stopped, "a stop before the spawn misses the process"
        self.pid = 4242
        self.starting.set()

    async def ready(self) -> EngineInfo:
        loading = asyncio.ensure_future(self.may_load.wait())
        leaving = asyncio.ensure_future(self.gone.wait())
        await asyncio.wait({loading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        loading.cancel()
        leaving.cancel()
        if self.gone.is_set():
            raise self.error or Cancelled("It was stopped while it loaded.")
        if self.load_error is not None:
            self.gone.set()
            raise self.load_error
        self.info = EngineInfo(
            name="fake",
            version="1",
            device="cpu",
            model=self.name,
            context=4096,
            slots=4,
            chat_template=True,
            constraints=True,
            tools=True,
        )
        return self.info

    async def generate(self, generation: Generation) -> AsyncIterator[Chunk]:
        self.asked.append(generation)
        finished = False
        try:
            words = tuple(Chunk(text=word, tokens=1) for word in ("one", " two", " three"))
            for number, chunk in enumerate(self.chunks or words):
                if self.answer_error is not None and number == self.fails_after:
                    raise self.answer_error
                yield chunk
                self.answering.set()
                if not self.may_answer.is_set():
                    await self._answer_or_end()
            if not any(chunk.usage for chunk in self.chunks):
                yield Chunk(
                    finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=2, completion_tokens=3)
                )
            finished = True
        finally:
            self.cancelled += not finished

    async def _answer_or_end(self) -> None:
        going = asyncio.ensure_future(self.may_answer.wait())
        leaving = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({going, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            going.cancel()
            leaving.cancel()
        if self.gone.is_set():
            raise self.error or WorkerError("The worker is gone.")

    async def ping(self) -> EngineHealth:
        return EngineHealth(ok=True)

    async def wait_gone(self) -> None:
        await self.gone.wait()

    async def stop(self) -> FakeStop:
        self.stopped = True
        self.gone.set()
        return FakeStop(memory_freed=123_000_000)

    def die(self) -> None:
        """As if by `kill -9`."""
        self.error = WorkerCrashed(f"The worker of {self.name} ended with signal SIGKILL.")
        self.gone.set()


class FakePull:
    """A pull that tells of its first half, waits until `go_on` is set (it is, unless told otherwise) or it is
    cancelled, and ends with the next of `errors`, else with the model in the store. `begun` says that one waits."""

    def __init__(self, store: FakeStore, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.errors: list[IngleError] = []
        self.times = 0

    def __call__(self, ref: ModelRef, cancel: threading.Event) -> Iterator[Progress]:
        self.times += 1
        yield Progress(phase=Phase.FETCHING, bytes_done=500, bytes_total=1000)
        self.begun.set()
        while not self.go_on.wait(0.01):
            if cancel.is_set():
                raise Cancelled("The pull was cancelled.")
        if self.errors:
            raise self.errors.pop(0)
        snapshot = make_snapshot(ref.name, self.folder, ref=ref)
        self.store.put(snapshot)
        yield Progress(phase=Phase.DONE, bytes_done=1000, bytes_total=1000, snapshot=snapshot)


class FakeCheck:
    """A verify that finds what `errors` holds for a model's name; `found` is by path what is damaged."""

    def __init__(self) -> None:
        self.errors: dict[str, IngleError] = {}
        self.checked: list[str] = []
        self.found: dict[str, IngleError] = {}

    def __call__(self, ref: ModelRef, snapshot: Snapshot, cancel: threading.Event) -> Iterator[Progress]:
        self.checked.append(ref.name)
        yield Progress(phase=Phase.VERIFYING, bytes_total=snapshot.size)
        if ref.name in self.errors:
            self.found[str(snapshot.path)] = self.errors[ref.name]
            raise self.errors[ref.name]
        self.found.pop(str(snapshot.path), None)
        yield Progress(phase=Phase.DONE, snapshot=snapshot)


class World:
    """Everything around one runtime, to be arranged before and looked at after."""

    def __init__(self, folder: Path, *snapshots: Snapshot, **options: Any) -> None:
        self.folder = folder
        self.config = make_config(folder, **options)
        self.store = FakeStore(*(snapshots or (make_snapshot("org/tiny", folder),)))
        self.pull = FakePull(self.store, folder)
        self.check = FakeCheck()
        self.rates: list[int | None] = []
        self.due: list[Snapshot] = []
        self.sound = False
        self.workers: list[FakeWorker] = []
        self.free: int | None = None
        self.pressure = False
        self.alive = True
        self.hold_loads = False
        self.hold_answers = False
        self.hold_spawns = False
        self.load_error: IngleError | None = None
        self.answer_error: IngleError | None = None
        self.fails_after = 0
        self.chunks: tuple[Chunk, ...] = ()
        self.made = asyncio.Event()

    def worker(self, name: str) -> FakeWorker:
        worker = FakeWorker(
            name,
            load_error=self.load_error,
            answer_error=self.answer_error,
            fails_after=self.fails_after,
            chunks=self.chunks,
        )
        if not self.hold_loads:
            worker.may_load.set()
        if not self.hold_spawns:
            worker.may_spawn.set()
        if not self.hold_answers:
            worker.may_answer.set()
        self.workers.append(worker)
        self.made.set()
        return worker

    def repair(self, ref: ModelRef, cancel: threading.Event) -> Iterator[Progress]:
        yield from self.pull(ref, cancel)
        self.check.found.clear()

    def seams(self, **changes: Any) -> Seams:
        fields: dict[str, Any] = {
            "store": self.store,
            "pull": self.pull,
            "verify": self.check,
            "repair": self.repair,
            "damaged": lambda snapshots: self.check.found,
            "sound": lambda snapshot, since: self.sound,
            "limit": self.rates.append,
            "due": lambda snapshots: self.due,
            "stamp": stamp_of,
            "begun": lambda ref: None,
            "worker": self.worker,
            "free": lambda: self.free,
            "memory_of": lambda pid: 1_000_000,
            "alive": lambda pid: self.alive,
            "pressure": lambda was: self.pressure,
            "facts": PlatformFacts(system="Linux", machine="x86_64"),
            "clock": time.monotonic,
            "pressure_period": 0.01,
            "check_period": 0.01,
        }
        return Seams(**(fields | changes))

    def runtime(self, **changes: Any) -> Runtime:
        return Runtime(self.config, self.seams(**changes))


async def until(condition: Callable[[], bool]) -> None:
    """Gives way to the loop until `condition` holds; a hang is an error."""
    async with asyncio.timeout(HANG):
        while not condition():  # noqa: ASYNC110 - the condition is a test's, nobody signals it
            await asyncio.sleep(0)


async def text_of(chunks: AsyncIterator[Chunk]) -> str:
    return "".join([chunk.text async for chunk in chunks])
