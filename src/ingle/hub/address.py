"""What an address is, where a redirect leads, which proxy stands between; pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

import msgspec

from ingle.errors import HubLied, InvalidConfig

MAX_REDIRECTS = 10
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\U0010ffff]")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_PORTS = {"http": 80, "https": 443}


class Address(msgspec.Struct, frozen=True):
    """An http(s) address taken apart; `target` is path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who is spoken to: authorisation is for one origin only."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host, and the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def shown(self) -> str:
        """For logs and messages: without the query, where signatures and tokens travel."""
        return f"{self.scheme}://{self.netloc}{self.target.partition('?')[0]}"


def parse_address(url: str) -> Address:
    """Raises `ValueError` for what is not a plain http or https address (no credentials in it, no junk)."""
    clean = _UNSAFE.sub(lambda match: quote(match[0], safe="", errors="strict"), url)
    parts = urlsplit(clean)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise ValueError(f"the scheme is {parts.scheme or 'missing'}")
    if "@" in parts.netloc:
        raise ValueError("a name or password stands before the host; a token goes into HF_TOKEN")
    host, port = parts.hostname or "", parts.port
    bracketed = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(bracketed) or port == 0:
        raise ValueError("the host is not one")
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    return Address(scheme, host.lower(), port or _PORTS[scheme], target)


def redirected(current: Address, location: str, been: tuple[Address, ...]) -> Address:
    """Where a redirect from `current` leads, `been` being every address so far, `current` included.

    Raises `HubLied` for a circle, too many, a way out of https, or an address that is none.
    """
    try:
        found = parse_address(urljoin(current.url, location.strip()))
    except (ValueError, UnicodeError) as exc:
        raise _bad(current, f"to an address that is none: {exc}") from exc
    if current.scheme == "https" and found.scheme != "https":
        raise _bad(current, "from https to http")
    if found in been:
        raise _bad(current, "in a circle")
    if len(been) > MAX_REDIRECTS:
        raise _bad(current, f"more than {MAX_REDIRECTS} times")
    return found


def _bad(current: Address, how: str) -> HubLied:
    return HubLied(
        f"{current.shown} redirects {how}.",
        hint="A proxy or mirror in between may be at fault; HF_ENDPOINT chooses another hub.",
        kind="redirect",
    )


def shown(url: str) -> str:
    """An address for logs and messages: no credentials, no query."""
    try:
        return parse_address(url).shown
    except (ValueError, UnicodeError):
        return "an address that is none"


def endpoint_address(endpoint: str) -> Address:
    """A configured hub. Raises `InvalidConfig`."""
    try:
        return parse_address(endpoint)
    except (ValueError, UnicodeError) as exc:
        plain = endpoint.isprintable() and "@" not in endpoint and "?" not in endpoint  # no secret to be told
        raise InvalidConfig(
            f"The hub address{f' {endpoint!r}' if plain else ''} is no http or https address: {exc}.",
            hint="Set HF_ENDPOINT to something like https://hub.example.org.",
        ) from exc


def under(endpoint: str, *parts: str, query: str = "") -> Address:
    """An address below a configured hub; every part is one percent-encoded path segment or, with `/`, more."""
    base = endpoint_address(endpoint)
    path = "/".join([base.target.rstrip("/"), *parts])
    return msgspec.structs.replace(base, target=f"{path}?{query}" if query else path)


def segment(text: str) -> str:
    """One path segment, its slashes encoded too."""
    return quote(text, safe="")


def file_path(path: str) -> str:
    """A path inside a repo, as part of an address."""
    return quote(path, safe="/")


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy; `authorization` is the header value for it, or None."""

    address: Address
    user: str | None = None
    password: str | None = None


def proxy_for(address: Address, proxies: Mapping[str, str]) -> Proxy | None:
    """The proxy that the settings name for an address, None for a direct way. Raises `InvalidConfig`."""
    if _bypassed(address, proxies.get("no", "")):
        return None
    url = proxies.get(address.scheme) or proxies.get("all")
    if not url:
        return None
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        credentials, _, host = parts.netloc.rpartition("@")
        found = parse_address(f"{parts.scheme}://{host}/")
        if found.scheme != "http":
            raise ValueError("it must be spoken to over http")
    except (ValueError, UnicodeError) as exc:
        raise InvalidConfig(
            f"The proxy for {address.scheme} cannot be used: {exc}.",
            hint="Name it like HTTPS_PROXY=http://host:port (the hub itself is still spoken to over TLS).",
        ) from exc
    user, _, password = credentials.partition(":")
    return Proxy(found, unquote(user) or None, unquote(password) or None)


def _bypassed(address: Address, no_proxy: str) -> bool:
    """Whether `no_proxy` (hosts, `.domain`, `host:port`, networks, `*`) names the host."""
    for item in no_proxy.split(","):
        rule = item.strip().lower()
        if not rule:
            continue
        if rule == "*" or _in_network(address.host, rule):
            return True
        name, _, port = rule.partition(":") if rule.count(":") == 1 else (rule, "", "")
        if port and port != str(address.port):
            continue
        name = name.removeprefix("*").lstrip(".")
        if name and (address.host == name or address.host.endswith("." + name)):
            return True
    return False


def _in_network(host: str, rule: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        return False
