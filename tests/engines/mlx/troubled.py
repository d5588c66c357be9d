"""Engines over real tiny models with something in front of every forward pass: a failure, a record, a gate."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingle.engines.base import Engine, EngineOptions
from ingle.engines.mlx.engine import open_loaded
from tests.engines.mlx.asking import HANG
from tests.engines.mlx.conftest import OPTIONS
from tests.models import mlx_snapshot

if TYPE_CHECKING:
    from ingle.engines.mlx.batch import Batch
    from ingle.engines.mlx.load import Loaded

Trouble = Callable[[Any], None]
"""Called with the tokens of each forward pass, shape (sequences, tokens); it may raise or wait."""


class TroubledModel:
    """A real model with trouble in front of it."""

    def __init__(self, model: Any, trouble: Trouble) -> None:
        self._model = model
        self._trouble = trouble
        self.layers = model.layers

    def __call__(self, tokens: Any, cache: Any = None) -> Any:
        self._trouble(tokens)
        return self._model(tokens, cache=cache)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def load_troubled(folder: Path, trouble: Trouble, options: EngineOptions = OPTIONS) -> Loaded:
    """What a load gives, with trouble in front of its model. Runs on the thread that owns MLX."""
    from ingle.engines.mlx.load import load

    loaded = load(mlx_snapshot(folder), options, None)
    return dataclasses.replace(loaded, model=TroubledModel(loaded.model, trouble))


def troubled(folder: Path, trouble: Trouble, options: EngineOptions = OPTIONS) -> Engine:
    return open_loaded(mlx_snapshot(folder), options, lambda: load_troubled(folder, trouble, options))


class Gate:
    """Holds forward passes up while it is closed; `shapes` are (sequences, tokens) of all that came.

    What must still be running when a test looks is held by it: an answer that is only long may be over.
    """

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.reached = threading.Event()
        self._changed = threading.Condition()
        self._closed = False
        self._due = 0  # passes that may go on though it is closed
        self._until: Callable[[], bool] | None = None  # when this holds it closes itself

    @property
    def passes(self) -> int:
        return len(self.shapes)

    def close(self) -> None:
        """The next pass sets `reached` and waits."""
        with self._changed:
            self._closed = True
            self.reached.clear()

    def let_one(self) -> None:
        """Let the pass that waits go on, until the next one waits."""
        with self._changed:
            self.reached.clear()
            self._due += 1
            self._changed.notify_all()
        assert self.reached.wait(HANG)

    def go_on_until(self, condition: Callable[[], bool]) -> None:
        """Let passes go on; the first one that begins when `condition` holds waits, and is waited for here."""
        with self._changed:
            self.reached.clear()
            self._closed, self._until = False, condition
            self._changed.notify_all()
        assert self.reached.wait(HANG)

    def release(self) -> None:
        with self._changed:
            self._closed, self._until = False, None
            self._changed.notify_all()

    def __call__(self, tokens: Any) -> None:
        with self._changed:
            self.shapes.append(tuple(tokens.shape))
            if self._until is not None and self._until():
                self._closed, self._until = True, None
            if self._closed:
                self.reached.set()
                assert self._changed.wait_for(lambda: not self._closed or self._due > 0, HANG)
                self._due = max(0, self._due - 1)


class Watched:
    """An engine that tells when a request has reached the loop: from then on only the batch is waited for.

    `stopping` is set when the loop has been told to stop. `handed_over` is called with each request's name, on
    the thread that has just handed it to the loop.
    """

    def __init__(
        self,
        folder: Path,
        trouble: Trouble,
        options: EngineOptions = OPTIONS,
        make_batch: Callable[[Loaded], Batch] | None = None,
    ) -> None:
        from ingle.engines.mlx.serving import MlxEngine

        self.submitted: dict[str, threading.Event] = {}
        self.stopping = threading.Event()
        self.handed_over: Callable[[str], None] = lambda request_id: None
        self._make_batch = make_batch
        ready: Future[Any] = Future()
        thread = threading.Thread(target=self._own_mlx, args=(folder, trouble, options, ready), daemon=True)
        thread.start()
        self.engine: Engine = MlxEngine(mlx_snapshot(folder), options, ready.result(HANG), thread)

    def _own_mlx(self, folder: Path, trouble: Trouble, options: EngineOptions, ready: Future[Any]) -> None:
        from ingle.engines.mlx.job import Job
        from ingle.engines.mlx.load import end_streams
        from ingle.engines.mlx.loop import Loop

        watched = self

        class TellingLoop(Loop):
            def submit(self, job: Job) -> None:
                super().submit(job)
                watched.submitted.setdefault(job.request_id, threading.Event()).set()
                watched.handed_over(job.request_id)

            def stop(self) -> None:
                super().stop()
                watched.stopping.set()

        from ingle.engines.mlx.batch import Batch

        loop = TellingLoop(load_troubled(folder, trouble, options), options, self._make_batch or Batch)
        ready.set_result(loop)
        try:
            loop.run()
        finally:
            del loop
            end_streams()

    def wait_for(self, request_id: str) -> None:
        """Until the request is prepared and in the loop's queue."""
        assert self.submitted.setdefault(request_id, threading.Event()).wait(HANG)
