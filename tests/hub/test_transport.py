"""The transport keeps connections, follows redirects without giving secrets away, and never waits for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ingle.errors import Cancelled, HubLied, HubUnreachable
from ingle.hub.address import parse_address
from ingle.hub.transport import Request, Response, Timeouts, Transport
from tests.fakes.nobody import Nobody
from tests.fakes.settings import settings
from tests.fakes.wire import Asked, Listener, Reply

pytestmark = pytest.mark.slow

QUICK = Timeouts(connect=2, head=0.4, stall=0.4)
"""For what never comes."""
HEADED = Timeouts(connect=60, head=60, stall=0.4)
"""For bodies that stop coming: their heads come, however busy the machine is."""
Serve = Callable[[Callable[[Asked], Reply]], Listener]


@pytest.fixture
def serve() -> Iterator[Serve]:
    opened: list[Listener] = []

    def start(answer: Callable[[Asked], Reply]) -> Listener:
        opened.append(Listener("test", answer))
        return opened[-1]

    yield start
    for listener in opened:
        listener.close()


def get(transport: Transport, listener: Listener, target: str = "/", **more: Any) -> Response:
    address = parse_address(f"http://127.0.0.1:{listener.port}{target}")
    return transport.open(Request(address=address, **more))


def text(body: bytes, **headers: str) -> Reply:
    return Reply(200, headers, [body], len(body))


def raw_server(answers: list[bytes]) -> tuple[socket.socket, int]:
    """A server that reads a request and answers it with the next of `answers`, then holds its tongue."""
    listening = socket.create_server(("127.0.0.1", 0))

    def work() -> None:
        for answer in answers:
            sock, _ = listening.accept()
            sock.recv(65536)
            sock.sendall(answer)
            sock.recv(65536)
            sock.close()

    threading.Thread(target=work, daemon=True).start()
    return listening, listening.getsockname()[1]


def test_one_connection_serves_many_requests(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: text(asked.path.encode()))
    with Transport(settings(tmp_path)) as transport:
        for number in range(5):
            with get(transport, listener, f"/{number}") as response:
                assert response.read(10) == b"/%d" % number
        with get(transport, listener, method="HEAD"):
            pass
        with get(transport, listener) as response:
            response.read(10)
    assert listener.connections == 1


def test_a_body_that_was_not_read_costs_its_connection(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: text(b"x" * 1000))
    with Transport(settings(tmp_path)) as transport:
        get(transport, listener).close()
        with get(transport, listener) as response:
            assert response.read(1000) == b"x" * 1000
    assert listener.connections == 2


def test_a_kept_connection_that_died_is_replaced_unnoticed(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: text(b"hello"))
    with Transport(settings(tmp_path)) as transport:
        get(transport, listener).read(10)
        with get(transport, listener) as response:
            response.read(10)
        listener.drop()
        with get(transport, listener) as response:
            assert response.read(10) == b"hello"


def test_nothing_packed_is_asked_for(serve: Serve, tmp_path: Path) -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        return text(b"")

    listener = serve(answer)
    with Transport(settings(tmp_path)) as transport, get(transport, listener):
        assert seen[0].headers["accept-encoding"] == "identity"


def test_private_headers_stay_with_the_first_origin(serve: Serve, tmp_path: Path) -> None:
    seen: list[Asked] = []

    def other(asked: Asked) -> Reply:
        seen.append(asked)
        return Reply(302, {"Location": f"http://127.0.0.1:{first.port}/back"})

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        if asked.path == "/":
            return Reply(302, {"Location": "/own"})
        if asked.path == "/own":
            return Reply(307, {"Location": f"http://127.0.0.1:{second.port}/other"})
        return text(b"done")

    first, second = serve(answer), serve(other)
    private = {"Authorization": "Bearer x"}
    with (
        Transport(settings(tmp_path)) as transport,
        get(transport, first, private=private) as response,
    ):
        assert response.read(10) == b"done"
    assert [(one.path, "authorization" in one.headers) for one in seen] == [
        ("/", True),
        ("/own", True),
        ("/other", False),
        ("/back", True),
    ]


def test_redirects_to_others_are_handed_back_when_asked(serve: Serve, tmp_path: Path) -> None:
    listener = serve(
        lambda asked: Reply(302, {"Location": "/own" if asked.path == "/" else "http://elsewhere.invalid/"})
    )
    with Transport(settings(tmp_path)) as transport, get(transport, listener, follow="own") as response:
        assert response.status == 302
        assert response.headers["location"] == "http://elsewhere.invalid/"


def test_a_redirect_in_a_circle_is_refused(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: Reply(302, {"Location": {"/": "/b", "/b": "/"}[asked.path]}))
    with Transport(settings(tmp_path)) as transport, pytest.raises(HubLied, match="circle"):
        get(transport, listener)


def test_a_head_that_does_not_come_ends_by_itself(tmp_path: Path) -> None:
    listening, port = raw_server([b""])
    request = Request(address=parse_address(f"http://127.0.0.1:{port}/"))
    with (
        listening,
        Transport(settings(tmp_path), timeouts=QUICK) as transport,
        pytest.raises(HubUnreachable, match="in time"),
    ):
        transport.open(request)


def test_a_head_that_never_ends_ends_by_itself(serve: Serve, tmp_path: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        sock, _ = listening.accept()
        sock.recv(65536)
        try:
            while not stop.wait(0.02):
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        except OSError:
            pass

    threading.Thread(target=drip, daemon=True).start()
    address = parse_address(f"http://127.0.0.1:{listening.getsockname()[1]}/")
    with (
        listening,
        Transport(settings(tmp_path), timeouts=QUICK) as transport,
        pytest.raises(HubUnreachable, match="in time"),
    ):
        transport.open(Request(address=address))
    stop.set()


def test_a_body_that_falls_silent_ends_by_itself(tmp_path: Path) -> None:
    listening, port = raw_server([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 10])
    request = Request(address=parse_address(f"http://127.0.0.1:{port}/"))
    with (
        listening,
        Transport(settings(tmp_path), timeouts=HEADED) as transport,
        transport.open(request) as response,
    ):
        view = memoryview(bytearray(100))
        assert response.readinto(view) == 10
        with pytest.raises(HubUnreachable, match="in time"):
            response.readinto(view)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {}, [b"x" * 1000], 1000, rate=20),
        Reply(200, {"Transfer-Encoding": "chunked"}, [b"0" * 1000], None, rate=20),
    ],
)
def test_metadata_that_trickles_ends_by_itself(reply: Reply, serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: reply)
    with Transport(settings(tmp_path)) as transport, get(transport, listener) as response:
        transport.timeouts = Timeouts(head=0.1, stall=0.2)
        with pytest.raises(HubUnreachable, match="in time"):
            response.read(1000)


def test_a_redirect_whose_body_trickles_is_followed_without_it(serve: Serve, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/end":
            return text(b"there")
        return Reply(302, {"Location": "/end"}, [b"x" * 1000], 1000, rate=20)

    with (
        Transport(settings(tmp_path), timeouts=HEADED) as transport,
        get(transport, serve(answer)) as response,
    ):
        transport.timeouts = Timeouts()
        assert response.read(10) == b"there"


def test_what_has_arrived_is_given_before_the_buffer_is_full(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: Reply(200, {}, [b"x" * 100], 100, stall_at=60))
    with Transport(settings(tmp_path)) as transport, get(transport, listener) as response:
        assert response.readinto(memoryview(bytearray(1 << 20))) == 60


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nlong: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(answer: bytes, tmp_path: Path) -> None:
    listening, port = raw_server([answer])
    with listening, Transport(settings(tmp_path)) as transport, pytest.raises(HubLied):
        transport.open(Request(address=parse_address(f"http://127.0.0.1:{port}/")))


def test_a_chunked_body_is_put_together_and_a_broken_one_is_not_whole(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    listening, port = raw_server([head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", head + b"zz\r\n"])
    address = parse_address(f"http://127.0.0.1:{port}/")
    with listening, Transport(settings(tmp_path)) as transport:
        with transport.open(Request(address=address)) as response:
            assert response.read(10) == b"abcde"
        with transport.open(Request(address=address)) as response, pytest.raises(HubUnreachable):
            response.read(10)


def test_a_body_longer_than_expected_is_refused_before_it_fills_the_memory(
    serve: Serve, tmp_path: Path
) -> None:
    listener = serve(lambda asked: text(b"x" * 1000))
    with (
        Transport(settings(tmp_path)) as transport,
        get(transport, listener) as response,
        pytest.raises(HubLied),
    ):
        response.read(999)


def test_bytes_after_the_end_of_an_answer_are_not_taken_for_the_next(serve: Serve, tmp_path: Path) -> None:
    extra = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    listener = serve(lambda asked: Reply(200, {}, [b"good" + extra], 4))
    with Transport(settings(tmp_path)) as transport:
        for _ in range(2):
            with get(transport, listener) as response:
                assert response.read(10) == b"good"


@pytest.mark.parametrize("where", ["head", "body"])
def test_cancel_ends_a_blocked_read_within_a_second(where: str, serve: Serve, tmp_path: Path) -> None:
    cancel = threading.Event()
    reached = threading.Event()

    def answer(asked: Asked) -> Reply:
        reached.set()
        if where == "head":
            listener.closing.wait(30)
        return Reply(200, {}, [b"x" * 100], 100, stall_at=10)

    listener = serve(answer)

    def call_off() -> None:
        reached.wait()
        cancel.set()

    threading.Thread(target=call_off, daemon=True).start()
    with Transport(settings(tmp_path), cancel=cancel) as transport:
        started = time.monotonic()
        with pytest.raises(Cancelled), get(transport, listener) as response:
            while response.readinto(memoryview(bytearray(100))):
                pass
        # The bound of the promise, times ten.
        assert time.monotonic() - started < 10


def test_a_host_that_cannot_be_reached_is_said_in_words(tmp_path: Path) -> None:
    with Nobody() as nobody, Transport(settings(tmp_path)) as transport:
        with pytest.raises(HubUnreachable, match="refused"):
            transport.open(Request(address=parse_address(nobody.url)))
        with pytest.raises(HubUnreachable, match="looked up"):
            transport.open(Request(address=parse_address("http://nobody.invalid/")))


def test_a_request_is_logged_without_its_query_and_token(serve: Serve, tmp_path: Path) -> None:
    lines: list[str] = []
    listener = serve(lambda asked: Reply(206, {}, [b"abc"], 3))
    with Transport(settings(tmp_path), log=lines.append) as transport:
        headers = {"Range": "bytes=0-2"}
        private = {"Authorization": "Bearer secret"}
        with get(transport, listener, "/f?Signature=secret", headers=headers, private=private, why="again"):
            pass
    assert lines == [f"GET http://127.0.0.1:{listener.port}/f bytes=0-2 -> 206 (again)"]


def test_no_threads_are_left_once_a_transport_is_idle(serve: Serve, tmp_path: Path) -> None:
    listener = serve(lambda asked: text(b"x"))
    before = set(threading.enumerate())
    with Transport(settings(tmp_path)) as transport, get(transport, listener) as response:
        response.read(10)
    for thread in set(threading.enumerate()) - before:
        if thread.name in ("ingle-watch", "ingle-dial", "ingle-handshake"):
            thread.join(60)
            assert not thread.is_alive()
