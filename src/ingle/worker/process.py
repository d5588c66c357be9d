"""The parent's side of one worker: spawns it, feeds it requests, stops it, and sees it gone.

Imports no engine. Everything here runs on one asyncio loop, whose thread must live as long as the
daemon (the main thread), because on Linux a child dies with the thread that spawned it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineHealth, EngineInfo, EngineOptions
from ingle.engines.checks import check_generation
from ingle.errors import Cancelled, FrameError, IngleError, LoadFailed, WorkerError, WorkerGone, WorkerTimeout
from ingle.generation import Chunk, Generation, Message, Tool
from ingle.worker import frames
from ingle.worker.admission import Admission
from ingle.worker.exchange import Exchange, Inbox, is_last
from ingle.worker.logring import LogRing, log_file
from ingle.worker.memory import process_memory
from ingle.worker.pulse import PERIOD, no_pulse, watch_pulse
from ingle.worker.report import StopReport
from ingle.worker.spawn import Child, crash_error, spawn, with_reason
from ingle.worker.state import WorkerEvent, WorkerState, advance


class WorkerProcess:
    """One child process with one engine and one model. After an exit it may be started again.

    `error` says why it left or could not load, when nobody asked it to leave. `patience` is how many
    seconds it gets to leave when asked, and again when terminated, before it is killed. Every `pulse` seconds
    it is asked whether it still makes tokens; one that says no is ended.
    """

    def __init__(
        self,
        name: str,
        *,
        logs: Path | None = None,
        load_timeout: float = 600.0,
        patience: float = 3.0,
        python: str = sys.executable,
        memory_of: Callable[[int], int] = process_memory,
        pulse: float = PERIOD,
    ) -> None:
        self.name = name
        self.state = WorkerState.STOPPED
        self.info: EngineInfo | None = None
        self.health: EngineHealth | None = None  # at the last ping
        self.error: IngleError | None = None
        self.log = LogRing(log_file(logs, name) if logs else None)
        self._load_timeout = load_timeout
        self._patience = patience
        self._python = python
        self._memory_of = memory_of
        self._pulse = pulse
        self._watching: asyncio.Task[None] | None = None
        self._fatal: IngleError | None = None
        self._exchange = Exchange()
        self._admission = Admission(1)
        self._child: Child | None = None
        self._codec = frames.Codec()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loaded: asyncio.Future[EngineInfo] | None = None
        self._gone = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Of the child that runs, or ran last."""
        return self._child.process.pid if self._child is not None else None

    @property
    def active(self) -> int:
        """Slots in use now."""
        return self._admission.inside

    @property
    def waiting(self) -> int:
        """Requests that wait for a slot."""
        return self._admission.waiting

    async def start(self, snapshot: Snapshot, engine_name: str, options: EngineOptions | None = None) -> None:
        """Spawn the child and ask it to load; returns when it is spawned, `ready` waits for the model."""
        options = options or EngineOptions()
        self.state = advance(self.state, WorkerEvent.SPAWN)
        self.info = self.health = self.error = self._fatal = None
        self._admission = Admission(options.slots)
        self._exchange = Exchange()
        self._codec = frames.Codec()
        self._gone = asyncio.Event()
        self._loaded = asyncio.get_running_loop().create_future()
        try:
            self._child = await spawn(self._python)
        except BaseException as exc:
            self.state = advance(self.state, WorkerEvent.LOAD_FAILED)
            self._gone.set()
            if not isinstance(exc, OSError):
                raise  # cancelled: a child that was on its way finds its socket closed and leaves
            self.error = LoadFailed(f"The worker for {self.name} could not be started: {exc}.")
            raise self.error from exc
        self._send(frames.Hello(frames.PROTOCOL, os.getpid()))
        self._send(frames.Load(engine_name, snapshot, options))
        self._keep(self._watch(self._child))

    async def ready(self) -> EngineInfo:
        """What was loaded, once it is. Raises why not: `LoadFailed`, `MalformedModel`, `OutOfMemory`,
        `WorkerCrashed`, `WorkerTimeout` (after which the child is stopped), or `Cancelled`."""
        if self._loaded is None:
            raise WorkerError(f"The worker for {self.name} was never started.")
        try:
            async with asyncio.timeout(self._load_timeout):
                return await asyncio.shield(self._loaded)
        except TimeoutError:
            error = WorkerTimeout(
                f"{self.name} did not load within {self._load_timeout:g} seconds.",
                hint="Raise load_timeout, or take a smaller model.",
            )
            self._settle_load(error)
            await self.stop()
            self.error = error
            raise error from None

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk, None]:
        """The chunks of one request, after its turn came. Closing the iterator cancels the request,
        waiting or running; its slot is free only when the child said that it stopped.

        Raises the request's own error, `WorkerCrashed` when the child died with the request inside, and
        `WorkerGone` when it left before the request's turn came: that one may be asked again.
        """
        check_generation(generation)  # what no engine takes need not wait for a slot to hear it
        admission = self._admission
        width = await admission.acquire(generation.n)
        request, finished = "", True
        try:
            if admission is not self._admission or self.state is not WorkerState.READY:
                raise WorkerGone(self.name)
            request, inbox = self._exchange.open()
            self._send(frames.Start(request, generation))
            finished = False
            while not finished:
                item = await inbox.get()
                finished = is_last(item)
                if isinstance(item, IngleError):
                    raise item
                if isinstance(item, Chunk):
                    yield item
        finally:
            if finished or self._gone.is_set():
                self._exchange.close(request)
                admission.release(width)
            else:
                self._keep(self._abandon(request, inbox, admission, width))

    async def count_tokens(self, generation: Generation) -> int:
        """Tokens of the rendered prompt."""
        return int(await self._ask(lambda request: frames.Count(request, generation)))

    async def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        """The prompt text after the chat template."""
        return str(await self._ask(lambda request: frames.Render(request, messages, tools)))

    async def ping(self, timeout: float = 5.0) -> EngineHealth:
        """Generation health, from the child itself. Raises `WorkerTimeout` or what ended the child."""
        self._must_be_ready()
        number, pong = self._exchange.open_ping()
        try:
            self._send(frames.Ping(number))
            async with asyncio.timeout(timeout):
                self.health = await pong
                return self.health
        except TimeoutError:
            error = WorkerTimeout(f"The worker for {self.name} is silent for {timeout:g} s.")
            self.health = EngineHealth(ok=False, reason=error.message)
            raise error from None
        finally:
            self._exchange.close_ping(number)

    async def stop(self) -> StopReport:
        """Ask, terminate, kill, reap; the report is made only when the process is gone. Idempotent."""
        began = time.monotonic()
        child, pid = self._child, self.pid
        if self.state is not WorkerState.STOPPED:
            self.state = advance(self.state, WorkerEvent.STOP)
        how, before = "gone", 0
        if child is not None and not self._gone.is_set():
            how, before = await asyncio.shield(self._end(child))
        return StopReport(
            pid=pid,
            how=how,
            exit_code=child.process.returncode if child is not None else None,
            seconds=time.monotonic() - began,
            memory_before=before,
            memory_after=await self._weigh(pid),
        )

    async def _weigh(self, pid: int | None) -> int:
        """In a thread: the kernel walks every page of a process, tens of milliseconds for a large one."""
        return await asyncio.to_thread(self._memory_of, pid) if pid is not None else 0

    async def wait_gone(self) -> None:
        """Until the operating system has confirmed that the process is gone, for whatever reason."""
        await self._gone.wait()

    async def _watch(self, child: Child) -> None:
        """Follow the child from spawn to exit; whatever way it goes, everybody who waits is told."""
        following = asyncio.create_task(self.log.follow(child.stderr))
        trouble: IngleError | None = None
        try:
            await self._read(child.reader)
        except (FrameError, OSError) as exc:
            trouble = exc if isinstance(exc, IngleError) else None  # a broken socket: the exit code tells
            child.kill()
        finally:
            code = await child.process.wait()
            # a grandchild may hold the pipe open: what is there is read, no more is waited for
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(following, 1.0)
            child.close()
            self._leave(code, trouble)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 16):
            for frame in self._codec.feed(data):
                self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Hello(protocol) if protocol != frames.PROTOCOL:
                raise FrameError(
                    f"The worker speaks protocol {protocol}, the daemon {frames.PROTOCOL}: restart the daemon."
                )
            case frames.Loaded(info):
                self._on_loaded(info)
            case frames.LoadError(error):
                self._fail_load(IngleError.from_dict(error))
            case _:
                self._exchange.deliver(frame)

    def _on_loaded(self, info: EngineInfo) -> None:
        if self.state is not WorkerState.STARTING or self._loaded is None:
            return
        self.state = advance(self.state, WorkerEvent.LOADED)
        self.info = info
        self._watching = self._keep(watch_pulse(self.ping, self._give_up, self._pulse))
        if not self._loaded.done():
            self._loaded.set_result(info)

    def _give_up(self, reason: str) -> None:
        if self._child is not None and self.state is WorkerState.READY:
            self._fatal = no_pulse(self.name, reason, self.log.last())
            self._child.kill()

    def _fail_load(self, error: IngleError) -> None:
        """Remember why; it is told when the child is gone and its last lines are read."""
        if self.state is WorkerState.STARTING:
            self.state = advance(self.state, WorkerEvent.LOAD_FAILED)
            self.error = error

    def _leave(self, code: int, trouble: IngleError | None) -> None:
        before = self.state
        asked = before is WorkerState.STOPPING
        if self._watching is not None:
            self._watching.cancel()
        died = crash_error(self.name, code, self.log.last(), loading=before is WorkerState.STARTING)
        error: IngleError = trouble or self._fatal or died
        if asked:
            error = Cancelled(f"{self.name} was unloaded.")
        if before is WorkerState.FAILED and self.error is not None:
            error = self.error = with_reason(self.error, self.log.last())
        self.state = advance(before, WorkerEvent.EXITED)
        if not asked and self.error is None:
            self.error = error
        self._settle_load(error)
        self._exchange.fail_all(error)
        self.info = self.health = None
        self.log.close()
        self._gone.set()

    def _settle_load(self, error: IngleError) -> None:
        if self._loaded is not None and not self._loaded.done():
            self._loaded.set_exception(error)
            self._loaded.exception()  # a load nobody waits for any more is no warning at exit

    async def _end(self, child: Child) -> tuple[str, int]:
        """Ask, terminate, kill; until the process is gone. Which of them it took, and the bytes it held."""
        before = await self._weigh(child.process.pid)
        ways: list[tuple[str, Callable[[], None], float | None]] = [
            ("asked", self._ask_to_leave, self._patience),
            ("terminated", child.terminate, self._patience),
            ("killed", child.kill, None),
        ]
        for how, act, patience in ways if self.info else ways[1:]:  # a child that loads reads no frames
            act()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), patience)
                return how, before
        return "killed", before

    def _ask_to_leave(self) -> None:
        with contextlib.suppress(WorkerError):
            self._send(frames.Close())

    async def _abandon(self, request: str, inbox: Inbox, admission: Admission, width: int) -> None:
        """Cancel in the child; the slot is free only when the child says that it stopped."""
        try:
            with contextlib.suppress(WorkerError):
                self._send(frames.CancelRequest(request))
                while not is_last(await inbox.get()):
                    pass
        finally:
            self._exchange.close(request)
            admission.release(width)

    async def _ask(self, frame: Callable[[str], frames.Frame]) -> int | str:
        self._must_be_ready()
        request, inbox = self._exchange.open()
        try:
            self._send(frame(request))
            item = await inbox.get()
        finally:
            self._exchange.close(request)
        if isinstance(item, IngleError):
            raise item
        if isinstance(item, Chunk):
            raise WorkerError("The worker answered a question with a chunk.")
        return item

    def _must_be_ready(self) -> None:
        if self.state is not WorkerState.READY:
            raise self.error or WorkerError(
                f"The worker of {self.name} is {self.state.value}, not ready.", hint="Load the model first."
            )

    def _send(self, frame: frames.Frame) -> None:
        if self._child is None or self._child.writer.is_closing():
            raise self.error or WorkerError(f"The worker of {self.name} is gone.")
        self._child.writer.write(self._codec.encode(frame))

    def _keep(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
