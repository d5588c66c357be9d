"""The settings of an Ingle that knows only a fake hub and a private folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from ingle.config import Config, load_config


class Origin(Protocol):
    """What a setting names: a fake hub, or an address where nobody is."""

    @property
    def url(self) -> str: ...


def settings(folder: Path, *hubs: Origin, **more: Any) -> Config:
    """`more` are fields of `Config`; nothing of the real environment comes in."""
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(cache)}
    return load_config(environ, endpoints=tuple(hub.url for hub in hubs), **more)
