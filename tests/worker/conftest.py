"""A worker over the scripted fake, and snapshots that hold a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.engines.base import EngineOptions
from ingle.engines.scripted import Script
from ingle.generation import Generation
from ingle.worker.process import WorkerProcess

StartWorker = Callable[..., Awaitable[WorkerProcess]]
HANG = 60.0
"""Seconds after which a wait in a test is a hang, and a child has had more than time enough to leave."""


def file_snapshot(path: Path) -> Snapshot:
    """A snapshot of one file."""
    return Snapshot(
        ref=ModelRef(name=path.stem, path=path),
        state=DiskState.COMPLETE,
        format=Format.GGUF,
        origin=Origin.FILE,
        root=path.parent,
        path=path,
        files=(path.name,),
        size=path.stat().st_size,
    )


def script_snapshot(folder: Path, script: Script) -> Snapshot:
    """A snapshot whose one file is a script."""
    path = folder / "script.json"
    path.write_bytes(msgspec.json.encode(script))
    return file_snapshot(path)


@pytest.fixture
async def start_worker(tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Starts workers on the scripted engine; whatever a test leaves running is stopped."""
    started: list[WorkerProcess] = []

    async def start(
        script: Script | None = None,
        *,
        slots: int = 2,
        wait: bool = True,
        load_timeout: float = HANG,
        patience: float = HANG,
    ) -> WorkerProcess:
        worker = WorkerProcess("fake", logs=tmp_path / "logs", load_timeout=load_timeout, patience=patience)
        started.append(worker)
        snapshot = script_snapshot(tmp_path, script or Script())
        await worker.start(snapshot, "scripted", EngineOptions(slots=slots))
        if wait:
            await worker.ready()
        return worker

    yield start
    for worker in started:
        await worker.stop()


def ask(prompt: str, *, n: int = 1, max_tokens: int | None = None) -> Generation:
    return Generation(prompt=prompt, n=n, max_tokens=max_tokens)


async def text_of(worker: WorkerProcess, generation: Generation) -> str:
    return "".join([chunk.text async for chunk in worker.generate(generation)])
