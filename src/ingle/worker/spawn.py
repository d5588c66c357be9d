"""Starts the child process of a worker and holds everything that ties it to us; speaks no frames."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import psutil

from ingle.config import child_environment
from ingle.errors import IngleError, LoadFailed, OutOfMemory, WorkerCrashed


@dataclass(frozen=True)
class Child:
    """A spawned process, our ends of its socket, the pipe whose end tells it that we are gone, and the
    folder of its temporary files (only this user may enter), which goes when it goes."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    stderr: asyncio.StreamReader
    lifeline: int
    scratch: Path

    def kill(self) -> None:
        self._signal(Signals.SIGKILL)

    def terminate(self) -> None:
        self._signal(Signals.SIGTERM)

    def _signal(self, signal: Signals) -> None:
        # not process.kill(): it polls first, and so may reap the child in asyncio's place
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal)

    def close(self) -> None:
        """Let go of our ends, after the process is gone."""
        self.writer.close()
        os.close(self.lifeline)
        shutil.rmtree(self.scratch, ignore_errors=True)


async def spawn(python: str = sys.executable) -> Child:
    """Start `python -m ingle.worker.child` with a private socket. Raises `OSError`."""
    scratch = _make_scratch()
    ours, theirs = socket.socketpair()
    reading, lifeline = os.pipe()
    inherited = (theirs.fileno(), reading)
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            "-m",
            "ingle.worker.child",
            *(str(number) for number in (*inherited, os.getpid())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=inherited,
            env=_environment(scratch),
        )
    except BaseException:
        ours.close()
        os.close(lifeline)
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    finally:
        theirs.close()
        os.close(reading)
    assert process.stderr is not None
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1 << 20)
    return Child(process, reader, writer, process.stderr, lifeline, scratch)


def _make_scratch() -> Path:
    """A new folder of mode 0700; those that killed daemons left behind are removed on the way."""
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        pid = left.name.removeprefix(_SCRATCH).partition("-")[0]
        with contextlib.suppress(OSError, ValueError):
            if left.lstat().st_uid == os.getuid() and not psutil.pid_exists(int(pid)):
                shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-"))


_SCRATCH = "ingle-w-"  # short: the path of a socket may have 104 bytes on macOS, whose TMPDIR has 49


def _environment(scratch: Path) -> dict[str, str]:
    """What a child starts with: ours, a place of its own for temporary files, and what keeps it useful
    on a machine that is busy."""
    environment = child_environment({"PYTHONUNBUFFERED": "1", "TMPDIR": str(scratch)})
    environment.setdefault("GOMP_SPINCOUNT", _SPINS)
    return environment


_SPINS = "1000"
"""How often an OpenMP thread looks before it sleeps. At the default of 300,000 the threads of llama.cpp
burn the very cores that the others need: beside a few busy processes on 2 cores it then made 1 to 3.5
tokens a second, with this 9 to 27. A person's own setting wins."""


def crash_error(name: str, code: int, last_lines: tuple[str, ...], *, loading: bool) -> WorkerCrashed:
    """What to tell those who were inside: `code` is the exit status, negative for a signal."""
    signal = _signal_name(-code) if code < 0 else None
    how = f"signal {signal}" if signal else f"exit code {code}"
    said = f" Its last words: {last_lines[-1]}" if last_lines else ""
    return WorkerCrashed(
        f"The worker of {name} ended with {how}{' while it loaded' if loading else ''}.{said}",
        hint=_KILLED if signal == "SIGKILL" else _ENDED,
        signal=signal,
        exit_code=code if code >= 0 else None,
        log=list(last_lines),
    )


_ENDED = "The model can be loaded again; the last lines the worker wrote are in the details."
_KILLED = "Linux kills so when memory runs out: a shorter context or a smaller model takes less. The model can be loaded again."


def with_reason(error: IngleError, lines: tuple[str, ...]) -> IngleError:
    """A `LoadFailed` together with what the child wrote to stderr: engines often say why only there."""
    if type(error) is not LoadFailed or not lines:
        return error
    reason = telling_line(lines)
    kind = OutOfMemory if any(_NO_MEMORY.search(line) for line in lines) else LoadFailed
    message = f"{error.message.rstrip('.')}: {reason}." if reason else error.message
    return kind(message, hint=error.hint, **{**error.details, "log": list(lines)})


def telling_line(lines: tuple[str, ...]) -> str:
    """The line that says most about a failed load, without its time stamp; empty when none does."""
    for pattern in _TELLING:
        for line in lines:
            found = pattern.search(line)
            if found:
                return found.group(1).strip().rstrip(".")[:300]
    return ""


_TELLING = (
    re.compile(r"error loading model: (?!llama_model_loader: failed to load model from)(.+)"),
    re.compile(r"gguf_init_from_\w+: (.+)"),
    re.compile(r"(GGML_ASSERT.+)"),
    re.compile(r"error loading model: (.+)"),
    re.compile(r"((?:failed|unable) to allocate .+)", re.IGNORECASE),
)
"""In order of how much they say; the words are llama.cpp's."""

_NO_MEMORY = re.compile(r"(failed|unable) to allocate|out of memory|cannot allocate memory", re.IGNORECASE)


def _signal_name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return str(number)
