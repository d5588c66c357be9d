"""Memory that is not there: both real engines bound the context, say so, fail typed, and the daemon lives on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ingle.engines.mlx.cpu import find_openblas
from ingle.errors import OutOfMemory, WorkerCrashed
from ingle.runtime.needs import Wants
from ingle.runtime.seams import Worker
from ingle.worker.memory import process_memory
from ingle.worker.process import WorkerProcess
from tests.contract.asking import plain
from tests.contract.conftest import REAL
from tests.models import mlx_snapshot, starter_gguf, starter_mlx, starter_snapshot
from tests.runtime.fakes import World, text_of
from tests.server.daemon import Daemon

pytestmark = [pytest.mark.model, pytest.mark.slow]
LIMIT = 620_000_000


def model_of(engine: str) -> str:
    return str(starter_gguf() if engine == "llamacpp" else starter_mlx())


def daemon_with(folder: Path, **settings: Any) -> Daemon:
    """A daemon whose `config.toml` says `settings`."""
    home = folder / "home"
    home.mkdir(parents=True)
    lines = (f"{name} = {value!r}" for name, value in settings.items())
    (home / "config.toml").write_text("\n".join(lines) + "\n")
    return Daemon(folder, {"port": 0})


@pytest.mark.parametrize(("engine", "slots"), [("llamacpp", 12), ("mlx", 6)])
def test_the_context_is_cut_to_what_fits_and_status_says_so(tmp_path: Path, engine: str, slots: int) -> None:
    settings = {"memory_limit": str(LIMIT), "prompt_cache": "128MiB", "parallel": slots}
    daemon, model = daemon_with(tmp_path, **settings), model_of(engine)
    try:
        _check_cut(daemon, model, engine)
    finally:
        daemon.clean_up()


def _check_cut(daemon: Daemon, model: str, engine: str) -> None:
    status, answer = daemon.ask("POST", "/ingle/load", {"model": model})
    assert status == 200, answer
    (held,) = daemon.ask("GET", "/ingle/status")[1]["models"]
    loaded = held["memory"]["engine"]
    assert loaded["name"] == engine
    assert 512 <= loaded["context"] < 4096
    (said,) = [note for note in loaded["notes"] if note.startswith("Context cut from 4096")]
    assert str(loaded["context"]) in said
    room = loaded["context"]
    status, refusal = daemon.ask("POST", "/v1/completions", {"model": model, "prompt": "word " * 4000})
    assert status == 400 and f"the context holds {room}" in refusal["error"]["message"]
    short = {"model": model, "prompt": "word " * 40, "max_tokens": 2}
    status, answer = daemon.ask("POST", "/v1/completions", short)
    assert status == 200 and answer["usage"]["completion_tokens"] == 2, answer
    assert process_memory(held["memory"]["pid"]) < LIMIT


def test_status_names_the_openblas_that_computes(tmp_path: Path) -> None:
    daemon = daemon_with(tmp_path)
    try:
        assert daemon.ask("POST", "/ingle/load", {"model": model_of("mlx")})[0] == 200
        (held,) = daemon.ask("GET", "/ingle/status")[1]["models"]
    finally:
        daemon.clean_up()
    found, notes = find_openblas(sys.platform), held["memory"]["engine"]["notes"]
    assert [note for note in notes if note.startswith("BLAS")] == ([f"BLAS: {found}."] if found else [])


@pytest.mark.parametrize("engine", REAL)
def test_a_model_that_does_not_fit_at_all_is_refused_with_the_numbers(tmp_path: Path, engine: str) -> None:
    daemon = daemon_with(tmp_path, memory_limit="90MB")
    try:
        status, answer = daemon.ask("POST", "/ingle/load", {"model": model_of(engine)})
        assert (status, answer["error"]["code"]) == (507, "out_of_memory")
        assert answer["error"]["details"]["needed"] > answer["error"]["details"]["free"]
        assert daemon.ask("GET", "/ingle/status")[0] == 200
    finally:
        daemon.clean_up()


def short_of_addresses(folder: Path, kilobytes: int) -> str:
    """A Python whose process may not map more than that: what does not fit is refused by the kernel."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nulimit -v {kilobytes}\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a limit of the address space")
@pytest.mark.parametrize(("engine", "kilobytes"), [("llamacpp", 1_000_000), ("mlx", 1_200_000)])
async def test_memory_that_runs_out_in_a_load_is_typed_and_the_runtime_loads_again(
    tmp_path: Path, engine: str, kilobytes: int
) -> None:
    folder = starter_mlx()
    snapshot = starter_snapshot() if engine == "llamacpp" else mlx_snapshot(folder, str(folder))
    world = World(tmp_path, snapshot)
    pythons = [short_of_addresses(tmp_path, kilobytes)]

    def worker(name: str) -> Worker:
        return WorkerProcess(name, python=pythons.pop() if pythons else sys.executable)

    wants = Wants(engine=engine, context=8192)
    async with world.runtime(worker=worker, memory_of=process_memory) as runtime:
        with pytest.raises((OutOfMemory, WorkerCrashed)) as raised:
            await runtime.load(snapshot.ref.name, wants)
        if engine == "llamacpp":
            assert isinstance(raised.value, OutOfMemory) and "allocate" in raised.value.message
        answer = runtime.generate(snapshot.ref.name, plain("1, 2, 3,", max_tokens=2), wants)
        assert await text_of(answer)
