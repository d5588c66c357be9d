"""One daemon a home, and the file that tells where it listens."""

from __future__ import annotations

import json
import logging
import socket
import stat
from pathlib import Path

import pytest

from ingle.errors import AlreadyRunning, InvalidConfig, StoreError, exit_code, http_status
from ingle.server.home import DaemonFile, HomeLock, daemon_path, read_daemon, remove_daemon, write_daemon
from ingle.server.logs import JsonLines
from ingle.server.serve import bind
from tests.runtime.fakes import HANG

DAEMON = DaemonFile(pid=42, host="127.0.0.1", port=11500, token="secret", version="1", started=5.0)


def test_the_daemon_file_is_its_owners_alone_and_reads_back(tmp_path: Path) -> None:
    write_daemon(tmp_path, DAEMON)
    assert read_daemon(tmp_path) == DAEMON
    assert stat.S_IMODE(daemon_path(tmp_path).stat().st_mode) == 0o600
    assert json.loads(daemon_path(tmp_path).read_text())["port"] == 11500
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.json"]


def test_a_file_that_makes_no_sense_is_no_daemon(tmp_path: Path) -> None:
    assert read_daemon(tmp_path) is None
    for junk in (b"{", b"[]", b'{"pid": 1, "host": "\xff", "port": 1}', b'{"x": ' + b"[" * 50_000):
        daemon_path(tmp_path).write_bytes(junk)
        assert read_daemon(tmp_path) is None


def test_only_our_own_file_is_removed(tmp_path: Path) -> None:
    write_daemon(tmp_path, DAEMON)
    remove_daemon(tmp_path, 43)
    assert read_daemon(tmp_path) == DAEMON
    remove_daemon(tmp_path, 42)
    assert not daemon_path(tmp_path).exists()


def test_a_second_daemon_of_a_home_is_refused_and_names_the_first(tmp_path: Path) -> None:
    first, second = HomeLock(tmp_path / "home"), HomeLock(tmp_path / "home")
    first.acquire()
    write_daemon(tmp_path / "home", DAEMON)
    with pytest.raises(AlreadyRunning, match=r"pid 42, 127\.0\.0\.1:11500") as raised:
        second.acquire()
    assert (exit_code(raised.value), http_status(raised.value)) == (1, 409)
    first.release()
    second.acquire()
    second.release()


def test_a_home_that_is_no_folder_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StoreError, match="cannot be used"):
        HomeLock(tmp_path / "home").acquire()
    with pytest.raises(StoreError, match="cannot be used"):
        write_daemon(tmp_path / "home", DAEMON)


def test_a_port_in_use_is_refused_and_names_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(AlreadyRunning, match=f"127.0.0.1:{port} is taken by .*pid") as raised:
            bind("127.0.0.1", port)
        assert raised.value.details["port"] == port
        assert "--port 0" in raised.value.hint


def test_a_port_is_free_again_at_once_though_the_daemon_before_hung_up_on_a_client() -> None:
    """Its closed connection lingers (TIME_WAIT), which also keeps the port from everybody else."""
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        first.settimeout(HANG)
        with socket.create_connection(("127.0.0.1", port), HANG) as client:
            first.accept()[0].close()
            assert client.recv(1) == b""
    bind("127.0.0.1", port).close()


def test_an_address_that_is_none_is_refused() -> None:
    for host in ("no such host name", "x" * 64, "192.0.2.1"):  # the last is nobody's (RFC 5737)
        with pytest.raises(InvalidConfig):
            bind(host, 0)


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("ingle", logging.INFO, "", 0, "two\nlines %s", ("x",), None)
    line = JsonLines().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["name"], found["text"]) == ("info", "ingle", "two\nlines x")
