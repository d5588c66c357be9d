"""A private home and cache for each test of the command line, and the daemon's fake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ingle.cli.main import build_app
from tests.cli.fake_daemon import FakeDaemon, Lines, fake_daemon

OURS = ("INGLE_", "HF_", "HUGGINGFACE_", "XDG_")


class Place:
    """One person's machine: an empty home, an empty cache, no hub, and nothing of the settings of who runs the tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "ingle"
        self.cache = root / "cache"
        foreign = [name for name in os.environ if name.startswith(OURS) or name.lower().endswith("_proxy")]
        self.env: dict[str, str | None] = dict.fromkeys(foreign) | {
            "HOME": str(root),
            "INGLE_HOME": str(self.home),
            "HF_HUB_CACHE": str(self.cache),
            "HF_HUB_OFFLINE": "1",
            "HF_TOKEN": None,
            "NO_COLOR": None,
            "COLUMNS": None,
            "TERM": "xterm",
        }

    def ingle(self, *words: str, stdin: str | None = None, **env: str) -> Result:
        """One command line in this process, without a terminal."""
        app = build_app(words[0] if words else None)
        return CliRunner().invoke(app, list(words), input=stdin, env=self.env | env)

    def environ(self, **extra: str) -> dict[str, str]:
        """The same for a real process."""
        return {name: value for name, value in {**self.env, **extra}.items() if value is not None}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def daemon(place: Place) -> Iterator[FakeDaemon]:
    with fake_daemon(place.home) as running:
        yield running


def chunk(text: str, **more: Any) -> dict[str, Any]:
    return {"chunk": {"text": text, **more}}


READY = {
    "ready": {
        "model": "starter",
        "engine": {"name": "llamacpp", "device": "cpu", "context": 2048},
        "why": "because",
        "load_seconds": 0.5,
    }
}
DONE = {
    "done": {
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        "finish_reasons": ["stop"],
        "timings": {"load": 0.5, "first_token": 0.6, "tokens_per_second": 50.0},
    }
}


Suggest = Callable[..., None]


@pytest.fixture
def suggest(daemon: FakeDaemon) -> Suggest:
    """From now on the model suggests the command that this is called with, or asks back its question."""

    def script(command: str, question: str = "", explanation: str = "It does that.") -> None:
        fields = {
            "command": command,
            "explanation": explanation,
            "question": question,
            "needs_confirmation": True,
        }
        daemon.answers["POST /ingle/generate"] = Lines([READY, chunk(json.dumps(fields)), DONE])

    return script
