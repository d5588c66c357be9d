"""A daemon that does not leave when it is asked to: told within a bound, and killed where that is wanted."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from ingle.cli.ending import end_daemon
from ingle.cli.serve import TOLD_S
from ingle.errors import StillRunning, exit_code
from tests.cli.conftest import Place
from tests.cli.terminal import WAIT_S
from tests.cli.test_leaving import LINGERER, begun, settings

pytestmark = pytest.mark.slow
DEAF = """
import fcntl, os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = open(sys.argv[1] + "/daemon.lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
with open(sys.argv[1] + "/daemon.json", "w") as file:
    file.write('{"pid": %d, "host": "127.0.0.1", "port": 9}' % os.getpid())
print("held", flush=True)
sys.stdin.readline()
"""
HUNG = """
import fcntl, os, socket, sys
lock = open(sys.argv[1] + "/daemon.lock", "a")
fcntl.flock(lock, fcntl.LOCK_EX)
heard = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[1] + "/daemon.json", "w") as file:
    file.write('{"pid": %d, "host": "127.0.0.1", "port": %d}' % (os.getpid(), heard.getsockname()[1]))
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_daemon_that_ignores_the_signal_is_told_with_its_pid_and_the_way_out(place: Place) -> None:
    with begun(place, DEAF) as child:
        with pytest.raises(StillRunning) as caught:
            end_daemon(settings(place), limit=0)
        assert caught.value.details["pid"] == child.pid and str(child.pid) in caught.value.message
        assert (
            "ingle serve --stop --force" in caught.value.hint and f"kill -9 {child.pid}" in caught.value.hint
        )
        assert exit_code(caught.value) == 1
        assert child.poll() is None
        child.kill()


def test_force_kills_it_and_takes_its_note_away(place: Place) -> None:
    with begun(place, DEAF) as child:
        assert end_daemon(settings(place), limit=0, force=True) == child.pid
        assert child.wait(WAIT_S) == -signal.SIGKILL
    assert not (place.home / "daemon.json").exists()


@pytest.mark.parametrize("force", [False, True])
def test_one_that_lets_its_home_go_and_stays_is_no_end_either(place: Place, force: bool) -> None:
    with begun(place, LINGERER) as child:

        def send(pid: int, signum: int) -> None:
            os.kill(pid, signum)
            if signum == signal.SIGTERM:
                assert child.stdout is not None and child.stdout.readline() == "left\n"

        def end() -> int | None:
            return end_daemon(settings(place), lambda _lock: child.pid, send, limit=0, force=force)

        if force:
            assert end() == child.pid
            assert child.wait(WAIT_S) == -signal.SIGKILL
        else:
            with pytest.raises(StillRunning):
                end()
            child.kill()


def test_force_does_not_kill_one_that_leaves(place: Place) -> None:
    sent: list[int] = []

    with begun(place) as child:

        def send(_pid: int, signum: int) -> None:
            sent.append(signum)
            child.terminate()

        assert end_daemon(settings(place), lambda _lock: child.pid, send, force=True) == child.pid
    assert sent == [signal.SIGTERM]


def test_where_nothing_tells_who_it_is_the_lock_is_named(place: Place) -> None:
    with begun(place) as child:
        with pytest.raises(StillRunning) as caught:
            end_daemon(settings(place), lambda _lock: None, limit=0)
        assert str(place.home / "daemon.lock") in caught.value.hint
        child.kill()


def test_what_the_system_does_not_let_go_is_told_too(place: Place) -> None:
    with begun(place, DEAF) as child:
        killed: list[int] = []
        with pytest.raises(StillRunning, match=str(child.pid)):
            end_daemon(
                settings(place), send=lambda _pid, signum: killed.append(signum), limit=0, force=True, after=0
            )
        assert killed == [signal.SIGTERM, signal.SIGKILL]
        child.kill()


def test_force_alone_is_wrong_use(place: Place) -> None:
    found = place.ingle("serve", "--force")
    assert found.exit_code == 2 and "ingle serve --stop --force" in found.stderr


def test_stop_answers_machines_in_json(place: Place) -> None:
    found = place.ingle("serve", "--stop", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"ended": None})


def test_a_daemon_that_answers_nobody_is_ended_without_waiting_for_its_answers(place: Place) -> None:
    with begun(place, HUNG) as child:
        began = time.monotonic()
        found = place.ingle("serve", "--stop")
        assert (found.exit_code, child.wait(WAIT_S)) == (0, -signal.SIGTERM)
        assert f"The daemon (pid {child.pid}) has ended." in found.stderr
        assert time.monotonic() - began < 10 * TOLD_S
