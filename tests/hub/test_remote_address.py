"""Redirects lead only where they may, proxies stand only where they should, and logs show no secrets."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingle.errors import HubLied, InvalidConfig
from ingle.hub.address import MAX_REDIRECTS, Address, parse_address, proxy_for, redirected, shown, under
from tests.fakes.calm import CALM

HUB = parse_address("https://hub.example/org/name/resolve/main/a?x=1")


def follow(location: str, current: Address = HUB) -> str:
    return redirected(current, location, (current,)).url


def test_a_relative_redirect_stays_on_its_host() -> None:
    assert follow("/api/cache/a%20b") == "https://hub.example/api/cache/a%20b"
    assert follow("b") == "https://hub.example/org/name/resolve/main/b"
    assert follow("?again=1") == "https://hub.example/org/name/resolve/main/a?again=1"


def test_a_redirect_may_lead_to_another_host_and_port() -> None:
    assert follow("https://CDN.example:8443/x?sig=1") == "https://cdn.example:8443/x?sig=1"
    assert follow("//cdn.example/x") == "https://cdn.example/x"


def test_characters_that_do_not_belong_in_an_address_are_encoded() -> None:
    assert follow("/a b/é") == "https://hub.example/a%20b/%C3%A9"
    assert follow("/a\r\nSet-Cookie: x") == "https://hub.example/aSet-Cookie:%20x"


@pytest.mark.parametrize(
    "location",
    [
        "http://hub.example/downgraded",
        "ftp://cdn.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://user:secret@cdn.example/x",
        "https://",
        "https://[::1",
        "https://cdn.example:99999/",
        "https://cdn.example:0/",
        "https://ex ample/x",
        "https://cdn.example\\@evil/",
    ],
)
def test_a_redirect_that_may_not_be_followed_is_refused(location: str) -> None:
    with pytest.raises(HubLied):
        follow(location)


def test_plain_http_may_lead_to_https_and_stay_plain() -> None:
    plain = parse_address("http://127.0.0.1:8000/x")
    assert follow("https://hub.example/", plain) == "https://hub.example/"
    assert follow("http://localhost:9000/", plain) == "http://localhost:9000/"


def test_redirects_in_a_circle_or_without_end_are_refused() -> None:
    been = (HUB, parse_address("https://a.example/"))
    with pytest.raises(HubLied, match="circle"):
        redirected(been[1], HUB.url, been)
    many = tuple(parse_address(f"https://a.example/{n}") for n in range(MAX_REDIRECTS + 1))
    with pytest.raises(HubLied, match="times"):
        redirected(many[-1], "/next", many)


def test_what_is_shown_of_an_address_has_no_query_and_no_credentials() -> None:
    assert shown("https://h.example/a?Signature=secret") == "https://h.example/a"
    assert "secret" not in shown("https://user:secret@h.example/a")


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ("notaurl", "The hub address 'notaurl' is no http or https address: the scheme is missing."),
        ("ftp://user:secret@h.example", "The hub address is no http or https address: the scheme is ftp."),
    ],
)
def test_an_endpoint_that_is_no_address_is_shown_unless_it_may_hold_a_secret(
    endpoint: str, told: str
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        under(endpoint, "api")
    assert caught.value.message == told


def test_an_endpoint_may_have_a_path_of_its_own() -> None:
    assert (
        under("https://m.example/hf/", "api", "models", query="a=1").url
        == "https://m.example/hf/api/models?a=1"
    )
    with pytest.raises(InvalidConfig):
        under("hub.example", "api")


PROXIES = {
    "https": "http://proxy.example:3128",
    "no": "localhost, .internal, 10.0.0.0/8, special.example:8443",
}


@pytest.mark.parametrize(
    ("url", "through"),
    [
        ("https://hub.example/", True),
        ("http://hub.example/", False),
        ("https://localhost:80/", False),
        ("https://a.internal/", False),
        ("https://notinternal/", True),
        ("https://10.1.2.3/", False),
        ("https://special.example:8443/", False),
        ("https://special.example/", True),
    ],
)
def test_a_proxy_stands_where_the_settings_say(url: str, through: bool) -> None:
    assert (proxy_for(parse_address(url), PROXIES) is not None) is through


def test_all_names_a_proxy_for_both_and_a_star_names_none() -> None:
    address = parse_address("http://hub.example/")
    found = proxy_for(address, {"all": "user:p%40ss@proxy.example:1"})
    assert found is not None
    assert (found.address.netloc, found.user, found.password) == ("proxy.example:1", "user", "p@ss")
    assert proxy_for(address, {"all": "proxy.example:1", "no": "*"}) is None


@pytest.mark.parametrize("value", ["socks5://proxy.example:1", "https://proxy.example:1", "http://:1"])
def test_a_proxy_that_cannot_be_spoken_to_is_a_wrong_setting(value: str) -> None:
    with pytest.raises(InvalidConfig):
        proxy_for(parse_address("https://hub.example/"), {"all": value})


@CALM
@given(st.text(max_size=200))
def test_no_location_breaks_the_reader_or_leaves_http(location: str) -> None:
    with contextlib.suppress(HubLied):
        found = redirected(HUB, location, (HUB,))
        assert found.scheme == "https"
        assert found.target.isascii()
        assert not set(found.url) & set("\r\n\t \0")
        assert parse_address(found.url) == found
    shown(location)
