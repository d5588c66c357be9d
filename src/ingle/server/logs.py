"""Writes the daemon's log: JSON lines in `INGLE_HOME/logs/daemon.jsonl`, rotated by size.

Prompts and answers are never logged. One line is one event: time, level, name, text, what goes along.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path

import msgspec

MAX_BYTES = 5 * 1024 * 1024
KEPT = 3
"""Old files beside the current one: at most 20 MB of log."""


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "name": record.name,
            "text": record.getMessage(),
        }
        if "seconds" in record.__dict__:
            line["seconds"] = record.__dict__["seconds"]
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def start_logging(folder: Path, *, verbose: bool = False) -> None:
    """The root logger writes to the file, and with `verbose` to stderr too.

    A folder that cannot be written costs the file, not the daemon: then the log goes to stderr.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handlers: list[logging.Handler] = []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / "daemon.jsonl", maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8"
            )
        )
    except OSError as exc:
        verbose = True
        logging.getLogger(__name__).warning("no log file in %s: %s", folder, exc)
    if verbose:
        handlers.append(logging.StreamHandler(sys.stderr))
    for handler in handlers:
        handler.setFormatter(JsonLines())
    root.handlers[:] = handlers
