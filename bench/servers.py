"""Servers on loopback that speak OpenAI's chat completions: mlx_lm's and ours, asked alike and timed at the client."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
        """Tokens a second from the first token on, which itself is the prompt's and does not count."""
        return (self.tokens - 1) / (self.last - self.first)


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


@contextmanager
def peer(folder: Path) -> Iterator[Server]:
    """mlx_lm's server with this model."""
    port = _free_port()
    command = [sys.executable, "-m", "mlx_lm", "server", "--model", str(folder), "--port", str(port)]
    with _running(command, port, "/health", {**os.environ, "HF_HUB_OFFLINE": "1"}):
        yield Server("mlx_lm", port, "default_model")


@contextmanager
def ours(folder: Path, parallel: int) -> Iterator[Server]:
    """Our daemon with a home of its own; the model is loaded by the first request."""
    port = _free_port()
    command = [sys.executable, "-m", "ingle.cli.entry", "serve", "--port", str(port)]
    with tempfile.TemporaryDirectory() as home:
        settings = {"INGLE_HOME": home, "INGLE_PARALLEL": str(parallel), "HF_HUB_OFFLINE": "1"}
        with _running(command, port, "/status", {**os.environ, **settings}):
            yield Server("Ingle", port, str(folder))


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _running(command: list[str], port: int, path: str, environ: dict[str, str]) -> Iterator[None]:
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
