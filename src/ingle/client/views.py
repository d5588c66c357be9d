"""What the daemon answers, as values; a newer daemon's unknown fields are passed over."""

from __future__ import annotations

from typing import Any

import msgspec

from ingle.generation import Chunk, Usage


class PullProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, `rate` in bytes a second, `fraction` from 0.0 to 1.0."""

    phase: str
    bytes_done: int = 0
    bytes_total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    fraction: float = 0.0


class LoadedEngine(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that really answers; see `engines.base.EngineInfo`."""

    name: str
    version: str = ""
    device: str = ""
    model: str = ""
    context: int = 0
    slots: int = 0
    chat_template: bool = True
    constraints: bool = False
    tools: bool = False
    notes: tuple[str, ...] = ()


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker last said of its making tokens."""

    ok: bool = True
    reason: str = ""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """A model's worker: `bytes` it takes now, seconds until it leaves by itself (None: it stays)."""

    state: str
    pid: int | None = None
    engine: LoadedEngine | None = None
    why: str = ""
    bytes: int | None = None
    active: int = 0
    waiting: int = 0
    health: Health | None = None
    keep_alive: float | None = None
    unload_in: float | None = None


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """A model's snapshot on disk, sizes in bytes; `files` is their number."""

    format: str
    origin: str = ""
    path: str = ""
    root: str = ""
    size: int = 0
    commit: str | None = None
    files: int = 0
    missing: tuple[str, ...] = ()
    architecture: str | None = None
    parameters: int | None = None
    quantization: str | None = None
    context: int | None = None
    modified: float = 0.0


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """One model as people see it, with the actions possible now."""

    model: str
    state: str
    partial: bool = False
    paused: bool = False
    damaged: bool = False
    progress: float = 0.0
    actions: tuple[str, ...] = ()
    last_error: dict[str, Any] | None = None
    pull: PullProgress | None = None
    snapshot: Files | None = None
    memory: Memory | None = None


class Models(msgspec.Struct, frozen=True, kw_only=True):
    models: tuple[ModelView, ...] = ()


class Unloaded(msgspec.Struct, frozen=True, kw_only=True):
    """`memory_returned` in bytes, as the operating system confirmed it."""

    model: str
    unloaded: bool = True
    memory_returned: int | None = None
    view: ModelView | None = None


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """`freed` in bytes; `files` are gone, `shared` bytes stay because others use them."""

    model: str
    freed: int = 0
    files: tuple[str, ...] = ()
    shared: int = 0
    remaining: tuple[str, ...] = ()
    view: ModelView | None = None


class SystemMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes: of all our processes together, free and total on this machine."""

    ours: int | None = None
    free: int | None = None
    total: int | None = None
    pressure: Any = None


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model in memory, as the status tells it."""

    model: str
    memory: Memory


class PullStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A pull that runs, or that was begun and waits to go on; `fraction` from 0.0 to 1.0."""

    model: str
    phase: str = ""
    fraction: float = 0.0


class RuntimeStatus(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    pid: int
    home: str = ""
    uptime: float = 0.0
    platform: Any = None
    engines: tuple[dict[str, Any], ...] = ()
    models: tuple[LoadedModel, ...] = ()
    pulls: tuple[PullStatus, ...] = ()
    memory: SystemMemory | None = None
    subscribers: int = 0


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The model is in memory; `why` says why this engine was taken, `damage` (an error object) what the last check found
    in its files."""

    model: str
    engine: LoadedEngine
    why: str = ""
    load_seconds: float = 0.0
    damage: dict[str, Any] | None = None


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; see the contract in `server/native.py`."""

    load: float | None = None
    first_token: float | None = None
    first_token_warm: float | None = None
    total: float | None = None
    tokens_per_second: float | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a success: a `view` after a pull, counts and times after a generation, the `improved`
    text after a text tool."""

    improved: Improved | None = None
    view: ModelView | None = None
    usage: Usage | None = None
    finish_reasons: tuple[str, ...] = ()
    timings: Timings | None = None


class KeptPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the text that stayed as it was written, in characters of the source, and why."""

    start: int
    end: int
    reason: str
    detail: str = ""


class Improved(msgspec.Struct, frozen=True, kw_only=True):
    """What a text tool made. `text` is always whole; `reason` is None when every answer was taken; `damage` as in `Ready`."""

    tool: str
    text: str
    changed: bool
    model: str = ""
    reason: str | None = None
    kept: tuple[KeptPart, ...] = ()
    units: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    damage: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.text


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The next piece of an improved text, and how far the work is (0.0 to 1.0)."""

    text: str = ""
    progress: float = 0.0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a stream; exactly one field is set."""

    progress: PullProgress | None = None
    loading: dict[str, Any] | None = None
    ready: Ready | None = None
    chunk: Chunk | None = None
    piece: Piece | None = None
    done: Done | None = None
    error: dict[str, Any] | None = None
