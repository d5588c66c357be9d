"""The key that `ingle init` binds, pressed in real shells at a real terminal."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Place, Suggest
from tests.cli.dialogue import MODEL
from tests.cli.fake_daemon import FakeDaemon
from tests.cli.terminal import OnTerminal

pytestmark = pytest.mark.slow

STARTS = {
    "bash": (("bash", "--norc", "-i"), 'eval "$(ingle init bash)"'),
    "zsh": (("zsh", "-f", "-i"), 'eval "$(ingle init zsh)"'),
    "fish": (("fish", "--no-config", "-i"), "ingle init fish | source"),
}
HERE = [shell for shell in STARTS if shutil.which(shell)]
"""bash is everywhere; the others are tried where they are installed."""
ALT_I = "\x1bi"


@pytest.fixture
def path(place: Place) -> str:
    """A folder with an `ingle` in it."""
    programs = place.root / "bin"
    programs.mkdir()
    (programs / "ingle").write_text(f'#!/bin/sh\nexec {sys.executable} -m ingle.cli.entry "$@"\n')
    (programs / "ingle").chmod(0o755)
    return str(programs)


def started(shell: str, place: Place, path: str) -> OnTerminal:
    program, line = STARTS[shell]
    env = place.environ(INGLE_SHELL_MODEL=MODEL, PS1="ready> ", TERM="xterm")
    screen = OnTerminal([], env, path=path, program=program)
    said = "$(echo bound)" if shell != "fish" else "(echo bound)"
    screen.key_in(f"cd '{place.root}'; {line}; echo key-is-{said}\n")
    screen.wait_for("key-is-bound")
    return screen


@pytest.mark.parametrize("shell", HERE)
def test_words_become_a_command_on_the_edit_line_and_only_enter_runs_it(
    place: Place, daemon: FakeDaemon, suggest: Suggest, path: str, shell: str
) -> None:
    made = Path(place.root, "made it")
    suggest("touch 'made it'")
    with started(shell, place, path) as screen:
        screen.key_in('make a "file" it\'s mine' + ALT_I)
        screen.wait_for("touch 'made it'")
        assert not made.exists()
        screen.key_in("\n")
        screen.key_in("echo has-$?-run\n" if shell != "fish" else "echo has-$status-run\n")
        screen.wait_for("has-0-run")
        screen.key_in("exit\n")
        screen.wait()
    assert made.exists()
    (body,) = daemon.bodies("/ingle/generate")
    assert body["messages"][1]["content"] == 'make a "file" it\'s mine'


@pytest.mark.parametrize("shell", HERE)
def test_a_refusal_and_a_question_leave_the_line_as_it_was(
    place: Place, suggest: Suggest, path: str, shell: str
) -> None:
    suggest("", "Which folder?")
    with started(shell, place, path) as screen:
        screen.key_in("echo left-alone" + ALT_I)
        screen.wait_for("Which folder?")
        screen.key_in("\n")
        screen.wait_for("left-alone\r\n")
        screen.key_in("exit\n")
        screen.wait()
