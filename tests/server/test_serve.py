"""The daemon as a process: its ready line, its file, and every way it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingle.server.home import daemon_path, read_daemon
from tests.fakes.ended import wait_ended
from tests.server.daemon import PATIENCE, Daemon

pytestmark = pytest.mark.slow

Start = Callable[..., Daemon]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Daemon] = []

    def begin(folder: Path = tmp_path, **options: Any) -> Daemon:
        daemon = Daemon(folder, {"port": 0, **options})
        started.append(daemon)
        return daemon

    yield begin
    for daemon in started:
        daemon.clean_up()


def test_the_ready_line_and_the_daemon_file_tell_where_it_listens(start: Start) -> None:
    daemon = start()
    assert daemon.ready["status"] == "ready" and daemon.ready["pid"] == daemon.process.pid
    assert daemon.ready["token"]
    assert daemon.ask("GET", "/status")[0] == 200
    assert daemon.ask("GET", "/status", token="wrong")[0] == 401
    found = read_daemon(daemon.home)
    assert found is not None
    assert (found.pid, found.port, found.token) == (
        daemon.process.pid,
        daemon.ready["port"],
        daemon.ready["token"],
    )
    assert daemon.end() == 0
    assert not daemon_path(daemon.home).exists()
    assert daemon.process.stdout is not None and daemon.process.stdout.read() == ""
    log = (daemon.home / "logs" / "daemon.jsonl").read_text().splitlines()
    assert all(json.loads(line)["level"] for line in log)


def test_ctrl_c_ends_it_cleanly_and_says_so_in_the_exit_code(start: Start) -> None:
    daemon = start()
    assert daemon.end(signal.SIGINT) == 130
    assert not daemon_path(daemon.home).exists()


def test_a_second_daemon_of_the_same_home_is_refused_and_the_first_goes_on(start: Start) -> None:
    first, second = start(), start()
    error = second.last_words()
    assert error["code"] == "already_running" and error["details"]["pid"] == first.process.pid
    assert first.ask("GET", "/status")[0] == 200


def test_homes_are_independent_but_a_port_is_taken_once(start: Start, tmp_path: Path) -> None:
    first = start()
    (tmp_path / "b").mkdir()
    second = start(tmp_path / "b", port=first.ready["port"])
    assert second.last_words()["code"] == "already_running"
    assert not daemon_path(second.home).exists()
    third = start(tmp_path / "b")
    assert third.ask("GET", "/status")[0] == 200


def test_it_ends_with_its_parent(start: Start) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        daemon = start(parent_pid=parent.pid)
        assert daemon.ask("GET", "/status")[0] == 200
        parent.kill()
    assert daemon.process.wait(PATIENCE) == 0
    assert not daemon_path(daemon.home).exists()


def test_it_ends_at_once_when_its_parent_is_already_gone(start: Start) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        parent.wait()
    assert start(parent_pid=parent.pid).process.wait(PATIENCE) == 0


def test_it_leaves_by_itself_when_it_has_nothing_to_do(start: Start) -> None:
    assert start(idle_exit=0.2).process.wait(PATIENCE) == 0


def test_open_event_streams_do_not_hold_it_back(start: Start) -> None:
    daemon = start()
    with daemon.open("GET", "/events") as answer:
        assert answer.readline() == b": listening\n"
        assert daemon.end() == 0
        rest = answer.read().splitlines()
    assert [line for line in rest if line and not line.startswith(b":")] == []  # ": still here" is no event


def test_its_workers_end_with_it(start: Start) -> None:
    daemon = start()
    script = daemon.home.parent / "model.gguf"
    script.write_bytes(_tiny_gguf())
    status, answer = daemon.ask("POST", "/ingle/load", {"model": str(script), "engine": "scripted"})
    assert status == 200, answer
    pid = answer["memory"]["pid"]
    assert psutil.pid_exists(pid)
    assert daemon.end() == 0
    assert not psutil.pid_exists(pid)


def test_its_workers_do_not_outlive_its_sudden_death(start: Start) -> None:
    daemon = start()
    script = daemon.home.parent / "model.gguf"
    script.write_bytes(_tiny_gguf())
    loaded = daemon.ask("POST", "/ingle/load", {"model": str(script), "engine": "scripted"})[1]
    worker = psutil.Process(loaded["memory"]["pid"])
    daemon.end(signal.SIGKILL)
    wait_ended(worker)
    again = start()  # neither the lock nor the file of the dead one is in the way
    assert again.ask("GET", "/status")[0] == 200


def _tiny_gguf() -> bytes:
    """A GGUF file with one key and no tensors: enough for the store to call it a model."""
    key, value = b"general.architecture", b"llama"
    header = (
        b"GGUF"
        + (3).to_bytes(4, "little")
        + (0).to_bytes(8, "little")
        + (1).to_bytes(8, "little")
        + len(key).to_bytes(8, "little")
        + key
        + (8).to_bytes(4, "little")
        + len(value).to_bytes(8, "little")
        + value
    )
    return header.ljust(96, b"\0")  # the data would begin at the next multiple of 32
