"""The ways to a hub: TLS with one's own certificates, and proxies."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.errors import HubUnreachable, InvalidConfig
from ingle.hub.address import parse_address
from ingle.hub.transport import Request, Transport
from tests.fakes.certificate import make_certificate
from tests.fakes.proxy import FakeProxy
from tests.fakes.settings import settings
from tests.fakes.wire import Listener, Reply

pytestmark = pytest.mark.slow


def text(body: bytes) -> Reply:
    return Reply(200, {}, [body], len(body))


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Path, ssl.SSLContext, Listener]]:
    trusted, context = make_certificate(tmp_path)
    listener = Listener("tls", lambda asked: text(b"x" * 100_000), context)
    yield trusted, context, listener
    listener.close()


def test_a_custom_certificate_is_trusted_and_an_unknown_one_is_not(
    secure: tuple[Path, ssl.SSLContext, Listener], tmp_path: Path
) -> None:
    trusted, _, listener = secure
    request = Request(address=parse_address(f"https://localhost:{listener.port}/"))
    with Transport(settings(tmp_path, ca_bundle=trusted)) as transport:
        for _ in range(2):
            with transport.open(request) as response:
                assert response.read(200_000) == b"x" * 100_000
        assert listener.connections == 1
    with Transport(settings(tmp_path)) as transport:
        with pytest.raises(HubUnreachable, match="not trusted") as caught:
            transport.open(request)
        assert "SSL_CERT_FILE" in caught.value.hint


def test_certificates_that_cannot_be_read_are_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig):
        Transport(settings(tmp_path, ca_bundle=tmp_path / "none.pem"))


def test_https_goes_through_a_tunnel_and_http_is_relayed(
    secure: tuple[Path, ssl.SSLContext, Listener], tmp_path: Path
) -> None:
    trusted, _, listener = secure
    plain = Listener("plain", lambda asked: text(b"plain"))
    with FakeProxy() as proxy:
        url = proxy.url.replace("//", "//user:pass@")
        config = settings(tmp_path, ca_bundle=trusted, proxies={"all": url})
        with Transport(config) as transport:
            with transport.open(
                Request(address=parse_address(f"https://localhost:{listener.port}/"))
            ) as response:
                assert len(response.read(200_000)) == 100_000
            relayed = Request(address=parse_address(f"http://127.0.0.1:{plain.port}/"))
            with transport.open(relayed) as response:
                assert response.read(10) == b"plain"
    plain.close()
    assert proxy.heads[0].startswith(f"CONNECT localhost:{listener.port} HTTP/1.1")
    assert proxy.heads[1].startswith(f"GET http://127.0.0.1:{plain.port}/ HTTP/1.1")
    assert all("Proxy-Authorization: Basic dXNlcjpwYXNz" in head for head in proxy.heads)


def test_a_proxy_that_refuses_is_named_as_the_reason(tmp_path: Path) -> None:
    request = Request(address=parse_address("https://hub.invalid/"))
    with (
        FakeProxy(refuse=True) as proxy,
        Transport(settings(tmp_path, proxies={"https": proxy.url})) as transport,
        pytest.raises(HubUnreachable, match="proxy refuses"),
    ):
        transport.open(request)
