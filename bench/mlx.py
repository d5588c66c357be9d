"""Measures the MLX engine against mlx_lm.server in the same run: same machine, model, prompts, HTTP client.

    .venv/bin/python bench/mlx.py [--model FOLDER] [--tokens 24] [--rounds 3] [--only single eight] [--write docs/benchmarks-mlx.md]

Without --model: the starter's own weights as an MLX folder (made by tests/models.py). Both sides are real
servers on loopback, asked with the same streaming requests in turns, the peer first. Medians of seconds
and tokens a second; a ratio is ours divided by the peer's.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

# this file has the name of the package it measures: look for packages elsewhere, and for tests/models.py
sys.path[0] = str(Path(__file__).parent.parent)

STORY = "Write a long story about a {} and its journey to the sea, with many details."
WORDS = (
    "river",
    "fox",
    "wheel",
    "cloud",
    "letter",
    "ship",
    "stone",
    "song",
    "child",
    "train",
    "lamp",
    "crow",
)
CLIENTS, STREAMS = 8, 4


@dataclass(frozen=True)
class Heard:
    """One streamed answer. Times in seconds since the request was sent."""

    first: float
    last: float
    tokens: int
    prompt: int
    text: str

    @property
    def rate(self) -> float:
        return (self.tokens - 1) / (self.last - self.first)


@dataclass(frozen=True)
class Row:
    """One line of the table. `higher` says whether more is better; `on_cpu` is the bound with CPU mode."""

    name: str
    unit: str
    higher: bool
    everywhere: float | None
    on_cpu: float | None


ROWS = {
    "single": Row("one stream", "tokens/s", True, 1.0, 1.8),
    "eight": Row(f"{CLIENTS} clients, together", "tokens/s", True, 1.1, 6.0),
    "prefill": Row("prefill", "tokens/s", True, None, 12.0),
    "newcomer": Row(f"newcomer's first token, {STREAMS} others streaming", "s", False, 0.5, None),
    "second": Row("second turn's first token", "s", False, 1.0, None),
    "ready": Row("spawn to ready", "s", False, 0.8, None),
}


class Server:
    """A server on loopback that speaks OpenAI's chat completions."""

    def __init__(self, name: str, port: int, model: str) -> None:
        self.name = name
        self.port = port
        self.model = model

    def stream(
        self, messages: list[dict[str, str]], tokens: int, heard: Callable[[], None] | None = None
    ) -> Heard:
        """Ask greedily and read to the end; `heard` is called at the first token."""
        body = {
            "model": self.model,
            "messages": messages,
            "max_tokens": tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1200)
        began = time.perf_counter()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
        )
        first, last, said = 0.0, 0.0, list[str]()
        usage: dict[str, int] = {}
        for event in _events(connection.getresponse()):
            piece = (event["choices"][0].get("delta") or {}).get("content") if event.get("choices") else None
            if piece:
                last = time.perf_counter() - began
                first = first or last
                said.append(piece)
                if heard is not None:
                    heard()
            usage = event.get("usage") or usage
        connection.close()
        return Heard(first, last, usage["completion_tokens"], usage["prompt_tokens"], "".join(said))


def _events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    if response.status != 200:
        raise SystemExit(f"{response.status}: {response.read().decode()}")
    for line in response:
        if line.startswith(b"data: ") and b"[DONE]" not in line:
            yield json.loads(line[6:])


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def measure(
    sides: Sequence[Server], tokens: int, rounds: int, only: Sequence[str] = ()
) -> list[dict[str, float]]:
    """Everything but the start, for each side. The sides take turns within every round, so that whatever
    else the machine does meets both; no prompt is asked twice, so that none is in a cache before its turn."""
    for side in sides:
        side.stream(user("Warm up."), 4)
    found: list[dict[str, list[float]]] = [{} for _ in sides]
    for round_, word in enumerate(WORDS[:rounds]):
        for key, take in measures(round_, word, tokens).items():
            if only and key not in only:
                continue
            for side, numbers in zip(sides, found, strict=True):
                numbers.setdefault(key, []).append(take(side))
                print(f"{key:9s} {side.name:7s} {numbers[key][-1]:.3f}", file=sys.stderr, flush=True)
    return [{key: statistics.median(taken) for key, taken in numbers.items()} for numbers in found]


def measures(round_: int, word: str, tokens: int) -> dict[str, Callable[[Server], float]]:
    """What a round measures: from a server to a number."""
    return {
        "single": lambda side: side.stream(user(STORY.format(word)), tokens).rate,
        "prefill": lambda side: prefill(side, round_),
        "eight": lambda side: together(side, round_, tokens),
        "newcomer": lambda side: newcomer(side, round_, tokens),
        "second": lambda side: second_turn(side, word),
    }


def prefill(server: Server, round_: int) -> float:
    """Prompt tokens a second, to the first token of the answer."""
    long = " ".join(f"{word} {number}" for number in range(round_, round_ + 8) for word in WORDS)
    heard = server.stream(user(f"Repeat the last word: {long}"), 1)
    return heard.prompt / heard.first


def together(server: Server, round_: int, tokens: int) -> float:
    """Tokens a second of all clients, from the first request to the last token, prompts included."""
    counts: list[int] = []
    asked = [f"{round_}: describe a {word} to somebody who has never seen one." for word in WORDS[:CLIENTS]]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=lambda text=text: counts.append(server.stream(user(text), tokens).tokens))
        for text in asked
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def newcomer(server: Server, round_: int, tokens: int) -> float:
    """Seconds to the first token of a short question while others are in the middle of their answers."""
    begun = [threading.Event() for _ in range(STREAMS)]
    streams = [
        threading.Thread(
            target=server.stream,
            args=(user(f"{round_}: " + STORY.format(word)), 3 * tokens, event.set),
        )
        for word, event in zip(WORDS[-STREAMS:], begun, strict=True)
    ]
    for thread in streams:
        thread.start()
    for event in begun:
        event.wait()
    heard = server.stream(user(f"{round_} plus two?"), 1)
    for thread in streams:
        thread.join()
    return heard.first


def second_turn(server: Server, word: str) -> float:
    opening = user(f"Tell me one thing about a {word}. " + "Be kind, be brief and be clear. " * 6)
    answer = server.stream(opening, 8)
    turns = [*opening, {"role": "assistant", "content": answer.text}, *user("And another thing?")]
    return server.stream(turns, 1).first


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, path: str, environ: dict[str, str]) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(process, port, path)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the server ended with status {process.returncode}")


@contextmanager
def both(folder: Path) -> Iterator[tuple[Server, Server]]:
    """The peer and us, each in processes of its own; who is not asked does nothing."""
    theirs, mine = free_port(), free_port()
    peer = [sys.executable, "-m", "mlx_lm", "server", "--model", str(folder), "--port", str(theirs)]
    ours = [sys.executable, "-m", "ingle.cli.entry", "serve", "--port", str(mine)]
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "INGLE_HOME": home, "INGLE_PARALLEL": str(CLIENTS), "HF_HUB_OFFLINE": "1"}
        with running(peer, theirs, "/health", environ), running(ours, mine, "/status", environ):
            yield Server("mlx_lm", theirs, "default_model"), Server("Ingle", mine, str(folder))


def start_times(folder: Path, rounds: int) -> tuple[float, float]:
    """Medians of: a bare mlx_lm load in a new interpreter; our worker from its spawn to ready."""
    theirs, mine = [], []
    for _ in range(rounds):
        theirs.append(_seconds([sys.executable, "-c", f"from mlx_lm import load; load({str(folder)!r})"]))
        mine.append(_worker_start(folder))
    return statistics.median(theirs), statistics.median(mine)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def _worker_start(folder: Path) -> float:
    import asyncio

    from tests.models import mlx_snapshot

    from ingle.engines.base import EngineOptions
    from ingle.worker.process import WorkerProcess

    async def once() -> float:
        worker = WorkerProcess("bench")
        began = time.perf_counter()
        await worker.start(mlx_snapshot(folder), "mlx", EngineOptions())
        await worker.ready()
        taken = time.perf_counter() - began
        await worker.stop()
        return taken

    return asyncio.run(once())


def table(theirs: dict[str, float], mine: dict[str, float], cpu: bool) -> list[str]:
    lines = ["| what | mlx_lm | Ingle | ratio | bound | |", "|---|---|---|---|---|---|"]
    for key, row in ROWS.items():
        if key not in theirs:
            continue
        ratio = mine[key] / theirs[key]
        bound = row.on_cpu if cpu and row.on_cpu is not None else row.everywhere
        held = bound is None or (ratio >= bound if row.higher else ratio <= bound)
        sign = "" if bound is None else f"{'≥' if row.higher else '≤'} {bound}"
        numbers = f"{theirs[key]:.2f} {row.unit} | {mine[key]:.2f} {row.unit} | {ratio:.2f}"
        lines.append(f"| {row.name} | {numbers} | {sign} | {'holds' if held else 'missed'} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(ROWS), default=[])
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # the servers end with us
    folder = given.model
    if folder is None:
        from tests.models import starter_mlx

        folder = starter_mlx()
    with both(folder) as sides:
        theirs, mine = measure(sides, given.tokens, given.rounds, given.only)
    if not given.only or "ready" in given.only:
        theirs["ready"], mine["ready"] = start_times(folder, given.rounds)
    import mlx.core as mx

    cpu = mx.default_device().type == mx.DeviceType.cpu
    lines = table(theirs, mine, cpu)
    print("\n".join(lines))
    if given.write is not None:
        given.write.write_text(_page(folder, given, lines, cpu))


def _page(folder: Path, given: argparse.Namespace, lines: list[str], cpu: bool) -> str:
    command = f".venv/bin/python bench/mlx.py --tokens {given.tokens} --rounds {given.rounds}"
    where = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, {'CPU' if cpu else 'GPU'}"
    return "\n".join(
        [
            "# The MLX engine against mlx_lm.server",
            "",
            f"`{command}`, {datetime.date.today():%Y-%m-%d}: {where}; model {folder.name}; "
            f"mlx {version('mlx')}, mlx-lm {version('mlx-lm')}, Python {platform.python_version()}.",
            "",
            *lines,
            "",
        ]
    )


if __name__ == "__main__":
    main()
