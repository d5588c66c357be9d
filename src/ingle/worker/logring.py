"""Keeps the last lines a worker wrote, and a bounded file of all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import logging.handlers
from collections import deque
from pathlib import Path

KEPT_LINES = 200
LONGEST_LINE = 2000
FILE_BYTES = 1_000_000
FILES = 3


class LogRing:
    """`lines` are the newest, oldest first. `path` None: no file is written."""

    def __init__(self, path: Path | None) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._file: logging.handlers.RotatingFileHandler | None = None
        if path is not None:
            with contextlib.suppress(OSError):  # no log file is no reason not to answer
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = logging.handlers.RotatingFileHandler(
                    path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8", delay=True
                )

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def last(self, count: int = 12) -> tuple[str, ...]:
        return tuple(self._lines)[-count:]

    def add(self, line: str) -> None:
        self._lines.append(line)
        if self._file is not None:
            record = logging.LogRecord("worker", logging.INFO, "", 0, line, None, None)
            self._file.emit(record)

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read lines until the stream ends; over-long ones are cut, nothing is waited for."""
        rest = b""
        while data := await stream.read(1 << 14):
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                self._take(line)
            if len(rest) > LONGEST_LINE:
                self._take(rest)
                rest = b""
        if rest:
            self._take(rest)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _take(self, line: bytes) -> None:
        text = line[:LONGEST_LINE].decode("utf-8", "replace").rstrip()
        if text:
            self.add(text)


def log_file(folder: Path, name: str) -> Path:
    """Where the worker of the model `name` logs; model names have characters that file names lack."""
    plain = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in name)
    return folder / f"worker-{plain[:80] or 'model'}.log"
