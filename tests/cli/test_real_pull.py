"""The command line, a real daemon and the test hub: pulls beside the script of `--manual`, killed, left and cancelled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.cli.ending import end_daemon
from ingle.cli.launch import find_daemon
from ingle.client import api
from ingle.client.address import Address
from ingle.client.sync import Client
from ingle.config import Config, load_config
from ingle.hub.journal import read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.stored import stored_receipts
from tests.cli.conftest import Place
from tests.cli.terminal import OnTerminal
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked
from tests.hub.pulling import NAME, assert_promises, model_files

pytestmark = pytest.mark.slow
WAIT_S = 150
"""Seconds; a command that takes so long, with the start of a daemon, hangs."""
MODEL = "model.safetensors"
HEAD = 1 << 20
"""The bytes of a large file that a pull asks for before it plans the rest."""


class Household(Place):
    """A place whose commands are real processes and whose hub is the fake one."""

    def __init__(self, root: Path, hub: FakeHub) -> None:
        super().__init__(root)
        self.env |= {"HF_HUB_OFFLINE": None, "HF_ENDPOINT": hub.url, "PATH": "/usr/bin:/bin"}
        self.started: list[subprocess.Popen[str]] = []

    @property
    def config(self) -> Config:
        return load_config(self.environ())

    def start(self, *command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def command(self, *words: str) -> subprocess.Popen[str]:
        return self.start(sys.executable, "-m", "ingle.cli.entry", *words)

    def serve(self) -> tuple[subprocess.Popen[str], Client]:
        """A daemon of this home, as soon as it answers."""
        daemon = self.command("serve", "--port", "0")
        assert daemon.stdout is not None
        said = json.loads(daemon.stdout.readline())
        return daemon, Client(
            address=Address(pid=said["pid"], host=said["host"], port=said["port"], token=said["token"])
        )

    def end(self) -> None:
        if self.home.is_dir():
            end_daemon(self.config)
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, hub: FakeHub) -> Iterator[Household]:
    found = Household(tmp_path, hub)
    yield found
    found.end()


def _recorded(config: Config) -> int:
    """The bytes that blobs and journals of the one pull hold."""
    place = RepoPlace(config.cache, NAME)
    done = 0
    for receipt in stored_receipts(place):
        for file in receipt.wanted:
            if place.blob(file.digest).exists():
                done += file.size
            else:
                done += sum(one.length for one in read_journal(place.journal(file.digest), file).values())
    return done


def test_a_pull_whose_daemon_was_killed_is_paused_with_the_bytes_that_are_on_disk(
    house: Household, hub: FakeHub
) -> None:
    files = model_files(150_000_000)
    hub.add_repo(NAME, files)
    hub.faults = Faults(rate=12_000_000, only=MODEL)
    daemon, client = house.serve()
    small = sum(len(data) for path, data in files.items() if path != MODEL)
    with Gate(hub, MODEL, 100 << 20):
        for _ in client.stream(api.pull(NAME)):
            if _recorded(house.config) > small:
                break
        daemon.kill()
        daemon.wait(WAIT_S)
    hub.settle()  # what was held back for a process that is gone counts no more
    recorded = _recorded(house.config)
    _, client = house.serve()
    view = client.ask(api.show(NAME))
    assert view.paused and view.state == "not_downloaded"
    (row,) = json.loads(house.ingle("list", "--json").stdout)
    assert (row["name"], row["state"], row["size"]) == (NAME, "partial", recorded)
    assert view.pull is not None
    assert (view.pull.bytes_done, view.pull.bytes_total) == (recorded, sum(map(len, files.values())))
    assert small < view.pull.bytes_done < view.pull.bytes_total
    (listed,) = [one for one in client.ask(api.models()).models if one.model == NAME]
    assert listed.pull == view.pull
    hub.faults = Faults()
    hub.forget_requests()
    assert house.command("pull", NAME).wait(WAIT_S) == 0
    assert hub.bytes_sent(MODEL) <= len(files[MODEL]) - (recorded - small) + (1 << 20)
    assert_promises(house.config)


def test_a_daemon_waits_for_the_script_of_manual_says_so_and_adopts_its_result(
    house: Household, hub: FakeHub
) -> None:
    files = model_files()
    hub.add_repo(NAME, files)
    house.cache.mkdir()
    told = house.command("pull", NAME, "--manual")
    script = house.root / "get.sh"
    script.write_text(told.communicate(timeout=WAIT_S)[0])
    begun, go = threading.Event(), threading.Event()

    def wait(asked: Asked) -> None:
        if "curl" in asked.headers.get("user-agent", "") and MODEL in asked.path:
            begun.set()
            assert go.wait(WAIT_S)

    hub.before = wait
    try:
        running = house.start("sh", str(script))
        assert begun.wait(WAIT_S)
        assert find_daemon(house.config) is None
        pulling = house.command("pull", NAME)
        assert pulling.stderr is not None
        said = next(line for line in pulling.stderr if "Waiting" in line)
        daemon = find_daemon(house.config)
        assert daemon is not None and daemon.address.pid != pulling.pid
        waiting = daemon.ask(api.show(NAME))
        assert waiting.state == "downloading" and waiting.pull is not None
        assert waiting.pull.phase == "waiting" and f"(process {running.pid})" in waiting.pull.message
    finally:
        go.set()
    assert f"(process {running.pid}), which works on {NAME}" in said
    assert "To finish: ingle pull" in running.communicate(timeout=WAIT_S)[0]
    hub.forget_requests()
    assert pulling.wait(WAIT_S) == 0
    here = daemon.ask(api.show(NAME))
    assert here.state == "downloaded" and here.snapshot is not None
    assert hub.bytes_sent(MODEL) <= 1 << 20
    assert house.ingle("pull", NAME, "--dry-run").stdout.count("is here") >= len(files)
    assert json.loads(house.ingle("verify", NAME, "--json").stdout)[0]["ok"] is True


@pytest.mark.parametrize("end", ["killed", "its terminal closed"])
def test_a_pull_whose_command_ended_goes_on_in_the_daemon_until_it_is_cancelled(
    house: Household, hub: FakeHub, end: str
) -> None:
    files = model_files(40_000_000)
    hub.add_repo(NAME, files)
    with Gate(hub, MODEL, HEAD):
        if end == "killed":
            command = house.command("pull", NAME)
            assert command.stderr is not None
            assert any("fetching" in line for line in command.stderr)
            command.kill()
            command.wait(WAIT_S)
        else:
            with OnTerminal(["pull", NAME], house.environ()) as screen:
                screen.wait_for("fetching")
                screen.hang_up()
                assert screen.process.wait(WAIT_S) == -signal.SIGHUP
        client = find_daemon(house.config)
        assert client is not None
        assert client.ask(api.show(NAME)).state == "downloading"
        said = house.ingle("cancel", NAME)
        assert (said.exit_code, "was stopped" in said.stderr) == (0, True)
        view = client.ask(api.show(NAME))
        assert view.paused and view.partial and view.state == "not_downloaded"
        assert "is not being pulled." in house.ingle("cancel", NAME).stderr
    assert house.command("pull", NAME).wait(WAIT_S) == 0
    assert_promises(house.config)


def test_a_pull_that_is_watched_ends_when_another_terminal_cancels_it(house: Household, hub: FakeHub) -> None:
    hub.add_repo(NAME, model_files(40_000_000))
    house.serve()
    with Gate(hub, MODEL, HEAD):
        watching = house.command("pull", NAME)
        assert watching.stderr is not None
        assert any("fetching" in line for line in watching.stderr)
        assert "was stopped" in house.ingle("cancel", "--all").stderr
    assert "cancelled; what was fetched is kept" in watching.communicate(timeout=WAIT_S)[1]
    assert watching.returncode == 130


def test_the_end_of_the_daemon_tells_of_the_pull_that_it_ends_on_both_sides(
    house: Household, hub: FakeHub
) -> None:
    hub.add_repo(NAME, model_files(40_000_000))
    house.serve()
    with Gate(hub, MODEL, HEAD):
        watching = house.command("pull", NAME)
        assert watching.stderr is not None
        assert any("fetching" in line for line in watching.stderr)
        said = house.ingle("serve", "--stop").stderr
        assert f"The pull of {NAME} ended with it; what came is kept: `ingle pull {NAME}` goes on." in said
        assert f"Ingle was ended during the pull of {NAME}" in watching.communicate(timeout=WAIT_S)[1]
    assert watching.returncode == 130


def test_the_pull_of_a_newer_version_is_cancelled_and_the_older_one_stays(
    house: Household, hub: FakeHub
) -> None:
    hub.add_repo(NAME, model_files(9_000_000))
    assert house.command("pull", NAME).wait(WAIT_S) == 0
    hub.add_repo(NAME, model_files(40_000_000))
    with Gate(hub, MODEL, HEAD):
        watching = house.command("pull", NAME)
        assert watching.stderr is not None
        assert any("fetching" in line for line in watching.stderr)
        assert f"The pull of {NAME} was stopped" in house.ingle("cancel", NAME).stderr
    client = find_daemon(house.config)
    assert client is not None
    assert client.ask(api.show(NAME)).state == "downloaded"
    assert watching.wait(WAIT_S) == 130


def test_the_doctor_ends_a_pull_and_not_the_daemon_that_works_on_it(house: Household, hub: FakeHub) -> None:
    hub.add_repo(NAME, model_files())
    daemon, _ = house.serve()
    with Gate(hub, MODEL, PIECE) as gate:
        pulling = house.command("pull", NAME)
        assert gate.reached.wait(WAIT_S)
        said = json.loads(house.ingle("doctor", "--offline", "--json").stdout)["findings"]
        found = {one["check"]: one for one in said}
        assert found["orphans"]["level"] == "ok", "what the pull works with is taken for left behind"
        assert str(daemon.pid) in found["locks"]["says"] or sys.platform != "linux"
        if sys.platform == "linux":  # elsewhere no system table tells who holds a lock
            assert found["locks"]["command"] == f"ingle cancel {NAME}"
        assert house.command("cancel", NAME).wait(WAIT_S) == 0
    assert pulling.wait(WAIT_S) == 130
    assert daemon.poll() is None
