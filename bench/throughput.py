"""Measures what Ingle costs on top of llama.cpp: tokens a second and time to first token, in one run.

    .venv/bin/python bench/throughput.py MODEL.gguf [--rounds 7] [--tokens 96] [--no-daemon]

Three ways to the same greedy answer of the same model, one after the other in every round, in an order
that turns: `xllamacpp` called directly in a script, a worker process, and the daemon over HTTP. Each is
loaded once, before the rounds; the prompt changes with every round so that no prompt cache helps. The
medians and their ratios to the direct call are printed; times in milliseconds. Goals: at least 0.97 of
the tokens a second, at most 8 ms more to the first token, through the daemon.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingle.catalog.model import ModelRef, Snapshot
from ingle.config import load_config
from ingle.engines.base import EngineOptions
from ingle.generation import Generation, Message, Role, SamplingParams
from ingle.hub.cache import Store
from ingle.worker.process import WorkerProcess

CONTEXT, SLOTS = 2048, 1
GOAL_RATE, GOAL_FIRST = 0.97, 8.0


@dataclass(frozen=True)
class Sample:
    """Of one answer: seconds to the first token, tokens a second after it."""

    first: float
    rate: float


def question(number: int) -> str:
    return f"Question {number}: write a long story about {number} ships, and name every one of them."


def sample(begun: float, stamps: list[float]) -> Sample:
    rate = (len(stamps) - 1) / (stamps[-1] - stamps[0]) if len(stamps) > 1 else 0.0
    return Sample(stamps[0] - begun, rate)


def serve_direct(model: str, tokens: int) -> None:
    """The direct way, in a process of its own: a question a line on stdin, a sample a line on stdout."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = CONTEXT * SLOTS
    params.n_parallel = SLOTS
    params.verbosity = 1
    params.ui = False
    params.hostnames = [str(Path(tempfile.mkdtemp()) / "s.sock")]
    server = xllamacpp.Server(params)
    print("ready", flush=True)
    for line in sys.stdin:
        stamps: list[float] = []

        def on_chunk(chunk: Any, stamps: list[float] = stamps) -> bool:
            if chunk.get("choices") and chunk["choices"][0]["delta"].get("content"):
                stamps.append(time.perf_counter())
            return False

        body = {
            "messages": [{"role": "user", "content": line.strip()}],
            "temperature": 0.0,
            "max_tokens": tokens,
            "stream": True,
        }
        begun = time.perf_counter()
        server.handle_chat_completions(body, on_chunk)
        found = sample(begun, stamps)
        print(json.dumps([found.first, found.rate]), flush=True)


class Direct:
    """Asks `serve_direct`; the pipe is not inside the times."""

    def __init__(self, model: Path, tokens: int) -> None:
        command = [sys.executable, __file__, str(model), "--direct", "--tokens", str(tokens)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._line()

    def ask(self, text: str) -> Sample:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        first, rate = json.loads(self._line())
        return Sample(first, rate)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def snapshot_of(model: Path) -> Snapshot:
    """The model as a daemon finds it."""
    with tempfile.TemporaryDirectory() as home:
        return Store(load_config(home=Path(home))).require(ModelRef(name=model.name, path=model))


class Worker:
    """A worker process of our own, driven from a loop that lives as long as the bench."""

    def __init__(self, model: Path, tokens: int) -> None:
        self._tokens = tokens
        self._runner = asyncio.Runner()
        self._worker = WorkerProcess("bench")
        self._runner.run(self._start(snapshot_of(model)))

    def ask(self, text: str) -> Sample:
        return self._runner.run(self._ask(text))

    def close(self) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self, snapshot: Snapshot) -> None:
        await self._worker.start(snapshot, "llamacpp", EngineOptions(context=CONTEXT, slots=SLOTS))
        await self._worker.ready()

    async def _stop(self) -> None:
        await self._worker.stop()

    async def _ask(self, text: str) -> Sample:
        generation = Generation(
            messages=(Message(role=Role.USER, content=text),),
            sampling=SamplingParams(temperature=0.0),
            max_tokens=self._tokens,
        )
        begun, stamps = time.perf_counter(), list[float]()
        async for chunk in self._worker.generate(generation):
            if chunk.text:
                stamps.append(time.perf_counter())
        return sample(begun, stamps)


class Daemon:
    """`ingle serve --port 0` with a home of its own, asked over HTTP as any client would."""

    def __init__(self, model: Path, tokens: int) -> None:
        self._model, self._tokens = model, tokens
        self._home = tempfile.TemporaryDirectory()
        settings = {
            "INGLE_HOME": self._home.name,
            "INGLE_CONTEXT": str(CONTEXT),
            "INGLE_PARALLEL": str(SLOTS),
        }
        command = [sys.executable, "-m", "ingle.cli.entry", "serve", "--port", "0"]
        self._process = subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self._port, self._token = int(told["port"]), str(told["token"])
        self._request("/load", {"model_path": str(model)}).read()

    def ask(self, text: str) -> Sample:
        body = {
            "model": str(self._model),
            "messages": [{"role": "user", "content": text}],
            "temperature": 0.0,
            "max_tokens": self._tokens,
            "stream": True,
        }
        begun, stamps = time.perf_counter(), list[float]()
        for line in self._request("/v1/chat/completions", body):
            if not line.startswith(b"data: {"):
                continue
            choices = json.loads(line[6:]).get("choices")
            if choices and choices[0]["delta"].get("content"):
                stamps.append(time.perf_counter())
        return sample(begun, stamps)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._home.cleanup()

    def _request(self, path: str, body: dict[str, Any]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {answer.read().decode()}")
        return answer


def measure(ways: dict[str, Callable[[str], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """One answer of every way in every round; the first round warms up and is dropped."""
    found: dict[str, list[Sample]] = {name: [] for name in ways}
    names = list(ways)
    for number in range(rounds + 1):
        turned = names[number % len(names) :] + names[: number % len(names)]
        for place, name in enumerate(turned):
            taken = ways[name](question(number * len(names) + place))
            if number:
                found[name].append(taken)
    return found


def report(found: dict[str, list[Sample]]) -> bool:
    """Print the medians and ratios; whether the last way keeps the goals."""
    rates = {name: statistics.median(one.rate for one in samples) for name, samples in found.items()}
    firsts = {name: 1000 * statistics.median(one.first for one in samples) for name, samples in found.items()}
    print(f"{'':8} {'tokens/s':>9} {'ratio':>6} {'first ms':>9} {'more ms':>8}")
    for name in found:
        ratio, more = rates[name] / rates["direct"], firsts[name] - firsts["direct"]
        print(f"{name:8} {rates[name]:9.1f} {ratio:6.3f} {firsts[name]:9.1f} {more:8.1f}")
    last = list(found)[-1]
    load = os.getloadavg()[0]
    print(f"load average {load:.1f} on {os.cpu_count()} cores" + (": NOT QUIET" if load > 3 else ""))
    kept = rates[last] / rates["direct"] >= GOAL_RATE and firsts[last] - firsts["direct"] <= GOAL_FIRST
    print(
        f"goals for {last}: ratio >= {GOAL_RATE}, at most {GOAL_FIRST} ms more: {'kept' if kept else 'MISSED'}"
    )
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--no-daemon", action="store_true")
    parser.add_argument("--direct", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.model.is_file():
        parser.error(f"{asked.model} is no file; a model as a single .gguf is wanted")
    if asked.direct:
        serve_direct(str(asked.model), asked.tokens)
        return 0
    model = asked.model.resolve()
    subjects: list[tuple[str, Direct | Worker | Daemon]] = [
        ("direct", Direct(model, asked.tokens)),
        ("worker", Worker(model, asked.tokens)),
    ]
    if not asked.no_daemon:
        subjects.append(("daemon", Daemon(model, asked.tokens)))
    try:
        return 0 if report(measure({name: way.ask for name, way in subjects}, asked.rounds)) else 1
    finally:
        for _, way in subjects:
            way.close()


if __name__ == "__main__":
    raise SystemExit(main())
