"""The fake keeps to its script: tests that hold something open rely on it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ingle.engines.base import EngineOptions
from ingle.engines.scripted import Script, ScriptedEngine
from ingle.errors import IngleError
from ingle.generation import Chunk, FinishReason, Generation
from tests.worker.conftest import HANG, file_snapshot

CONTEXT = 16


class Told:
    """A sink that says when `enough` words came, and when the answer is over."""

    def __init__(self, enough: int) -> None:
        self.chunks: list[Chunk] = []
        self.full, self.over = threading.Event(), threading.Event()
        self._enough = enough

    def chunk(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        if len(self.chunks) == self._enough:
            self.full.set()
        if chunk.usage is not None:
            self.over.set()

    def fail(self, error: IngleError) -> None:
        raise AssertionError(error)


@pytest.fixture
def engine(tmp_path: Path) -> ScriptedEngine:
    path = tmp_path / "script.json"
    path.write_bytes(b"{}")
    script = Script(on={"endless": "forever"}, token_seconds=0.0001)
    return ScriptedEngine(file_snapshot(path), EngineOptions(context=CONTEXT), script)


def test_forever_ends_with_the_cancel_alone_and_not_where_the_context_is_full(engine: ScriptedEngine) -> None:
    told = Told(10 * CONTEXT)
    engine.start("r", Generation(prompt="endless"), told)
    assert told.full.wait(HANG)
    engine.cancel("r")
    assert told.over.wait(HANG)
    assert told.chunks[-2].finish_reason is FinishReason.CANCELLED


def test_forever_within_a_bound_that_was_asked_for_ends_there(engine: ScriptedEngine) -> None:
    told = Told(1)
    engine.start("r", Generation(prompt="endless", max_tokens=5), told)
    assert told.over.wait(HANG)
    assert told.chunks[-2].finish_reason is FinishReason.LENGTH
    assert told.chunks[-1].usage is not None and told.chunks[-1].usage.completion_tokens == 5
