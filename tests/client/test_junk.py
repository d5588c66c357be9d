"""Whatever lies in `daemon.json` or answers on its port: a typed error that says what to do, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingle.client import api
from ingle.client.address import daemon_file, read_address
from ingle.client.api import read_answer, read_error, read_line
from ingle.config import Config, load_config
from ingle.errors import DaemonUnreachable, IngleError

GOOD: dict[str, Any] = {
    "pid": 4321,
    "host": "127.0.0.1",
    "port": 11535,
    "token": "let-me-in",
    "version": "0.1.0",
}
DEEP = b'{"x": ' + b"[" * 100_000
JUNK = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"pid"',
    b"\xff\xfe\x00junk",
    DEEP,
    b'{"pid": 1, "host": "127.0.0.1", "port": 1, "more": ' + b"[" * 100_000,
    b"9" * 5000,
    b"\0" * 1000,
]

NO_ADDRESS = [*JUNK, b'{"pid": 1, "host": "\xff", "port": 1}', b" " * 200_000 + json.dumps(GOOD).encode()]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = load_config({"HOME": str(tmp_path), "INGLE_HOME": str(tmp_path / "ingle")})
    config.home.mkdir()
    return config


def assert_refused(config: Config, content: bytes) -> None:
    daemon_file(config.home).write_bytes(content)
    with pytest.raises(DaemonUnreachable, match=r"daemon\.json does not say where") as caught:
        read_address(config)
    assert "ingle serve" in caught.value.hint


@pytest.mark.parametrize("content", NO_ADDRESS, ids=lambda junk: repr(junk[:24]))
def test_an_address_file_full_of_junk_is_named_with_what_to_do(config: Config, content: bytes) -> None:
    assert_refused(config, content)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pid", 0),
        ("pid", -1),
        ("pid", 2**40),
        ("pid", "4321"),
        ("pid", 1.5),
        ("port", 0),
        ("port", 65536),
        ("port", -5),
        ("port", None),
        ("host", ""),
        ("host", "a b"),
        ("host", "x\r\nHost: evil"),
        ("host", "127.0.0.1/path"),
        ("host", "h" * 5000),
        ("token", "a\r\nX-More: 1"),
        ("token", "\u65e5\u672c"),
        ("token", 5),
        ("version", "\x1b[2J"),
        ("version", {}),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_before_it_is(
    config: Config, field: str, value: object
) -> None:
    daemon_file(config.home).write_text(json.dumps(GOOD))
    assert read_address(config).port == 11535
    assert_refused(config, json.dumps(GOOD | {field: value}).encode())


def test_an_address_file_that_is_a_folder_is_named(config: Config) -> None:
    daemon_file(config.home).mkdir()
    with pytest.raises(DaemonUnreachable, match=r"daemon\.json"):
        read_address(config)


@pytest.mark.parametrize("body", JUNK, ids=lambda junk: repr(junk[:24]))
def test_an_answer_full_of_junk_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(IngleError, match="cannot be read"):
        read_answer(api.status(), 200, body)
    with pytest.raises(IngleError, match="cannot be read"):
        read_line("/ingle/generate", body)
    assert "without saying why" in read_error(500, body).message


@pytest.mark.parametrize("details", ["text", ["a", "list"], 5, None, [[1, 2]]])
def test_an_error_whose_details_are_no_object_keeps_its_message(details: object) -> None:
    wire = {"code": "incomplete", "message": "Not whole.", "details": details}
    assert read_error(409, json.dumps({"error": wire}).encode()).message == "Not whole."
    with pytest.raises(IngleError, match="Not whole"):
        read_line("/ingle/generate", json.dumps({"error": wire}).encode())
