"""What goes wrong in a worker, or with it."""

from __future__ import annotations

from ingle.errors.base import IngleError


class WorkerError(IngleError):
    code = "worker"
    next_step = "Ask again; `ingle logs` shows what the engine said."


class LoadFailed(WorkerError):
    code = "load_failed"
    next_step = "`ingle verify MODEL` tells whether it is damaged; `ingle logs` shows what the engine said."


class WorkerCrashed(WorkerError):
    code = "worker_crashed"


class WorkerGone(WorkerError):
    """Nothing of the request was computed: it may be asked again."""

    code = "worker_gone"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"The worker of {model} left before this request's turn came.", hint="Ask again.", model=model
        )


class FrameError(WorkerError):
    """Bytes on the socket that are no frame: a wrong length, no MessagePack, an unknown tag."""

    code = "frame"


class WorkerTimeout(WorkerError):
    code = "worker_timeout"


class OutOfMemory(WorkerError):
    code = "out_of_memory"
    next_step = "`ingle stop --all` gives memory back; a smaller model or a shorter context takes less."


class GenerationFailed(WorkerError):
    code = "generation_failed"
