"""Locks: one writer across processes and tools, a dead holder is no obstacle, waiting says for whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub.utils._fixes import WeakFileLock

from ingle.errors import Cancelled, StoreError
from ingle.hub.follow import wait_for_turn
from ingle.hub.layout import RepoPlace
from ingle.hub.locks import hold, holder_pid, try_lock

pytestmark = pytest.mark.slow

HOLDER = (
    "import sys, filelock\nlock = filelock.FileLock(sys.argv[1], mode=0o664)\nlock.acquire()\n"
    "print('held', flush=True)\nsys.stdin.read()\n"
)


def _holder(path: Path) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    return child


def test_a_lock_is_held_once_at_a_time_and_then_free(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x.lock"
    first = try_lock(path)
    assert first is not None and try_lock(path) is None
    first.release()
    second = try_lock(path)
    assert second is not None
    second.release()


def test_the_locks_of_huggingface_hub_are_the_same_locks(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with WeakFileLock(path):
        assert try_lock(path) is None
    lock = try_lock(path)
    assert lock is not None
    lock.release()


def test_the_holder_is_named(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "x.lock")
    assert lock is not None
    assert holder_pid(tmp_path / "x.lock") == (None if sys.platform == "darwin" else os.getpid())
    lock.release()
    assert holder_pid(tmp_path / "x.lock") is None


def test_a_shell_that_had_its_lock_taken_by_a_child_is_named_while_it_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    taken = 'perl -e \'use Fcntl ":flock"; open(my $f, ">>&=", 9); flock($f, LOCK_EX)\''
    shell = subprocess.Popen(
        ["sh", "-c", f"exec 9>>'{path}'; {taken}; echo held; read go"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert shell.stdout is not None and shell.stdout.readline() == b"held\n"
    assert holder_pid(path) == (None if sys.platform == "darwin" else shell.pid)
    shell.communicate(b"go\n")
    assert holder_pid(path) is None


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    child = _holder(path)
    assert try_lock(path) is None
    child.send_signal(signal.SIGKILL)
    child.wait()
    with hold(path, threading.Event()):
        pass


def test_waiting_says_so_and_ends_when_the_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    child = _holder(path)
    told: list[int | None] = []

    def wait(pid: int | None) -> None:
        told.append(pid)
        assert child.stdin is not None
        if not child.stdin.closed:
            child.stdin.close()

    with hold(path, threading.Event(), wait) as waited:
        assert waited
    child.wait()
    assert told and told[0] in {child.pid, None}


def test_a_cancel_ends_the_waiting(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    lock = try_lock(path)
    assert lock is not None
    cancel = threading.Event()
    with pytest.raises(Cancelled), hold(path, cancel, lambda _pid: cancel.set()):
        pass
    lock.release()


def test_a_pull_that_waits_for_one_of_the_same_process_does_not_call_it_another_program(
    tmp_path: Path,
) -> None:
    place = RepoPlace(tmp_path, "org/name")
    first = try_lock(place.pull_lock)
    assert first is not None
    waiting = wait_for_turn(place, "org/name:Q8_0", threading.Event())
    said = next(waiting).message
    assert said.startswith("Waiting for") and "org/name" in said
    if sys.platform == "linux":  # elsewhere no system table tells who it is
        assert "another program" not in said
    first.release()
    with pytest.raises(StopIteration) as taken:
        while True:
            next(waiting)
    taken.value.value.release()


def test_a_lock_that_cannot_be_made_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        try_lock(tmp_path / "file" / "x.lock")


def test_locks_are_not_inherited_by_children(tmp_path: Path) -> None:
    lock = try_lock(tmp_path / "x.lock")
    assert lock is not None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.release()
    again = try_lock(tmp_path / "x.lock")
    assert again is not None
    again.release()
    child.kill()
    child.wait()
