"""The values everything else speaks of: what a person names, what lies on disk, what a format is."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec


class Format(StrEnum):
    """Read from listings and headers, never from a name or a size."""

    MLX = "mlx"
    GGUF = "gguf"
    SAFETENSORS = "safetensors"
    SAFETENSORS_SHARDED = "safetensors-sharded"


class Origin(StrEnum):
    """Who put the files there. Only `HUB_CACHE` is ever written or deleted by Ingle."""

    HUB_CACHE = "hub-cache"
    LM_STUDIO = "lm-studio"
    MLX_FOLDER = "mlx-folder"
    FOLDER = "folder"
    FILE = "file"


class DiskState(StrEnum):
    """A fact read from the store, never a stored flag."""

    ABSENT = "absent"
    PARTIAL = "partial"
    COMPLETE = "complete"


class ModelRef(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed model name. Exactly one of `repo_id` and `path` is set.

    `repo_id` is `org/name`; `revision` a branch, tag or commit (None: the catalogue's or `main`);
    `file` one GGUF file inside the repo, or `quant` the wanted quantisation (`Q4_K_M`).
    `alias` is the catalogue name when the person used one. `name` is what to show.
    """

    name: str
    repo_id: str | None = None
    revision: str | None = None
    file: str | None = None
    quant: str | None = None
    alias: str | None = None
    path: Path | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one model at one commit, as they lie on disk; sizes in bytes.

    `path` is what an engine opens: the folder for MLX and safetensors, the (first) file for GGUF.
    `files` are paths relative to `root`. `missing` names what the index or the plan wants and the
    disk lacks; `state` is COMPLETE exactly when it is empty. `context` is the trained context in
    tokens, `parameters` and `quantization` are None when the headers do not say. `kv_bytes_per_token` is
    what one token of context costs in 16-bit keys and values.
    """

    ref: ModelRef
    state: DiskState
    format: Format
    origin: Origin
    root: Path
    path: Path
    files: tuple[str, ...]
    size: int
    commit: str | None = None
    missing: tuple[str, ...] = ()
    architecture: str | None = None
    parameters: int | None = None
    quantization: str | None = None
    context: int | None = None
    kv_bytes_per_token: int | None = None
    modified: float = 0.0
