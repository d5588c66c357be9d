"""llama.cpp in its worker, on real weights: what it opens, what it leaves, what it says when it fails."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineOptions
from ingle.errors import FileMissing, LoadFailed, MalformedModel, WorkerCrashed
from ingle.generation import Generation, SamplingParams
from ingle.worker.process import WorkerProcess
from tests.models import starter_snapshot

pytestmark = [pytest.mark.model, pytest.mark.slow]

OPTIONS = EngineOptions(context=512, slots=2)


def counting(tokens: int) -> Generation:
    return Generation(prompt="1, 2, 3,", sampling=SamplingParams(temperature=0.0), max_tokens=tokens)


async def load(snapshot: Snapshot, options: EngineOptions = OPTIONS) -> WorkerProcess:
    worker = WorkerProcess(snapshot.ref.name)
    await worker.start(snapshot, "llamacpp", options)
    await worker.ready()
    return worker


@pytest.fixture
async def worker() -> AsyncIterator[WorkerProcess]:
    found = await load(starter_snapshot())
    yield found
    await found.stop()


def scratch(worker: WorkerProcess) -> Path:
    """The folder for temporary files that the worker was given."""
    return Path(psutil.Process(worker.pid).environ()["TMPDIR"])


def spoiled(folder: Path, head: bytes, keep: int) -> Snapshot:
    """The starter with other first bytes and only `keep` bytes of its length."""
    snapshot = starter_snapshot()
    path = folder / "spoiled.gguf"
    path.write_bytes((head + snapshot.path.read_bytes()[len(head) :])[:keep])
    return msgspec.structs.replace(snapshot, path=path, root=folder, files=(path.name,))


async def test_it_answers_on_a_private_socket_and_no_port(worker: WorkerProcess) -> None:
    text = "".join([chunk.text async for chunk in worker.generate(counting(4))])
    assert text.startswith(" 4,")
    folder = scratch(worker)
    (inner,) = folder.iterdir()
    assert {stat.S_IMODE(place.stat().st_mode) for place in (folder, inner)} == {0o700}
    assert [path.is_socket() for path in inner.iterdir()] == [True]
    assert psutil.Process(worker.pid).net_connections(kind="inet") == []
    await worker.stop()
    assert not folder.exists()


async def test_kill_9_fails_its_requests_and_a_new_worker_answers(worker: WorkerProcess) -> None:
    streams = [worker.generate(counting(400)) for _ in range(2)]
    for stream in streams:
        await anext(stream)
    assert worker.pid is not None
    folder = scratch(worker)
    os.kill(worker.pid, signal.SIGKILL)
    for stream in streams:
        with pytest.raises(WorkerCrashed, match="SIGKILL"):
            async for _ in stream:
                pass
    await worker.wait_gone()
    assert not folder.exists()
    await worker.start(starter_snapshot(), "llamacpp", OPTIONS)
    await worker.ready()
    assert "".join([chunk.text async for chunk in worker.generate(counting(2))])


async def test_the_memory_of_a_model_comes_back(tmp_path: Path) -> None:
    # a copy of its own: pages of a file that others have loaded too count in parts
    path = tmp_path / "own.gguf"
    shutil.copy(starter_snapshot().path, path)
    worker = await load(msgspec.structs.replace(starter_snapshot(), path=path, root=tmp_path))
    async for _ in worker.generate(counting(2)):
        pass
    report = await worker.stop()
    assert report.memory_before > 90_000_000
    assert report.memory_freed == report.memory_before


@pytest.mark.parametrize(
    ("head", "keep", "words"),
    [
        (b"GGUX", 10_000_000, "GGUF"),
        (b"GGUF", 500_000, "header"),
        (b"GGUF", 60_000_000, "bytes"),
        (b"", 0, ""),
    ],
    ids=["magic", "header cut", "weights cut", "empty"],
)
async def test_a_spoiled_file_is_refused_with_the_reason(
    tmp_path: Path, head: bytes, keep: int, words: str
) -> None:
    worker = WorkerProcess("spoiled")
    await worker.start(spoiled(tmp_path, head, keep), "llamacpp", OPTIONS)
    with pytest.raises(MalformedModel) as raised:
        await worker.ready()
    assert words in raised.value.message
    assert raised.value.hint
    await worker.wait_gone()


async def test_what_only_llama_cpp_can_see_is_told_from_its_log(tmp_path: Path) -> None:
    snapshot = starter_snapshot()
    path = tmp_path / "strange.gguf"
    data = snapshot.path.read_bytes()
    name = b"general.architecture\x08\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00"
    assert name in data
    path.write_bytes(data.replace(name + b"llama", name + b"lamma", 1))
    worker = WorkerProcess("strange")
    await worker.start(msgspec.structs.replace(snapshot, path=path, root=tmp_path), "llamacpp", OPTIONS)
    with pytest.raises(LoadFailed) as raised:
        await worker.ready()
    assert "lamma" in raised.value.message
    assert raised.value.details["log"]


async def test_a_file_that_is_gone_is_a_typed_error(tmp_path: Path) -> None:
    worker = WorkerProcess("gone")
    snapshot = msgspec.structs.replace(starter_snapshot(), path=tmp_path / "gone.gguf")
    await worker.start(snapshot, "llamacpp", OPTIONS)
    with pytest.raises(FileMissing, match="gone"):
        await worker.ready()


async def test_speculation_changes_nothing_in_greedy_text() -> None:
    plain = await load(starter_snapshot(), EngineOptions(context=512, slots=1))
    quick = await load(starter_snapshot(), EngineOptions(context=512, slots=1, speculate=True))
    try:
        texts = await asyncio.gather(
            *(_text(worker, counting(24)) for worker in (plain, quick)),
        )
        assert quick.info is not None
        assert "n-gram speculation on" in quick.info.notes
    finally:
        await plain.stop()
        await quick.stop()
    assert texts[0] == texts[1]


async def test_a_context_beyond_the_training_is_cut_and_said() -> None:
    worker = await load(starter_snapshot(), EngineOptions(context=100_000, slots=1))
    try:
        assert worker.info is not None
        assert worker.info.context == 8192
        assert any("8192: the model was trained" in note for note in worker.info.notes)
    finally:
        await worker.stop()


async def _text(worker: WorkerProcess, generation: Generation) -> str:
    return "".join([chunk.text async for chunk in worker.generate(generation)])
