"""Measures the daemon: time to the first answer, idle memory, what an unload gives back, /status under load.

    .venv/bin/python bench/daemon.py [--runs 5] [--model PATH_OR_NAME]

Each run starts `ingle serve` with a home of its own. Time runs from the spawn to the first 200 on /status, asked every 5 ms; memory is PSS on
Linux and footprint on macOS, in MB of a million bytes, summed over the daemon and all its children.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from ingle.worker.memory import process_memory

SERVE = (sys.executable, "-m", "ingle.cli.entry", "serve", "--token", "bench", "--port")
LIMITS = {
    "start": 1.2,
    "idle": 90.0,
    "kept, first": 10.0,
    "kept, again": 10.0,
    "status while loading": 50.0,
    "status while answering": 50.0,
}
UNITS = {"start": "s", "status while loading": "ms", "status while answering": "ms"}


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def ask(port: int, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """One request; raises OSError while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        payload = json.dumps(body) if body is not None else None
        headers = {"content-type": "application/json", "authorization": "Bearer bench"}
        connection.request(method, path, payload, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def start(home: Path, port: int) -> tuple[subprocess.Popen[bytes], float]:
    """A daemon and the seconds until its first answer."""
    env = {**os.environ, "INGLE_HOME": str(home)}
    begun = time.perf_counter()
    daemon = subprocess.Popen([*SERVE, str(port)], env=env, stdout=subprocess.DEVNULL)
    while time.perf_counter() - begun < 60:
        try:
            if ask(port, "GET", "/status")[0] == 200:
                return daemon, time.perf_counter() - begun
        except OSError:
            time.sleep(0.005)
    raise SystemExit("the daemon did not answer within a minute")


def memory(pid: int) -> float:
    """MB of the process and all its children."""
    family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return sum(process_memory(one) for one in family) / 1e6


def run_once(model: str | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        daemon, seconds = start(Path(folder), port)
        try:
            time.sleep(0.5)
            found = {"start": seconds, "idle": memory(daemon.pid)}
            if model is not None:
                found |= load_and_unload(daemon.pid, port, model)
                found |= status_latency(port, model)
            return found
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(20)


def load_and_unload(pid: int, port: int, model: str) -> dict[str, float]:
    """Both rounds are told: in the first the daemon also learns what it keeps (imports, headers)."""
    found: dict[str, float] = {}
    for round_name in ("first", "again"):
        before = memory(pid)
        for path, body in (
            ("/load", {"model_path": model}),
            ("/generate", {"prompt": "Say hello.", "max_tokens": 8}),
        ):
            status, answer = ask(port, "POST", path, body)
            if status != 200:
                raise SystemExit(f"{path} answered {status}: {answer}")
        during = memory(pid)
        ask(port, "POST", "/unload")
        after = memory(pid)
        found |= {"before": before, "during": during, "after": after, f"kept, {round_name}": after - before}
    return found


def status_latency(port: int, model: str) -> dict[str, float]:
    """Milliseconds of the slowest /status while the model loads and while it answers at length."""
    found = {}
    ask(port, "POST", "/unload")
    for name, path, body in (
        ("loading", "/load", {"model_path": model}),
        ("answering", "/generate", {"prompt": "Tell a long story.", "max_tokens": 200}),
    ):
        work = threading.Thread(target=ask, args=(port, "POST", path, body))
        work.start()
        times = []
        while work.is_alive():
            begun = time.perf_counter()
            ask(port, "GET", "/status")
            times.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.01)
        work.join()
        found[f"status while {name}"] = max(times)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--model", help="a model that is on this machine: its memory is measured too")
    asked = parser.parse_args()
    runs = [run_once(asked.model) for _ in range(asked.runs)]
    for name in runs[0]:
        values = [run[name] for run in runs]
        limit = f"  (at most {LIMITS[name]:g})" if name in LIMITS else ""
        unit = UNITS.get(name, "MB")
        print(
            f"{name:22} median {statistics.median(values):8.2f} {unit:2}  "
            f"min {min(values):8.2f}  max {max(values):8.2f}{limit}"
        )


if __name__ == "__main__":
    main()
