"""The command line and a real daemon with real workers; only the engine is the named fake."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.startup import fill_cache

from ingle.cli.ending import end_daemon
from ingle.config import load_config
from tests.cli.conftest import Place

pytestmark = pytest.mark.slow
MODEL = "bench/model-000"
WAIT_S = 150
"""Seconds; a command that takes so long, with the start of a daemon and of a worker, hangs."""


class Machine(Place):
    """A place whose commands are real processes."""

    def __init__(self, root: Path, port: int) -> None:
        super().__init__(root)
        fill_cache(self.cache, 1)
        self.env |= {"INGLE_ENGINE": "scripted", "INGLE_PORT": str(port)}

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ingle.cli.entry", *words],
            env=self.environ(PATH="/usr/bin:/bin", **env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **env: str) -> tuple[int, str, str]:
        process = self.start(*words, **env)
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err

    def status(self) -> dict[str, object]:
        found = json.loads(self.ingle("status", "--json").stdout)["daemon"]
        assert isinstance(found, dict)
        return found

    def end(self) -> int | None:
        if not self.home.is_dir():
            return None
        return end_daemon(load_config({"HOME": str(self.root), "INGLE_HOME": str(self.home)}))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path, free_port())
    yield found
    found.end()


def test_run_starts_a_daemon_that_stays_for_the_next_command(machine: Machine) -> None:
    assert machine.status() == {"running": False}
    assert machine.run("run", MODEL, "Say this back")[:2] == (0, "Say this back\n")
    first = machine.status()
    assert machine.run("run", MODEL, "And this")[:2] == (0, "And this\n")
    assert machine.status()["pid"] == first["pid"]
    loaded = json.loads(machine.ingle("ps", "--json").stdout)
    assert [(one["model"], one["memory"]["engine"]["name"]) for one in loaded] == [(MODEL, "scripted")]
    refused = machine.ingle("rm", MODEL)
    assert (refused.exit_code, "ingle stop" in refused.stderr) == (1, True)
    stopped = machine.ingle("stop", MODEL)
    assert (stopped.exit_code, "has left the memory" in stopped.stderr) == (0, True)
    assert machine.ingle("serve", "--stop").exit_code == 0
    assert machine.status() == {"running": False}
    assert not (machine.home / "daemon.json").exists()


def test_two_homes_have_daemons_of_their_own(machine: Machine, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other", int(str(machine.env["INGLE_PORT"])))
    try:
        assert machine.run("load", MODEL)[0] == 0
        assert other.run("load", MODEL)[0] == 0
        here, there = machine.status(), other.status()
        assert here["pid"] != there["pid"]
        assert here["address"] != there["address"]
        assert other.end() == there["pid"]
        assert machine.status()["pid"] == here["pid"]
    finally:
        other.end()


def test_a_home_and_a_cache_named_from_here_are_the_same_for_the_daemon(machine: Machine) -> None:
    here = {"INGLE_HOME": os.path.relpath(machine.home), "HF_HUB_CACHE": os.path.relpath(machine.cache)}
    assert machine.run("run", MODEL, "Say this back", **here)[:2] == (0, "Say this back\n")
    assert machine.status()["running"] is True


def test_commands_at_the_same_time_start_one_daemon(machine: Machine) -> None:
    processes = [machine.start("load", MODEL, "--json") for _ in range(2)]
    said = [process.communicate(timeout=WAIT_S) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert len({json.loads(out)["memory"]["pid"] for out, _ in said}) == 1


def test_a_background_daemon_leaves_when_idle(machine: Machine) -> None:
    assert machine.run("load", MODEL, "--keep-alive", "0", INGLE_IDLE_EXIT="5")[0] == 0
    with (machine.home / "daemon.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held by the daemon as long as it lives
    assert machine.status() == {"running": False}


def test_verbs_that_only_look_start_nothing(machine: Machine) -> None:
    for words in (
        ["list"],
        ["show", MODEL],
        ["status"],
        ["version"],
        ["ps"],
        ["stop", "--all"],
        ["rm", MODEL],
    ):
        assert machine.ingle(*words).exit_code == 0, words
    assert not (machine.home / "daemon.lock").exists()


def test_a_sidecar_says_its_port_and_ends_with_its_parent(machine: Machine) -> None:
    parent = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    sidecar = machine.start("serve", "--port", "0", "--parent-pid", str(parent.pid))
    assert sidecar.stdout is not None
    ready = json.loads(sidecar.stdout.readline())
    assert ready["pid"] == sidecar.pid
    assert ready["port"] > 0
    assert ready["token"]
    parent.communicate()
    assert sidecar.wait(WAIT_S) == 0


def test_a_file_that_is_not_there_is_named(machine: Machine) -> None:
    code, out, _ = machine.run("run", "./no/such.gguf", "Hi", "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (1, "file_missing")
    assert "no/such.gguf" in error["message"]


def test_a_taken_port_is_an_error_that_names_it(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, out, err = machine.run("serve", "--port", port)
    assert (code, out) == (1, "")
    assert f"127.0.0.1:{port} is taken" in err
    assert not (machine.home / "daemon.json").exists()


def test_what_keeps_a_daemon_from_starting_is_told(machine: Machine) -> None:
    nameless = "no such host"  # no name of a host has blanks, so no server is asked for it, and waited for
    code, out, _ = machine.run("load", MODEL, "--json", INGLE_HOST=nameless)
    assert code == 2
    assert nameless in json.loads(out)["error"]["message"]


def test_a_home_that_is_a_file_is_told(machine: Machine) -> None:
    machine.home.write_text("")
    code, out, _ = machine.run("load", MODEL, "--json")
    assert code == 2
    assert str(machine.home) in json.loads(out)["error"]["message"]


def test_a_real_daemon_notes_what_it_works_with(machine: Machine) -> None:
    assert machine.run("run", MODEL, "Hi")[0] == 0
    code, _, said = machine.run("pull", "org/x", HF_HUB_CACHE=str(machine.root / "other"))
    assert code == 1 and str(machine.cache) in said
    assert machine.run("run", MODEL, "Hi")[::2] == (0, "")
