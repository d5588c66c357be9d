"""Whether the daemon that runs works with the settings of who asks it; a daemon keeps those it began with."""

from __future__ import annotations

import warnings

import msgspec

from ingle.client.address import Address, located, read_address
from ingle.config import Config, InForce, load_config, of_unknown
from ingle.errors import InvalidRequest, OtherSettings

RENEW = "`ingle serve --stop` ends it, and the next command begins one with the settings of now"


def refuse_elsewhere(address: Address, config: Config) -> None:
    """Raises `OtherSettings` where the daemon's models lie in another cache: what it did would not be found here."""
    there, here = address.in_force, InForce.of(config)
    if there is not None and there.cache != here.cache:
        raise OtherSettings(
            f"The daemon at {address.host}:{address.port} works with the cache {there.cache}; here it is {here.cache}.",
            hint="`ingle serve --stop` (the next command begins one here), or unset HF_HOME and HF_HUB_CACHE.",
            daemon_cache=there.cache,
            cache=here.cache,
        )


def refuse_online(address: Address, config: Config) -> None:
    """Raises `OtherSettings` where we are to stay offline and the daemon is not: its pull would use the network."""
    there = address.in_force
    if config.offline and there is not None and there.settings.get("HF_HUB_OFFLINE") == "0":
        raise OtherSettings(
            f"HF_HUB_OFFLINE says to stay offline, and the daemon at {address.host}:{address.port} would not.",
            hint="Unset HF_HUB_OFFLINE, or end that daemon: `ingle serve --stop`.",
        )


def differing(address: Address, config: Config, *names: str) -> str:
    """One line that names what the daemon does otherwise (of `names`, or of all settings); empty when nothing."""
    there, here = address.in_force, InForce.of(config)
    if there is None:
        return ""
    found = there.otherwise(here)
    said = [f"{name} is {value}" for name, (value, _) in found.items() if name in names or not names]
    mine = [value for name, (_, value) in found.items() if name in names or not names]
    if not names and there.cache != here.cache:
        said, mine = [f"the cache is {there.cache}", *said], [here.cache, *mine]
    if not said:
        return ""
    return (
        f"(For the running daemon {', '.join(said)}; here {'it is' if len(mine) == 1 else 'they are'} "
        f"{', '.join(mine)}: {RENEW}.)"
    )


def whose(config: Config | None, address: Address | str | None, token: str | None) -> Address:
    """Where the daemon of a client listens: at `address` as it is, else that of `config`'s home (None: of this process).

    There another cache is refused as for a command, and what the daemon does otherwise is a `RuntimeWarning` where the client
    was made. Raises `DaemonUnreachable`, `OtherSettings`, `InvalidConfig`, `InvalidRequest`.
    """
    if config is not None and not isinstance(config, Config):
        raise InvalidRequest(
            f"The first argument of a client is its settings, not {type(config).__name__}.",
            hint=f"{'Client(address=...) takes an address' if isinstance(config, str) else 'ingle.config.load_config() makes them'}.",
        )
    if address is not None:
        return located(address, token)
    if config is None:
        config = load_config()
        if said := of_unknown(config):
            warnings.warn(said, RuntimeWarning, stacklevel=3)
    address = read_address(config)
    try:
        refuse_elsewhere(address, config)
    except OtherSettings as error:
        error.hint += " `Client(address=...)` takes that daemon as it is."
        raise
    if told := differing(address, config):
        warnings.warn(told, RuntimeWarning, stacklevel=3)
    return msgspec.structs.replace(address, token=token) if token is not None else address
