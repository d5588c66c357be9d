"""Whatever bytes come back over a connection, the reader ends, and only our own errors come out."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.errors import HubLied, HubUnreachable
from ingle.hub import fields
from ingle.hub.address import parse_address
from ingle.hub.search import parse_found
from ingle.hub.translated import Translated
from ingle.hub.wire import Wire
from tests.fakes.calm import CALM

pytestmark = pytest.mark.slow

HUB = parse_address("http://hub.example/x")
LINES = st.sampled_from(
    [
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Transfer-Encoding: chunked",
        b"Content-Range: bytes 0-4/5",
        b"Connection: close",
        b": nothing",
        b"no colon",
        b" folded",
        b"X: " + b"\xff" * 50,
    ]
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello", b"fffffffffffffffffff\r\n", b"\r\n" * 50]),
)


def receive(data: bytes) -> bytes:
    """What a reader makes of an answer of these bytes, after which the connection ends."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        wire = Wire(ours, HUB.origin)
        wire.expect_by(1e12, 5.0)
        connection = http.client.HTTPConnection("hub.example")
        connection.sock = wire
        body = bytearray()
        view = memoryview(bytearray(64))
        with Translated(HUB, threading.Event()):
            connection.request("GET", "/x")
            raw = connection.getresponse()
            told = fields.joined(raw.getheaders())
            fields.length(told)
            while count := raw.readinto(view):
                body += view[:count]
        return bytes(body)


@CALM
@given(st.binary(max_size=300))
def test_any_bytes_end_in_a_body_or_in_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(HubLied, HubUnreachable):
        receive(data)


@CALM
@given(st.sampled_from([200, 206, 100, 302, 999]), st.lists(LINES, max_size=6), BODIES)
def test_any_mix_of_fields_and_body_ends_in_a_body_or_in_an_error_of_ours(
    status: int, lines: list[bytes], body: bytes
) -> None:
    head = b"\r\n".join([b"HTTP/1.1 %d X" % status, *lines])
    with contextlib.suppress(HubLied, HubUnreachable):
        assert len(receive(head + b"\r\n\r\n" + body)) <= len(body)


values = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just({}), st.just([]))
keys = st.sampled_from(["id", "downloads", "likes", "gated", "tags", "safetensors", "gguf", "usedStorage"])


@CALM
@given(st.lists(st.dictionaries(keys, values, max_size=5), max_size=4), st.binary(max_size=100))
def test_no_answer_to_a_search_breaks_its_reader(rows: list[dict[str, Any]], junk: bytes) -> None:
    for found in parse_found(json.dumps(rows).encode(), 10):
        assert found.repo_id.count("/") == 1
        assert found.size is None or found.size >= 0
    with contextlib.suppress(HubLied):
        parse_found(junk, 10)
