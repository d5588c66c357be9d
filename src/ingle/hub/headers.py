"""Remembers header facts of weight files, so that a listing of a hundred models opens none of them twice.

Only a convenience: a file is known by device, inode, size and time of change, what cannot be read or
written here is done without, and a damaged file is never remembered.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from ingle.catalog.facts import Facts, is_safetensors, read_facts

_VERSION = 2
_MOST = 4096  # files remembered; about 100 bytes each


class _Stored(msgspec.Struct):
    version: int
    facts: dict[str, Facts]


class Headers:
    """The facts of headers, from memory where the file has not changed. Call `save` when done."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._facts: dict[str, Facts] | None = None
        self._used: set[str] = set()
        self._new = False

    def facts(self, path: str, found: os.stat_result) -> Facts:
        """The facts of the weight file at `path`. Raises `MalformedModel` and `OSError`."""
        known = self._known()
        # One file can have two names, and the name says which header to look for.
        kind = "s" if is_safetensors(path) else "g"
        key = f"{kind}{found.st_dev:x}.{found.st_ino:x}.{found.st_size:x}.{found.st_mtime_ns:x}"
        self._used.add(key)
        if key not in known:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # a str: a listing opens many
                known[key] = read_facts(file, path=path, size=found.st_size)
            self._new = True
        return known[key]

    def save(self) -> None:
        """Stores what was learnt since the last time; without a word where that is not possible."""
        if not self._new or self._facts is None:
            return
        kept = {key: facts for key, facts in self._facts.items() if key in self._used}
        for key, facts in self._facts.items():
            if len(kept) >= _MOST:
                break
            kept.setdefault(key, facts)
        draft = self._file.with_name(f"{self._file.name}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.msgpack.encode(_Stored(_VERSION, kept)))
            draft.replace(self._file)
            self._new = False
        except OSError:
            with suppress(OSError):
                draft.unlink()

    def _known(self) -> dict[str, Facts]:
        if self._facts is None:
            try:
                stored = msgspec.msgpack.decode(self._file.read_bytes(), type=_Stored)
                self._facts = stored.facts if stored.version == _VERSION else {}
            except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._facts = {}
        return self._facts
