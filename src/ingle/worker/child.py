"""Runs in the worker's child process: one engine, one model, frames in and frames out.

`python -m ingle.worker.child SOCKET_FD LIFELINE_FD PARENT_PID`. The engine is imported only when the
load asks for it, and only that one. The main thread reads frames; pings are answered there, while the
engine generates on threads of its own and questions about long prompts are answered on others.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ingle.engines.base import Engine, EngineFactory, EngineHealth
from ingle.errors import GenerationFailed, IngleError, LoadFailed, OutOfMemory
from ingle.generation import Chunk
from ingle.worker import frames
from ingle.worker.lifeline import tie_to_parent

ENGINE_MODULES = {
    "llamacpp": "ingle.engines.llamacpp",
    "mlx": "ingle.engines.mlx.engine",
    "scripted": "ingle.engines.scripted",
}

_QUESTIONS = 2  # threads: a prompt of megabytes takes seconds, and a short one should not wait for it

_NO_MEMORY = (
    "failed to map segment from shared object",
    "cannot map zero-fill pages",
    "cannot allocate memory",
    "unable to allocate",
    "std::bad_alloc",
)
"""How loaders (glibc's dl-load.c), C++ and MLX's allocator word it where no error number comes along."""

_LOG = logging.getLogger("ingle.worker")


class Wire:
    """The child's end of the socket; frames may be sent from any thread."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._codec = frames.Codec()
        self._writing = threading.Lock()
        self._waiting: list[frames.Frame] = []

    def send(self, frame: frames.Frame) -> None:
        data = self._codec.encode(frame)
        with self._writing, contextlib.suppress(OSError):  # a parent that is gone ends us elsewhere
            self._socket.sendall(data)

    def receive(self) -> frames.Frame | None:
        """The next frame; None when the parent closed its end."""
        while not self._waiting:
            data = self._socket.recv(1 << 16)
            if not data:
                return None
            self._waiting = self._codec.feed(data)
        return self._waiting.pop(0)


class WireSink:
    """Where the engine puts the chunks of one request."""

    def __init__(self, wire: Wire, request: str) -> None:
        self._wire = wire
        self._request = request

    def chunk(self, chunk: Chunk) -> None:
        self._wire.send(frames.Piece(self._request, chunk))

    def fail(self, error: IngleError) -> None:
        self._wire.send(frames.RequestError(self._request, error.to_dict()))


def open_engine(load: frames.Load) -> Engine:
    """Import the one engine and load the model. Raises typed errors only."""
    try:
        factory: EngineFactory = importlib.import_module(ENGINE_MODULES[load.engine]).open_engine
        return factory(load.snapshot, load.options)
    except IngleError:
        raise
    except Exception as exc:
        _LOG.exception("load failed")
        raise load_error(load.snapshot.ref.name, exc) from exc


def load_error(model: str, error: Exception) -> IngleError:
    """What an engine's own error at a load means to a person, judged with everything that caused it."""
    seen: BaseException | None = error
    while seen is not None:
        said = str(seen).lower()
        short = isinstance(seen, MemoryError) or getattr(seen, "errno", None) == errno.ENOMEM
        if short or any(words in said for words in _NO_MEMORY):
            return OutOfMemory(f"There is not enough memory to load {model}.")
        seen = seen.__cause__ or seen.__context__
    return LoadFailed(
        f"{model} could not be loaded: {type(error).__name__}: {error}.",
        hint="`ingle verify` tells whether the files are whole.",
    )


def serve(wire: Wire, opener: Callable[[frames.Load], Engine] = open_engine) -> None:
    """Answer frames until the parent says close or is gone."""
    engine: Engine | None = None
    questions = ThreadPoolExecutor(_QUESTIONS, "question")
    while (frame := wire.receive()) is not None:
        match frame:
            case frames.Load():
                try:
                    engine = opener(frame)
                except IngleError as error:
                    wire.send(frames.LoadError(error.to_dict()))
                    return
                wire.send(frames.Loaded(engine.info))
            case frames.Ping():
                health = engine.health() if engine else EngineHealth(ok=False, reason="nothing is loaded")
                wire.send(frames.Pong(frame.number, health))
            case frames.Close():
                break
            case frames.Count() | frames.Render() if engine is not None:
                questions.submit(_ask, engine, wire, frame)
            case _ if engine is not None:
                _ask(engine, wire, frame)
            case _:
                _LOG.warning("a frame before the load: %s", type(frame).__name__)
    questions.shutdown(wait=False, cancel_futures=True)
    if engine is not None:
        engine.close()


def _ask(engine: Engine, wire: Wire, frame: frames.Frame) -> None:
    request = getattr(frame, "request", "")
    try:
        match frame:
            case frames.Start():
                engine.start(request, frame.generation, WireSink(wire, request))
            case frames.CancelRequest():
                engine.cancel(request)
            case frames.Count():
                wire.send(frames.Answered(request, engine.count_tokens(frame.generation)))
            case frames.Render():
                wire.send(frames.Answered(request, engine.render(frame.messages, frame.tools)))
    except IngleError as error:
        wire.send(frames.RequestError(request, error.to_dict()))
    except Exception as exc:  # noqa: BLE001  (one bad request must not end the others)
        _LOG.exception("request failed")
        failure = GenerationFailed(f"The engine failed on a request: {type(exc).__name__}: {exc}.")
        wire.send(frames.RequestError(request, failure.to_dict()))


def main(arguments: list[str]) -> None:
    end, lifeline, parent = (int(text) for text in arguments)
    tie_to_parent(parent, lifeline)
    # Ctrl-C at a terminal goes to the whole group: the parent decides what it means for us
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    wire = Wire(socket.socket(fileno=end))
    hello = wire.receive()
    wire.send(frames.Hello(frames.PROTOCOL, os.getpid()))
    if isinstance(hello, frames.Hello) and hello.protocol == frames.PROTOCOL:
        serve(wire)
    sys.stderr.flush()
    # engines keep native threads that an orderly interpreter exit would wait for
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
