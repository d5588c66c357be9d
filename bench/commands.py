"""Whole commands, each from nothing: one answer of `mlx_lm.generate`, one of `ingle run`, and a bare load of both."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPORT = re.compile(
    r"={10}\n(?P<text>.*)\n={10}\nPrompt: (?P<prompt>\d+) tokens.*\n"
    r"Generation: (?P<tokens>\d+) tokens, (?P<rate>[\d.]+) tokens-per-sec",
    re.DOTALL,
)
"""What `mlx_lm.generate` prints: the answer between two lines, then its own figures."""


@dataclass(frozen=True)
class Answered:
    """One command's answer; `seconds` from its spawn to its end."""

    text: str
    seconds: float


@dataclass(frozen=True)
class Reported(Answered):
    """With what the command says of itself. `rate` in tokens a second: all tokens over the time after the first."""

    prompt: int
    tokens: int
    rate: float


def mlx_lm_generate(folder: Path, prompt: str, tokens: int) -> Reported:
    words = ["--model", str(folder), "--prompt", prompt, "--max-tokens", str(tokens), "--temp", "0"]
    said, seconds = _timed([sys.executable, "-m", "mlx_lm", "generate", *words], {"HF_HUB_OFFLINE": "1"})
    found = REPORT.search(said)
    if found is None:
        raise SystemExit(f"mlx_lm.generate did not report as expected: {said}")
    return Reported(found["text"], seconds, int(found["prompt"]), int(found["tokens"]), float(found["rate"]))


def ingle_run(folder: Path, prompt: str, tokens: int) -> Answered:
    """With a home of its own: the command starts the daemon, that loads the model. The daemon's end is not timed."""
    from ingle.cli.ending import end_daemon
    from ingle.config import load_config

    words = [str(folder), prompt, "--max-tokens", str(tokens), "--temperature", "0"]
    with tempfile.TemporaryDirectory() as home:
        environ = {"HF_HUB_OFFLINE": "1", "INGLE_HOME": home}
        try:
            said, seconds = _timed([sys.executable, "-m", "ingle.cli.entry", "run", *words], environ)
        finally:
            end_daemon(load_config(home=Path(home)))
    return Answered(said.removesuffix("\n"), seconds)


def mlx_lm_load(folder: Path) -> float:
    """Seconds of a bare load in a new interpreter."""
    return _timed([sys.executable, "-c", f"from mlx_lm import load; load({str(folder)!r})"], {})[1]


def worker_start(folder: Path) -> float:
    """Seconds from the spawn of our worker to ready."""
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


def _timed(command: list[str], environ: dict[str, str]) -> tuple[str, float]:
    began = time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True)
    taken = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout, taken
