"""Where the daemon of one Ingle home listens, read from its `daemon.json`; contacts nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ingle.config import Config, InForce
from ingle.errors import DaemonUnreachable

LONGEST = 64 * 1024
"""Bytes of an address file; what is longer is none."""


class Address(msgspec.Struct, frozen=True):
    """`token` is None where the daemon asks for none. What is read from a file can be used as it is: a process
    that exists may be asked or ended by it, and a header or a terminal takes the words. `in_force` is what the daemon works with, None where it does not tell."""

    pid: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    host: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.:%_-]{1,255}\Z")]
    port: Annotated[int, Meta(ge=1, le=65535)]
    token: Annotated[str, Meta(pattern=r"\A[\x20-\x7e\xa0-\xff]*\Z")] | None = None
    version: Annotated[str, Meta(pattern=r"\A[\x20-\x7e]{0,64}\Z")] = ""
    in_force: InForce | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


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
        return msgspec.json.decode(found, type=Address)
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
