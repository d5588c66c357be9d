"""The door of the MLX engine: sees to what must come before MLX is imported, then opens it."""

from __future__ import annotations

from ingle.catalog.model import Snapshot
from ingle.engines.base import Engine, EngineOptions
from ingle.engines.mlx.cpu import load_openblas
from ingle.engines.mlx.lean import import_mlx_lm
from ingle.errors import LoadFailed


def open_engine(snapshot: Snapshot, options: EngineOptions) -> Engine:
    """Load an MLX folder. Raises `LoadFailed`, `MalformedModel`, `FileMissing`, `Unsupported`, `OutOfMemory`."""
    openblas = None if options.cpu_mode == "off" else load_openblas()
    try:
        import_mlx_lm()
        from ingle.engines.mlx.serving import serve
    except ImportError as exc:
        raise LoadFailed(
            f"MLX cannot be imported: {exc}.", hint="Install mlx and mlx-lm for this platform."
        ) from exc
    return serve(snapshot, options, openblas)
