"""Asks an engine and waits for the answer, as a worker's child would."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from ingle.engines.base import Engine
from ingle.errors import IngleError
from ingle.generation import Chunk, FinishReason, Generation, Message, Role, SamplingParams, Usage

HANG = 120.0  # seconds; far more than any answer here takes
GREEDY = SamplingParams(temperature=0.0)


class Answer:
    """A sink that remembers. `begun` is set at the first chunk, `done` at the end."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.error: IngleError | None = None
        self.begun = threading.Event()
        self.done = threading.Event()

    def chunk(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)
        self.begun.set()
        if chunk.usage is not None:
            self.done.set()

    def fail(self, error: IngleError) -> None:
        self.error = error
        self.done.set()

    def wait(self) -> Answer:
        assert self.done.wait(HANG), "the engine never ended this request"
        return self

    def of(self, index: int) -> str:
        return "".join(chunk.text for chunk in self.chunks if chunk.index == index)

    @property
    def text(self) -> str:
        assert self.error is None, self.error
        return self.of(0)

    @property
    def reasoning(self) -> str:
        return "".join(chunk.reasoning for chunk in self.chunks)

    @property
    def reasons(self) -> list[FinishReason]:
        return [chunk.finish_reason for chunk in self.chunks if chunk.finish_reason is not None]

    @property
    def usage(self) -> Usage:
        assert self.error is None, self.error
        found = self.chunks[-1].usage
        assert found is not None
        return found


class Torn(Answer):
    """A sink that breaks when it is told the end of a cancelled answer."""

    def chunk(self, chunk: Chunk) -> None:
        if chunk.finish_reason is FinishReason.CANCELLED:
            raise OSError("nobody is there any more")
        super().chunk(chunk)


class Held(list[str]):
    """A list that is not read before `go_on`."""

    def __init__(self) -> None:
        super().__init__(["abc"])
        self.read, self.go_on = threading.Event(), threading.Event()

    def __iter__(self) -> Iterator[str]:
        self.read.set()
        assert self.go_on.wait(HANG)
        return super().__iter__()


def chat(text: str = "hello", **fields: Any) -> Generation:
    """A greedy chat of one message, unless said otherwise."""
    given: dict[str, Any] = {"sampling": GREEDY, "max_tokens": 40, **fields}
    return Generation(messages=(Message(role=Role.USER, content=text),), **given)


def begin(engine: Engine, request_id: str, generation: Generation) -> Answer:
    answer = Answer()
    engine.start(request_id, generation, answer)
    return answer


def ask(engine: Engine, generation: Generation, request_id: str = "one") -> Answer:
    return begin(engine, request_id, generation).wait()
