"""Opens a socket to a host, through a proxy and TLS where they belong, and gives up when told to."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable

from ingle.config import Config
from ingle.errors import Cancelled, HubUnreachable, InvalidConfig
from ingle.hub.address import Address, Proxy

LOOK = 0.1
"""Seconds between two looks at whether somebody cancelled, while a name is looked up."""
MAX_PROXY_HEAD = 16 * 1024


def tls_context(config: Config) -> ssl.SSLContext:
    """Verifies hosts against the configured certificates, else the system's, else certifi's.

    Raises `InvalidConfig` when the configured file cannot be read.
    """
    if config.ca_bundle is not None:
        try:
            return ssl.create_default_context(cafile=str(config.ca_bundle))
        except (OSError, ssl.SSLError) as exc:
            raise InvalidConfig(
                f"The certificates in {config.ca_bundle} cannot be read: {exc}.",
                hint="Unset or mend SSL_CERT_FILE, REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE.",
            ) from exc
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not paths.cafile and not paths.capath:
        # A Python without system certificates (python.org's on macOS): certifi comes with the hub client.
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def dial(
    address: Address,
    proxy: Proxy | None,
    tls: Callable[[], ssl.SSLContext],
    *,
    timeout: float,
    cancel: threading.Event,
) -> socket.socket:
    """A connected socket, encrypted for https. For plain http through a proxy it leads to the proxy.

    Raises `HubUnreachable` with the reason, or `Cancelled` within a second of `cancel`. `timeout` is in
    seconds, for looking up, connecting, and the handshakes together.
    """
    deadline = time.monotonic() + timeout
    first = proxy.address if proxy else address
    sock = _connect(first, timeout, cancel)
    try:
        if address.scheme == "https":
            with _EndedOn(cancel, sock):
                sock.settimeout(max(0.1, deadline - time.monotonic()))
                if proxy is not None:
                    _tunnel(sock, address, proxy)
                sock = tls().wrap_socket(sock, server_hostname=address.host)
        return sock
    except (OSError, ValueError) as exc:
        sock.close()
        if cancel.is_set():
            raise Cancelled from exc
        raise unreachable(first, exc) from exc
    except BaseException:
        sock.close()
        raise


def unreachable(address: Address, exc: Exception) -> HubUnreachable:
    """A failed connection in words."""
    hint = "Check the network, then pull again: it goes on where it stopped."
    if isinstance(exc, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted ({exc.verify_message})"
        hint = "If your network has its own certificate authority, set SSL_CERT_FILE to its file."
    elif isinstance(exc, socket.gaierror):
        why = "its name cannot be looked up"
        hint = "Check the network or DNS; HF_ENDPOINT chooses another hub."
    elif isinstance(exc, TimeoutError):
        why = "it does not answer in time"
    else:
        why = str(exc) or type(exc).__name__
    return HubUnreachable(f"{address.netloc} cannot be reached: {why}.", hint=hint, host=address.netloc)


def _connect(address: Address, timeout: float, cancel: threading.Event) -> socket.socket:
    """Looks up and connects in a thread of its own: neither step can be broken off from outside."""
    results: queue.SimpleQueue[socket.socket | Exception] = queue.SimpleQueue()
    abandoned = threading.Event()

    def work() -> None:
        try:
            sock = socket.create_connection((address.host, address.port), timeout=timeout)
        except (OSError, UnicodeError) as exc:
            results.put(exc)
            return
        results.put(sock)
        if abandoned.is_set():
            sock.close()

    threading.Thread(target=work, name="ingle-dial", daemon=True).start()
    deadline = time.monotonic() + timeout
    while True:
        try:
            found = results.get(timeout=LOOK)
        except queue.Empty:
            if cancel.is_set() or time.monotonic() > deadline:
                abandoned.set()
                # The thread may have finished between the look and the flag.
                with contextlib.suppress(queue.Empty):
                    late = results.get_nowait()
                    if isinstance(late, socket.socket):
                        late.close()
                if cancel.is_set():
                    raise Cancelled from None
                raise unreachable(address, TimeoutError()) from None
            continue
        if isinstance(found, Exception):
            raise unreachable(address, found) from found
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found


def _tunnel(sock: socket.socket, address: Address, proxy: Proxy) -> None:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = [f"CONNECT {host}:{address.port} HTTP/1.1", f"Host: {host}:{address.port}"]
    credentials = proxy_authorization(proxy)
    if credentials:
        lines.append(f"Proxy-Authorization: {credentials}")
    sock.sendall("\r\n".join(lines).encode("ascii") + b"\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        # One byte at a time: what follows the head belongs to TLS and must stay in the socket.
        byte = sock.recv(1)
        if not byte or len(head) > MAX_PROXY_HEAD:
            raise OSError("the proxy broke off")
        head += byte
    status = head.split(b"\r\n", 1)[0].split(b" ")
    if len(status) < 2 or status[1] != b"200":
        told = b" ".join(status[1:]).decode("latin-1")[:100]
        raise OSError(f"the proxy refuses ({told})")


def proxy_authorization(proxy: Proxy) -> str | None:
    """The `Proxy-Authorization` value for a proxy with a user."""
    if proxy.user is None:
        return None
    return "Basic " + b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode("ascii")


class _EndedOn:
    """Shuts a socket down while a handshake blocks, as soon as `cancel` is set."""

    def __init__(self, cancel: threading.Event, sock: socket.socket) -> None:
        self._cancel = cancel
        # TLS takes the descriptor over; a duplicate still reaches the connection.
        self._sock = sock.dup()
        self._done = threading.Event()

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, name="ingle-handshake", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _watch(self) -> None:
        while not self._done.wait(LOOK):
            if self._cancel.is_set():
                with contextlib.suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RDWR)
                break
        self._sock.close()
