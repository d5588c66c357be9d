"""The real engines, each in a worker of its own with the starter's weights, once for the whole run."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from ingle.catalog.model import Snapshot
from ingle.engines.base import EngineOptions
from ingle.worker.process import WorkerProcess
from tests.catalog.gguf_writer import BOOL
from tests.models import mlx_snapshot, starter_mlx, starter_snapshot

REAL = ("llamacpp", "mlx")
OPTIONS = EngineOptions(context=1024, slots=4)


def snapshot_for(engine: str) -> Snapshot:
    return starter_snapshot() if engine == "llamacpp" else mlx_snapshot(starter_mlx(), "starter")


def without_template(engine: str, folder: Path) -> Snapshot:
    """The starter with its chat template taken out; the weights are the same."""
    if engine == "llamacpp":
        snapshot = starter_snapshot()
        path = folder / "bare.gguf"
        head, tail = snapshot.path.read_bytes().split(b"tokenizer.chat_template", 1)
        path.write_bytes(head + b"tokenizer.chat_templatX" + tail)
        return msgspec.structs.replace(snapshot, path=path, root=folder, files=(path.name,))
    for file in starter_mlx().iterdir():
        if file.suffix == ".safetensors":
            (folder / file.name).symlink_to(file)
        elif file.name != "chat_template.jinja":
            shutil.copy(file, folder / file.name)
    settings = folder / "tokenizer_config.json"
    kept = json.loads(settings.read_text())
    kept.pop("chat_template", None)
    settings.write_text(json.dumps(kept))
    return mlx_snapshot(folder, "bare")


def with_bos(engine: str, folder: Path) -> Snapshot:
    """The starter with a tokenizer that puts the first token in front; the weights are the same."""
    if engine == "llamacpp":
        snapshot = starter_snapshot()
        path = folder / "bos.gguf"
        key = b"tokenizer.ggml.add_bos_token" + struct.pack("<I", BOOL)
        head, tail = snapshot.path.read_bytes().split(key + b"\0", 1)
        path.write_bytes(head + key + b"\1" + tail)
        return msgspec.structs.replace(snapshot, path=path, root=folder, files=(path.name,))
    for file in starter_mlx().iterdir():
        if file.name != "tokenizer.json":
            (folder / file.name).symlink_to(file)
    kept = json.loads((starter_mlx() / "tokenizer.json").read_text())
    mark = json.loads((starter_mlx() / "tokenizer_config.json").read_text())["bos_token"]
    number = next(token["id"] for token in kept["added_tokens"] if token["content"] == mark)
    kept["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": mark, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {mark: {"id": mark, "ids": [number], "tokens": [mark]}},
    }
    (folder / "tokenizer.json").write_text(json.dumps(kept))
    return mlx_snapshot(folder, "bos")


async def started(engine: str, snapshot: Snapshot, options: EngineOptions) -> WorkerProcess:
    worker = WorkerProcess(snapshot.ref.name)
    await worker.start(snapshot, engine, options)
    await worker.ready()
    return worker


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=REAL)
async def worker(request: pytest.FixtureRequest) -> AsyncIterator[WorkerProcess]:
    """One worker for each real engine, shared by every test of the suite."""
    engine: str = request.param
    found = await started(engine, snapshot_for(engine), OPTIONS)
    yield found
    await found.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=REAL)
async def bare_worker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WorkerProcess]:
    """The starter without its chat template."""
    engine: str = request.param
    folder = tmp_path_factory.mktemp(f"bare-{engine}")
    found = await started(engine, without_template(engine, folder), EngineOptions(context=256, slots=1))
    yield found
    await found.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=REAL)
async def bos_worker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WorkerProcess]:
    """The starter with a tokenizer that puts the first token in front of a text."""
    engine: str = request.param
    folder = tmp_path_factory.mktemp(f"bos-{engine}")
    found = await started(engine, with_bos(engine, folder), EngineOptions(context=512, slots=1))
    yield found
    await found.stop()
