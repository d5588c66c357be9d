"""The settings of an Ingle that knows only a fake hub and a private folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingle.config import Config, load_config
from tests.fakes.hub import FakeHub


def settings(folder: Path, *hubs: FakeHub, **more: Any) -> Config:
    """`more` are fields of `Config`; nothing of the real environment comes in."""
    cache = folder / "cache"
    cache.mkdir(exist_ok=True)
    environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(cache)}
    return load_config(environ, endpoints=tuple(hub.url for hub in hubs), **more)
