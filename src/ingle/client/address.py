"""Where the daemon of one Ingle home listens, read from its `daemon.json`; contacts nobody."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ingle.config import Config
from ingle.errors import DaemonUnreachable


class Address(msgspec.Struct, frozen=True):
    """`token` is None where the daemon asks for none."""

    pid: int
    host: str
    port: int
    token: str | None = None
    version: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def daemon_file(home: Path) -> Path:
    return home / "daemon.json"


def read_address(config: Config) -> Address:
    """Raises `DaemonUnreachable` when no daemon has left its address in this home."""
    path = daemon_file(config.home)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Address)
    except FileNotFoundError as exc:
        raise DaemonUnreachable(
            f"No Ingle is running for {config.home}.", hint="`ingle serve` starts one.", home=str(config.home)
        ) from exc
    except (OSError, msgspec.MsgspecError) as exc:
        raise DaemonUnreachable(
            f"{path} does not say where the daemon is: {exc}.", hint="Delete that file, then `ingle serve`."
        ) from exc
