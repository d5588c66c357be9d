"""Writes what one pull did, line by line, for people; no token and no signed query ever gets in."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_SECRETS = (
    (re.compile(r"(?i)(https?://[^\s?#]+)[?#]\S*"), r"\1?..."),
    (re.compile(r"\bhf_[A-Za-z0-9]{6,}"), "hf_..."),
    (re.compile(r"(?i)\b(authorization|bearer|x-amz-\w+|signature)([:=]\s*|\s+)\S+"), r"\1 ..."),
    (re.compile(r"(?i)\b(token)[:=]\s*\S+"), r"\1 ..."),  # the word alone is one of our own sentences
    (re.compile(r"://[^/\s@]+@"), "://...@"),
)
_KEPT = 50  # logs; older ones of ours are deleted when a new one begins
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def scrub(line: str, token: str | None = None) -> str:
    """The line without addresses' queries, tokens, passwords and control characters.

    `token` is the one in use: a mirror's need not look like one.
    """
    if token:
        line = line.replace(token, "...")
    for pattern, instead in _SECRETS:
        line = pattern.sub(instead, line)
    return _CONTROL.sub(" ", line)


def how_it_ended(exc: BaseException) -> str:
    """The last line of a pull that was not finished: the kind of its end, and its words where they say more."""
    kind, words = type(exc).__name__, str(exc)
    return f"ended: {kind}" + ("" if words.rstrip(".") in ("", kind) else f": {words}")


class PullLog:
    """`<folder>/pull-<time>-<name>.log`. A log that cannot be written never fails a pull: it stays silent.

    `token` is the one in use, which no line shows.
    """

    def __init__(self, folder: Path, name: str, token: str | None = None) -> None:
        self._token = token
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80]
        self.path = folder / f"pull-{time.strftime('%Y%m%d-%H%M%S')}-{safe}.log"
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            for old in sorted(folder.glob("pull-*.log"))[:-_KEPT]:
                old.unlink(missing_ok=True)
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")

    def __call__(self, line: str) -> None:
        """Adds a line with day and time in front. Safe from several threads."""
        if self._file is None:
            return
        with self._lock, suppress(OSError, ValueError):
            self._file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {scrub(line, self._token)}\n")
            self._file.flush()

    def close(self) -> None:
        """No line is written any more."""
        if self._file is not None:
            with self._lock, suppress(OSError):
                self._file.close()
