"""A real pseudo-terminal around a real `ingle` process: type, wait for words, press Ctrl-C."""

from __future__ import annotations

import codecs
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

WAIT_S = 90.0
"""Seconds; a test that waits for so long hangs."""
LOOK_S = 0.02
AGAIN_S = WAIT_S if sys.platform == "linux" else 3.0
"""Seconds before Ctrl-C is pressed again; macOS does not tell that a process sleeps, so there one may be lost."""
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
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, slave = pty.openpty()

        def settle_in() -> None:
            os.login_tty(slave)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it would be deaf to its terminal's end

        self.process = subprocess.Popen(
            [*program, *words],
            env=dict(env) | {"PATH": f"{path}:/usr/bin:/bin".lstrip(":")},
            preexec_fn=settle_in,
            close_fds=False,
        )
        os.close(slave)

    def key_in(self, text: str) -> None:
        os.write(self._master, text.encode())

    def press_ctrl_c(self) -> None:
        """Press Ctrl-C once the process waits for something.

        One that comes just before a wait is heard only when that ends (CPython asks for signals, and then waits),
        and a second one could hit what the first began: the process has to be asleep when the only one comes.
        """
        deadline = time.monotonic() + WAIT_S
        while not self._asleep():
            if time.monotonic() > deadline:
                raise AssertionError(f"It never came to rest; the terminal shows {self.seen!r}")
            self._more(time.monotonic() + LOOK_S)
        self.key_in(CTRL_C)

    def interrupt(self) -> int:
        """Press Ctrl-C and wait until the process has left; its exit code."""
        deadline = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            self.press_ctrl_c()
            again = min(deadline, time.monotonic() + AGAIN_S)
            while self._more(again):
                pass
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, again - time.monotonic()))
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
        self.seen += self._decoder.decode(data)
        return bool(data)

    def _asleep(self) -> bool:
        """Whether the process has nothing to do (or has ended); true where the system does not tell."""
        status = psutil.Process(self.process.pid).status()
        return sys.platform != "linux" or status in (psutil.STATUS_SLEEPING, psutil.STATUS_ZOMBIE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
