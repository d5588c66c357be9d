"""Remembers what was improved, in one SQLite file, when a person turned that on."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from ingle.errors import NoPermission, NotFound, StoreError

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    made REAL NOT NULL,
    tool TEXT NOT NULL,
    model TEXT NOT NULL,
    raw TEXT NOT NULL,
    result TEXT NOT NULL,
    reason TEXT
)
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `made` is seconds since the epoch; `reason` says why (parts of) the original stayed."""

    id: int
    made: float
    tool: str
    model: str
    raw: str
    result: str
    reason: str | None = None


class History:
    """The only owner of its file. Safe for several processes at once: each call is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, *, tool: str, model: str, raw: str, result: str, reason: str | None = None) -> int:
        """Keep one run and return its id."""
        with self._open() as db:
            row = db.execute(
                "INSERT INTO entry (made, tool, model, raw, result, reason) VALUES (?, ?, ?, ?, ?, ?)",
                (time.time(), tool, model, raw, result, reason),
            )
            return int(row.lastrowid or 0)

    def recent(self, limit: int = 20) -> list[Entry]:
        """The newest first."""
        return self._find("SELECT * FROM entry ORDER BY id DESC LIMIT ?", limit)

    def search(self, words: str, limit: int = 20) -> list[Entry]:
        """Entries whose raw text or result holds `words`, upper and lower case alike; newest first."""
        folded = words.casefold()
        return self._find(
            "SELECT * FROM entry WHERE instr(folded(raw), ?) OR instr(folded(result), ?) ORDER BY id DESC LIMIT ?",
            folded,
            folded,
            limit,
        )

    def get(self, entry_id: int) -> Entry:
        """Raises `NotFound`."""
        found = self._find("SELECT * FROM entry WHERE id = ?", entry_id)
        if not found:
            raise NotFound(f"There is no history entry {entry_id}.", hint="ingle history list")
        return found[0]

    def delete(self, entry_id: int | None = None) -> int:
        """Forget one entry, or all of them; returns how many. The bytes are overwritten in the file."""
        if not self.path.exists():
            return 0
        with self._open() as db:
            db.execute("PRAGMA secure_delete = ON")
            if entry_id is None:
                return db.execute("DELETE FROM entry").rowcount
            return db.execute("DELETE FROM entry WHERE id = ?", (entry_id,)).rowcount

    def _find(self, query: str, *values: object) -> list[Entry]:
        if not self.path.exists():
            return []
        with self._open() as db:
            db.row_factory = sqlite3.Row
            return [Entry(**dict(row)) for row in db.execute(query, values)]

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            with closing(sqlite3.connect(self.path, timeout=5.0)) as db, db:
                db.execute(SCHEMA)
                db.create_function("folded", 1, str.casefold, deterministic=True)  # LIKE folds ASCII only
                yield db
        except PermissionError as exc:
            raise NoPermission(self.path, "write the history in") from exc
        except sqlite3.Error as exc:
            raise StoreError(f"{self.path} cannot be used: {exc}.", hint="Move that file away.") from exc
