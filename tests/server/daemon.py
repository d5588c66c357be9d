"""A daemon process with a home of its own, for tests that must see it from outside."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from ingle.config import child_environment

PROGRAM = """
import sys, msgspec
from ingle.config import load_config
from ingle.errors import IngleError, exit_code
from ingle.server.serve import ServeOptions, serve
try:
    serve(load_config(), ServeOptions(**msgspec.json.decode(sys.argv[1])))
except KeyboardInterrupt:
    sys.exit(130)
except IngleError as exc:
    sys.stderr.write(msgspec.json.encode(exc.to_dict()).decode())
    sys.exit(exit_code(exc))
"""
PATIENCE = 120.0
"""Seconds after which a daemon that does not answer, load or end is a hang."""


class Daemon:
    """`ready` is its ready line, empty when it ended without one."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.home = folder / "home"
        env = child_environment(
            {"HOME": str(folder), "INGLE_HOME": str(self.home), "HF_HOME": str(folder / "hf")}
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, msgspec.json.encode(options).decode()],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.ready: dict[str, Any] = json.loads(line) if line else {}

    def open(
        self, method: str, path: str, body: Any = None, *, token: str | None = None
    ) -> http.client.HTTPResponse:
        """The response, to be read and closed by the caller."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ready["port"], timeout=PATIENCE)
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {token or self.ready['token']}",
            "connection": "close",
        }
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def ask(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        with self.open(method, path, body, token=token) as answer:
            return answer.status, json.loads(answer.read())

    def end(self, signum: int = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        self.process.send_signal(signum)
        return self.process.wait(PATIENCE)

    def last_words(self) -> dict[str, Any]:
        """The error it ended with."""
        assert self.process.wait(PATIENCE) == 1 and self.process.stderr is not None
        *_warnings, last = self.process.stderr.read().splitlines()
        error: dict[str, Any] = json.loads(last)
        return error

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
