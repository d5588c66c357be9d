"""What the scheduler hears (events) and what it answers (effects): values only."""

from __future__ import annotations

import msgspec

from ingle.errors import IngleError
from ingle.runtime.needs import Need


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Request `request` wants the model `key`. `need` says what a load takes; its `spec` (engine, options)
    is None when any loaded form will do. `keep_alive` in seconds, negative for ever, None: as it was."""

    request: str
    key: str
    need: Need
    keep_alive: float | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """`request` is over: answered, failed, or its client has gone while it still waited."""

    request: str


class Unload(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants the memory of `key` back now, whoever uses it."""

    key: str


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    key: str


class LoadFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The load failed and its process is gone."""

    key: str
    error: IngleError


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """The operating system confirmed that the worker of `key` ended, asked to or not."""

    key: str


class Pressure(msgspec.Struct, frozen=True, kw_only=True):
    """The system says memory is short (`high`), or no longer."""

    high: bool


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Time has passed."""


Event = Ask | Release | Unload | Loaded | LoadFailed | Gone | Pressure | Tick


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """`room` is how many bytes the load may take (None: unknown)."""

    key: str
    need: Need
    room: int | None = None


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """End the worker and report `Gone`. `why` is for people and logs."""

    key: str
    why: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """`request` may use the worker of `key` until its `Release`."""

    request: str
    key: str


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    request: str
    error: IngleError


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A load failed: look whether the files are damaged."""

    key: str


Effect = Start | Stop | Grant | Refuse | Check
