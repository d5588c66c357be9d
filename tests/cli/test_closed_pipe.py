"""`ingle ... | head`: whoever reads standard output may leave, and the command ends quietly as a shell expects."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from bench.startup import fill_cache

from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines
from tests.cli.terminal import INGLE, WAIT_S

pytestmark = pytest.mark.slow
READER_GONE = 141
"""128 and SIGPIPE: what a shell says of a program that the signal ended."""
MODEL = ("--model", "/models/some.gguf")
QUIET = [
    ("--version",),
    ("version",),
    ("version", "--short"),
    ("--help",),
    ("help", "run"),
    ("list", "--help"),
    ("list", "--json"),
    ("list", "--catalog"),
    ("ps", "--json"),
    ("show", "starter"),
    ("show", "nonsense", "--json"),
    ("status",),
    ("doctor", "--offline"),
    ("tools",),
    ("check", "rm -rf /"),
    ("history", "list", "--json"),
    ("init", "bash"),
    ("clean", "--json"),
]


def nobody_reads(place: Place, *words: str) -> tuple[int, str]:
    """The exit code and standard error of a command whose reader has left before the first byte."""
    read, write = os.pipe()
    os.close(read)
    try:
        found = subprocess.run(
            [*INGLE, *words],
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            env=place.environ(PATH="/usr/bin:/bin"),
            timeout=WAIT_S,
            check=False,
        )
    finally:
        os.close(write)
    return found.returncode, found.stderr


@pytest.mark.parametrize("words", QUIET, ids=" ".join)
def test_a_command_whose_reader_left_ends_quietly(place: Place, words: tuple[str, ...]) -> None:
    assert nobody_reads(place, *words) == (READER_GONE, "")


@pytest.mark.parametrize(
    "words", [("list",), ("show", "bench/model-000"), ("verify", "--all", "--json")], ids=" ".join
)
def test_so_does_one_about_models_that_are_here(place: Place, words: tuple[str, ...]) -> None:
    fill_cache(place.cache, 2)
    assert nobody_reads(place, *words) == (READER_GONE, "")


@pytest.mark.parametrize("more", [(), ("--diff",), ("--json",)], ids=" ".join)
def test_so_does_a_text_and_the_daemon_is_told(
    place: Place, daemon: FakeDaemon, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "letter.txt").write_text("Teh cat sat.\n" * 100)
    pieces = [{"piece": {"text": "The cat sat.\n", "progress": at / 100}} for at in range(100)]
    improved = {"tool": "proofread", "text": "The cat sat.\n" * 100, "changed": True, "units": 100}
    daemon.answers["POST /text"] = Lines([READY, *pieces, {"done": {"improved": improved}}])
    words = ("text", "proofread", str(tmp_path / "letter.txt"), *MODEL, *more)
    assert nobody_reads(place, *words) == (READER_GONE, "")


@pytest.mark.parametrize("more", [(), ("--no-stream",), ("--json",)], ids=" ".join)
def test_so_does_an_answer(place: Place, daemon: FakeDaemon, more: tuple[str, ...]) -> None:
    daemon.answers["POST /ingle/generate"] = Lines([READY, *[chunk("word ")] * 100, DONE])
    assert nobody_reads(place, "run", "/models/some.gguf", "Hi", *more) == (READER_GONE, "")
