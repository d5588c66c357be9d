"""The door of the MLX engine: what must come before MLX, and the one thread that owns it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ingle.catalog.model import Snapshot
from ingle.engines.base import Engine, EngineOptions
from ingle.engines.mlx.cpu import load_openblas
from ingle.engines.mlx.failures import load_error
from ingle.engines.mlx.lean import import_mlx_lm
from ingle.errors import LoadFailed

if TYPE_CHECKING:
    from ingle.engines.mlx.load import Loaded
    from ingle.engines.mlx.loop import Loop


def open_engine(snapshot: Snapshot, options: EngineOptions) -> Engine:
    """Load an MLX folder. Raises `LoadFailed`, `MalformedModel`, `FileMissing`, `Unsupported`, `OutOfMemory`."""
    openblas = None if options.cpu_mode == "off" else load_openblas()
    try:
        import_mlx_lm()
    except ImportError as exc:
        raise LoadFailed(
            f"MLX cannot be imported: {exc}.", hint="Install mlx and mlx-lm for this platform."
        ) from exc
    from ingle.engines.mlx.load import load

    return open_loaded(snapshot, options, lambda: load(snapshot, options, openblas))


def open_loaded(snapshot: Snapshot, options: EngineOptions, load: Callable[[], Loaded]) -> Engine:
    """The engine around what `load` gives; it is called on the thread that will own MLX."""
    ready: Future[Loop] = Future()
    thread = threading.Thread(target=_own_mlx, args=(options, load, ready), name="mlx", daemon=True)
    thread.start()
    try:
        loop = ready.result()
    except Exception as exc:
        thread.join()
        raise load_error(snapshot, exc) from exc
    from ingle.engines.mlx.serving import MlxEngine

    try:
        return MlxEngine(snapshot, options, loop, thread)
    except Exception:
        loop.stop()
        thread.join()
        raise


def _own_mlx(options: EngineOptions, load: Callable[[], Loaded], ready: Future[Loop]) -> None:
    """Load, tell that it is ready, then make tokens until told to stop; all MLX work happens here."""
    from ingle.engines.mlx.load import end_streams

    try:
        try:
            loaded = load()
            from ingle.engines.mlx.loop import Loop

            loop = Loop(loaded, options)
        except BaseException as exc:  # noqa: BLE001  (it is raised again where `open_engine` waits)
            ready.set_exception(exc)
            return
        del loaded
        ready.set_result(loop)
        loop.run()
    finally:
        end_streams()
