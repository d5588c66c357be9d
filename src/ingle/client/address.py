"""Where a daemon listens, as its home's `daemon.json` says or as a person writes it; contacts nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ingle.config import DEFAULT_PORT, Config, InForce
from ingle.errors import DaemonUnreachable, InvalidConfig

LONGEST = 64 * 1024
"""Bytes of an address file; what is longer is none."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where a daemon listens. `token` is None where the daemon asks for none, `pid` and `in_force` (what the daemon works
    with) where nobody told. What is read from a file can be used as it is: a process that exists may be asked or
    ended by it, and a header or a terminal takes the words."""

    host: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.:%_-]{1,255}\Z")]
    port: Annotated[int, Meta(ge=1, le=65535)]
    token: Annotated[str, Meta(pattern=r"\A[\x20-\x7e\xa0-\xff]*\Z")] | None = None
    pid: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    version: Annotated[str, Meta(pattern=r"\A[\x20-\x7e]{0,64}\Z")] = ""
    in_force: InForce | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @staticmethod
    def of(url: str, token: str | None = None) -> Address:
        """`http://127.0.0.1:11500`, also without the scheme or the port. Raises `InvalidConfig` for what is no such address."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            found = {"host": parts.hostname, "port": parts.port or DEFAULT_PORT, "token": token}
            if parts.scheme != "http" or parts.path.strip("/") or parts.query or parts.username:
                raise ValueError("it is no http://HOST:PORT")
            return msgspec.convert(found, Address)
        except (ValueError, msgspec.ValidationError) as exc:
            raise InvalidConfig(
                f"{url!r} is no address of a daemon: {exc}.", hint="Write it like http://127.0.0.1:11500."
            ) from exc


def located(address: Address | str, token: str | None) -> Address:
    """Where a person says that a daemon listens; `token` goes before the address's own."""
    if isinstance(address, str):
        return Address.of(address, token)
    return msgspec.structs.replace(address, token=token) if token is not None else address


def daemon_file(home: Path) -> Path:
    return home / "daemon.json"


def read_address(config: Config) -> Address:
    """Raises `DaemonUnreachable` when no daemon has left its address in this home."""
    path = daemon_file(config.home)
    try:
        with path.open("rb") as file:
            found = file.read(LONGEST + 1)
        if len(found) > LONGEST:
            raise _unreadable(path, f"it is longer than {LONGEST} bytes")
        address = msgspec.json.decode(found, type=Address)
        if address.pid is None:
            raise _unreadable(path, "it names no process")
        return address
    except FileNotFoundError:
        raise DaemonUnreachable(
            f"No Ingle is running for {config.home}.",
            hint="`ingle serve` in a terminal starts one, and so does any command that asks a model.",
            home=str(config.home),
        ) from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise _unreadable(path, str(exc)) from exc


def _unreadable(path: Path, why: str) -> DaemonUnreachable:
    return DaemonUnreachable(
        f"{path} does not say where the daemon is: {why}.", hint="Delete that file, then `ingle serve`."
    )
