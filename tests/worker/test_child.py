"""The child's main thread is always there for pings and cancels, whatever it is asked about a prompt."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.engines.base import EngineOptions
from ingle.engines.scripted import Script, ScriptedEngine
from ingle.errors import LoadFailed, OutOfMemory
from ingle.generation import Generation, Message, Tool
from ingle.worker import frames
from ingle.worker.child import Wire, load_error, serve
from tests.worker.conftest import HANG, ask, script_snapshot

pytestmark = pytest.mark.slow


class Slow(ScriptedEngine):
    """Answers no question about a prompt before `go_on`."""

    def __init__(self, load: frames.Load) -> None:
        super().__init__(load.snapshot, load.options, Script())
        self.asked, self.go_on, self.cancelled = threading.Event(), threading.Event(), threading.Event()

    def count_tokens(self, generation: Generation) -> int:
        self._wait()
        return super().count_tokens(generation)

    def render(self, messages: tuple[Message, ...], tools: tuple[Tool, ...] = ()) -> str:
        self._wait()
        return super().render(messages, tools)

    def cancel(self, request_id: str) -> None:
        self.cancelled.set()

    def _wait(self) -> None:
        self.asked.set()
        assert self.go_on.wait(HANG)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Wire, Slow]]:
    """The parent's end of a wire whose other end is served with a slow engine."""
    ours, theirs = socket.socketpair()
    ours.settimeout(HANG)
    load = frames.Load(
        snapshot=script_snapshot(tmp_path, Script()), engine="scripted", options=EngineOptions()
    )
    engine = Slow(load)
    serving = threading.Thread(target=serve, args=(Wire(theirs), lambda _: engine))
    serving.start()
    wire = Wire(ours)
    wire.send(load)
    assert isinstance(wire.receive(), frames.Loaded)
    yield wire, engine
    engine.go_on.set()
    wire.send(frames.Close())
    serving.join(HANG)
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("question", "answer"),
    [(frames.Count("q", ask("one two")), 2), (frames.Render("q", ()), "")],
    ids=["count", "render"],
)
def test_a_question_that_takes_long_delays_neither_a_ping_nor_a_cancel(
    slow: tuple[Wire, Slow], question: frames.Frame, answer: int | str
) -> None:
    wire, engine = slow
    wire.send(question)
    assert engine.asked.wait(HANG)
    wire.send(frames.CancelRequest("other"))
    wire.send(frames.Ping(7))
    told = wire.receive()
    assert isinstance(told, frames.Pong) and told.number == 7
    assert engine.cancelled.is_set()
    engine.go_on.set()
    assert wire.receive() == frames.Answered("q", answer)


def caused(error: Exception, cause: Exception) -> Exception:
    """`error` raised because of `cause`."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libmlx.so: failed to map segment from shared object"),
        ImportError("libmlx.so: cannot map zero-fill pages"),
        RuntimeError("[malloc] Unable to allocate 1048576 bytes."),
        RuntimeError("std::bad_alloc"),
        caused(RuntimeError("The library could not be loaded."), OSError(errno.ENOMEM, "")),
    ],
    ids=repr,
)
def test_whatever_way_a_library_says_that_memory_ran_out_that_is_what_is_told(error: Exception) -> None:
    told = load_error("org/tiny", error)
    assert type(told) is OutOfMemory and "smaller model" in told.hint


@pytest.mark.parametrize("error", [ImportError("No module named 'mlx'"), OSError(errno.EIO, "I/O error")])
def test_what_is_no_lack_of_memory_stays_a_load_that_failed(error: Exception) -> None:
    assert type(load_error("org/tiny", error)) is LoadFailed
