"""A real pseudo-terminal around a real `ingle` process: type, wait for words, press Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

WAIT_S = 30.0
INGLE = (sys.executable, "-m", "ingle.cli.entry")
CTRL_C, CTRL_D = "\x03", "\x04"


class OnTerminal:
    """One command at a terminal of its own; `seen` is everything that appeared on it.

    The command is `ingle WORDS`, or any other `program`.
    """

    def __init__(
        self, words: list[str], env: Mapping[str, str], *, path: str = "", program: tuple[str, ...] = INGLE
    ) -> None:
        self.seen = ""
        self._read = 0
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*program, *words],
            env=dict(env) | {"PATH": f"{path}:/usr/bin:/bin".lstrip(":")},
            preexec_fn=lambda: os.login_tty(slave),
            close_fds=False,
        )
        os.close(slave)

    def key_in(self, text: str) -> None:
        os.write(self._master, text.encode())

    def press_until(self, key: str, words: str) -> str:
        """Press `key` until `words` appear. A key that comes between a prompt and the wait behind it is lost
        (CPython asks for signals before it waits for input); a person presses again."""
        deadline = time.monotonic() + WAIT_S
        while self.seen.find(words, self._read) < 0:
            if time.monotonic() > deadline:
                raise AssertionError(f"{words!r} never came; the terminal shows {self.seen!r}")
            self.key_in(key)
            self._more(time.monotonic() + 1.0)
        return self.wait_for(words)

    def interrupt(self) -> int:
        """Press Ctrl-C until the process has left (see `press_until`); its exit code."""
        deadline = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.key_in(CTRL_C)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(3.0)
        return self.wait()

    def hang_up(self) -> None:
        """Close the terminal, as a person closes its window: the system tells the command with SIGHUP."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDONLY)

    def wait_for(self, words: str) -> str:
        """Read until `words` appear after what earlier waits saw; everything up to them."""
        deadline = time.monotonic() + WAIT_S
        while (at := self.seen.find(words, self._read)) < 0:
            if not self._more(deadline):
                raise AssertionError(f"{words!r} never came; the terminal shows {self.seen!r}")
        before = self.seen[self._read : at]
        self._read = at + len(words)
        return before

    def wait(self) -> int:
        """Read to the end; the exit code."""
        while self._more(time.monotonic() + WAIT_S):
            pass
        return self.process.wait(WAIT_S)

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: the last process left the terminal
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
