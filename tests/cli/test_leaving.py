"""A daemon that starts, leaves or has died while a command comes: what the command does about it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ingle.cli.ending import end_daemon
from ingle.cli.launch import start_daemon
from ingle.cli.steady import SteadyClient
from ingle.client import api
from ingle.client.sync import Client
from ingle.config import Config, load_config
from ingle.errors import DaemonUnreachable, NoPermission
from tests.cli.conftest import DONE, READY, Place, chunk
from tests.cli.fake_daemon import FakeDaemon, Lines, fake_daemon
from tests.cli.test_real_daemon import Machine, free_port
from tests.fakes.nobody import Nobody

pytestmark = pytest.mark.slow
WAIT_S = 90.0
GENERATE = api.pull("starter")
HOLDER = """
import fcntl, os, sys
lock = open(sys.argv[1] + "/daemon.lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
for line in sys.stdin:
    with open(sys.argv[1] + "/daemon.json", "w") as file:
        file.write('{"pid": %d, "host": "127.0.0.1", "port": 9}' % os.getpid())
    print("noted", flush=True)
"""


LINGERER = """
import fcntl, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # whenever it comes, it waits to be looked for
lock = open(sys.argv[1] + "/daemon.lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
signal.sigwait({signal.SIGTERM})
lock.close()
print("left", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path, free_port())
    yield found
    found.end()


def settings(place: Place) -> Config:
    return load_config(place.environ())


def begun(place: Place, program: str = HOLDER) -> subprocess.Popen[str]:
    """A daemon that has its home's lock and has not yet said where it listens."""
    place.home.mkdir(exist_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(place.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


@pytest.mark.parametrize("note", ["", '{"pid": 2147483600, "host": "127.0.0.1", "port": 9}', "{"])
def test_a_daemon_that_only_starts_is_ended_too(place: Place, note: str) -> None:
    with begun(place) as child:
        if note:  # left behind by an earlier daemon
            (place.home / "daemon.json").write_text(note)
        assert end_daemon(settings(place), lambda _lock: child.pid) == child.pid
        assert child.wait(WAIT_S) != 0


def test_where_the_system_names_no_holder_the_note_of_a_starting_daemon_is_waited_for(place: Place) -> None:
    asked = threading.Event()

    def nobody(_lock: Path) -> None:
        asked.set()

    with begun(place) as child:
        ended: list[int | None] = []
        stopping = threading.Thread(target=lambda: ended.append(end_daemon(settings(place), nobody)))
        stopping.start()
        assert asked.wait(WAIT_S)
        assert child.stdin is not None
        child.stdin.write("note\n")
        child.stdin.flush()
        stopping.join(WAIT_S)
        assert ended == [child.pid]


def test_the_end_is_told_when_the_process_is_gone_and_not_when_it_lets_its_home_go(place: Place) -> None:
    with begun(place, LINGERER) as child:
        lived: list[bool] = []

        def stop() -> None:
            end_daemon(settings(place), lambda _lock: child.pid)
            lived.append(child.poll() is None)

        stopping = threading.Thread(target=stop)
        stopping.start()
        assert child.stdout is not None and child.stdout.readline() == "left\n"
        with (place.home / "daemon.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # whoever waits for it alone has had it by now
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
        stopping.join(WAIT_S)
        assert lived == [False]


def test_the_daemon_of_another_user_is_told_and_not_waited_for(place: Place) -> None:
    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    with begun(place) as child, pytest.raises(NoPermission, match=f"end the daemon .pid {child.pid}"):
        end_daemon(settings(place), lambda _lock: child.pid, refused)


def test_stop_says_so_of_a_daemon_that_only_starts(machine: Machine) -> None:
    with begun(machine):
        code, _, err = machine.run("serve", "--stop")
        assert code == 0
        assert "has ended" in err or sys.platform == "darwin"


def test_a_command_after_an_orderly_leave_starts_the_daemon_again(machine: Machine) -> None:
    config = load_config(machine.environ())
    with pytest.MonkeyPatch.context() as environment:
        for name, value in machine.environ().items():
            environment.setenv(name, value)
        first = start_daemon(config)
        client = SteadyClient(config, first.address, start_daemon)
        assert client.ask(api.status()).pid == first.address.pid
        assert end_daemon(config) == first.address.pid
        assert client.ask(api.status()).pid == client.address.pid != first.address.pid


class Scene:
    """A daemon that is gone and the one that is started instead."""

    def __init__(self, place: Place, gone: FakeDaemon, next_one: FakeDaemon) -> None:
        self.config = settings(place)
        self.gone = gone
        self.next_one = next_one
        self.starts = 0
        self.client = SteadyClient(self.config, Client(self.config).address, self.start)

    def leave(self, *, tidy: bool) -> None:
        self.gone.die()
        if tidy:
            (self.config.home / "daemon.json").unlink()

    def start(self, config: Config) -> Client:
        self.starts += 1
        self.next_one.write_address(config.home)
        return Client(config)


@pytest.fixture
def scene(place: Place, tmp_path: Path) -> Iterator[Scene]:
    with fake_daemon(tmp_path / "other") as next_one, fake_daemon(place.home) as gone:
        yield Scene(place, gone, next_one)


def test_each_request_is_sent_again_to_the_daemon_that_took_its_place(scene: Scene) -> None:
    scene.leave(tidy=True)
    assert scene.client.ask(api.status()).pid == 1
    (scene.config.home / "daemon.json").unlink()
    with Nobody() as nobody:
        scene.client.address = msgspec.structs.replace(scene.client.address, port=nobody.port)
        assert scene.client.ask(api.status()).pid == 1
    assert scene.starts == 2


def test_a_request_is_sent_at_most_twice(scene: Scene) -> None:
    scene.next_one.die()
    scene.leave(tidy=True)
    with pytest.raises(DaemonUnreachable):
        scene.client.ask(api.status())
    with pytest.raises(DaemonUnreachable):
        list(scene.client.stream(GENERATE))
    assert scene.starts == 1  # the one that took its place left its address behind: it has died


def test_a_stream_begins_again_where_no_line_had_come(scene: Scene) -> None:
    scene.next_one.answers["POST /ingle/pull"] = Lines([READY, chunk("Hi"), DONE])
    scene.leave(tidy=True)
    assert [line.done is not None for line in scene.client.stream(GENERATE)] == [False, False, True]
    assert scene.starts == 1


def test_a_stream_that_had_begun_is_not_sent_again(scene: Scene) -> None:
    scene.gone.answers["POST /ingle/pull"] = Lines([READY])
    lines = scene.client.stream(GENERATE)
    assert next(lines).ready is not None
    scene.leave(tidy=True)
    with pytest.raises(DaemonUnreachable):
        list(lines)
    assert scene.starts == 0


def test_what_a_crash_cut_off_is_not_sent_again(scene: Scene) -> None:
    scene.leave(tidy=False)
    with pytest.raises(DaemonUnreachable):
        scene.client.ask(api.status())
    with pytest.raises(DaemonUnreachable):
        list(scene.client.stream(GENERATE))
    assert scene.starts == 0
