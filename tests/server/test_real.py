"""The daemon with the real starter model: the contract, over-long prompts, a killed worker, memory."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingle.worker.memory import process_memory
from tests.models import starter_gguf
from tests.server.daemon import Daemon

pytestmark = [pytest.mark.model, pytest.mark.slow]
NO_END = {"logit_bias": {"0": -100.0, "2": -100.0}}  # the starter's two tokens that end an answer
LONG = {"prompt": "Tell a long story about a lighthouse.", "max_tokens": 3000, "sampling": NO_END}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path_factory.mktemp("real"), {"port": 0})
    yield daemon
    daemon.clean_up()


@pytest.fixture
def loaded(daemon: Daemon) -> Daemon:
    assert daemon.ask("POST", "/load", {"model_path": str(starter_gguf())})[0] == 200
    return daemon


def worker_pid(daemon: Daemon) -> int:
    (held,) = daemon.ask("GET", "/ingle/status")[1]["models"]
    return int(held["memory"]["pid"])


def read_a_chunk(answer: http.client.HTTPResponse) -> None:
    """Reads lines up to the first chunk."""
    told = []
    while line := answer.readline():
        told.append(line)
        if b'"chunk"' in line:
            return
    raise AssertionError(f"no chunk came: {told}")


def native(**fields: Any) -> dict[str, Any]:
    return {"model": str(starter_gguf()), **LONG, **fields}


def test_the_real_model_answers_the_sidecar(loaded: Daemon) -> None:
    status, answer = loaded.ask("POST", "/generate", {"prompt": "Name a colour.", "max_tokens": 8})
    assert status == 200
    assert answer["response"].strip() and 1 <= answer["tokens_generated"] <= 8


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the libraries of another process")
def test_the_daemon_has_no_engine_in_itself_though_a_model_is_loaded(loaded: Daemon) -> None:
    loaded.ask("POST", "/generate", {"prompt": "Hi", "max_tokens": 2})
    loaded.ask("GET", "/ingle/models")
    libraries = {
        pid: {Path(one.path).parts for one in psutil.Process(pid).memory_maps()}
        for pid in (loaded.ready["pid"], worker_pid(loaded))
    }
    held = {pid: {"xllamacpp", "mlx", "numpy"} & set().union(*parts) for pid, parts in libraries.items()}
    assert held[loaded.ready["pid"]] == set()
    assert "xllamacpp" in held[worker_pid(loaded)]


def test_an_over_long_prompt_is_refused_with_the_numbers(loaded: Daemon) -> None:
    status, answer = loaded.ask("POST", "/generate", {"prompt": "word " * 6000})
    assert (status, answer["error"]["code"]) == (400, "prompt_too_long")
    assert answer["error"]["details"]["tokens"] > answer["error"]["details"]["limit"] == 4096


def test_a_worker_killed_in_the_middle_of_an_answer_leaves_a_daemon_that_answers(loaded: Daemon) -> None:
    with loaded.open("POST", "/ingle/generate", native()) as answer:
        read_a_chunk(answer)
        os.kill(worker_pid(loaded), signal.SIGKILL)
        last = json.loads(answer.read().strip().splitlines()[-1])
    assert last["error"]["code"] == "worker_crashed"
    assert last["error"]["details"]["signal"] == "SIGKILL"
    status, answer2 = loaded.ask("POST", "/generate", {"prompt": "Hi", "max_tokens": 4})
    assert status == 200 and answer2["tokens_generated"] >= 1


def test_a_client_that_leaves_frees_the_engine(loaded: Daemon) -> None:
    for _ in range(5):  # one more than there are slots
        with loaded.open("POST", "/ingle/generate", native()) as answer:
            read_a_chunk(answer)
    status, _ = loaded.ask("POST", "/generate", {"prompt": "Hi", "max_tokens": 4})
    assert status == 200


def test_an_unload_gives_the_memory_back(loaded: Daemon) -> None:
    loaded.ask("POST", "/generate", {"prompt": "Hi", "max_tokens": 4})
    pid = worker_pid(loaded)
    held = process_memory(pid)
    status, report = loaded.ask("POST", "/ingle/unload", {"model": str(starter_gguf())})
    assert status == 200 and report["unloaded"]
    assert report["memory_returned"] > 0.5 * held > 50_000_000
    assert not psutil.pid_exists(pid)


def test_chat_completions_stream_the_real_model(daemon: Daemon, tmp_path: Path) -> None:
    body = {
        "model": str(starter_gguf()),
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 6,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    with daemon.open("POST", "/v1/chat/completions", body) as answer:
        data = [line[6:].strip() for line in answer.read().splitlines() if line.startswith(b"data: ")]
    assert data[-1] == b"[DONE]"
    told = [json.loads(one) for one in data[:-1]]
    text = "".join(one["choices"][0]["delta"].get("content", "") for one in told[:-1])
    whole = daemon.ask("POST", "/v1/chat/completions", {**body, "stream": False, "stream_options": None})[1]
    assert whole["choices"][0]["message"]["content"] == text
    assert told[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"] == 6
