"""Says what a failure of MLX means, in the error tree of the project. Pure."""

from __future__ import annotations

from ingle.catalog.model import Snapshot
from ingle.errors import Cancelled, GenerationFailed, IngleError, LoadFailed, OutOfMemory


def load_error(snapshot: Snapshot, exc: BaseException) -> IngleError:
    """What a foreign failure during a load means."""
    if isinstance(exc, IngleError):
        return exc
    if is_out_of_memory(exc):
        return OutOfMemory(
            f"There is not enough memory to load {snapshot.ref.name}.",
            hint="Unload another model (`ingle ps`, `ingle stop`), or take a smaller one.",
        )
    return LoadFailed(
        f"{snapshot.ref.name} could not be loaded: {type(exc).__name__}: {exc}.",
        hint="`ingle verify` tells whether the files are whole.",
    )


def is_out_of_memory(exc: BaseException) -> bool:
    """Metal, CUDA and the CPU allocator each say it in their own words, all as RuntimeError."""
    text = str(exc).lower()
    return isinstance(exc, MemoryError) or any(
        words in text
        for words in ("out of memory", "outofmemory", "insufficient memory", "unable to allocate", "[malloc")
    )


def request_error(exc: BaseException) -> IngleError:
    """What a foreign failure during a request means."""
    if isinstance(exc, IngleError):
        return exc
    if is_out_of_memory(exc):
        return OutOfMemory(
            "There was not enough memory for this request, also after giving back what could be.",
            hint="Shorten the prompt, ask for fewer choices, or load the model with a smaller context.",
        )
    return GenerationFailed(f"The engine failed on this request: {type(exc).__name__}: {exc}.")


def unloaded() -> IngleError:
    """Why a request ends when its model leaves."""
    return Cancelled("The model was unloaded.")


def loop_ended() -> IngleError:
    """Why every request ends when the thread that makes tokens is gone."""
    return GenerationFailed(
        "The engine's loop has ended.", hint="Load the model again; the log says why it ended."
    )
