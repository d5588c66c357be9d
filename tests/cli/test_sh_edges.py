"""Where the conversation cannot be seen, or its shell is not there."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines
from tests.cli.terminal import INGLE, OnTerminal

pytestmark = pytest.mark.slow

MODEL = "/models/some.gguf"


@pytest.fixture(autouse=True)
def suggesting(daemon: FakeDaemon) -> None:
    fields = {"command": "Get-Date", "explanation": "It.", "question": "", "needs_confirmation": False}
    daemon.answers["POST /ingle/generate"] = Lines([READY, chunk(json.dumps(fields)), DONE])


def test_what_a_missing_shell_cannot_run_is_not_remembered(place: Place) -> None:
    history = place.root / ".local/share/powershell/PSReadLine/ConsoleHost_history.txt"
    history.parent.mkdir(parents=True)
    history.write_text("Get-Item .\n")
    words = ["sh", "--model", MODEL, "--shell", "powershell", "tell", "the", "date"]
    nowhere = ("/usr/bin/env", "PATH=/nowhere", *INGLE)
    with OnTerminal(words, place.environ(), program=nowhere) as screen:
        screen.wait_for("no: ")
        screen.key_in("y\n")
        screen.wait_for("pwsh is not installed")
        assert screen.wait() == 2
    assert history.read_text() == "Get-Item .\n"


def test_where_the_question_could_not_be_seen_nothing_is_asked(place: Place) -> None:
    words = [*INGLE, "sh", "--model", MODEL, "--shell", "bash", "tell", "the", "date"]
    script = f"{shlex.join(words)} 2> {place.root}/told"
    with OnTerminal(["-c", script], place.environ(), program=("/bin/sh",)) as screen:
        screen.wait_for('"command": "Get-Date"')
        assert screen.wait() == 0
    assert "Run it?" not in (place.root / "told").read_text()
