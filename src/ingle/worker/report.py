"""What a stopped worker gave back, and how it went. A value; nothing here acts."""

from __future__ import annotations

import msgspec


class StopReport(msgspec.Struct, frozen=True, kw_only=True):
    """Written only after the operating system confirmed the exit. Memory in bytes (PSS or footprint):
    `memory_before` of the worker just before the stop, `memory_after` of the same pid after it (0: gone).
    `how` is "asked", "terminated", "killed" or "gone" (it had left before)."""

    pid: int | None
    how: str
    exit_code: int | None
    seconds: float
    memory_before: int
    memory_after: int

    @property
    def memory_freed(self) -> int:
        return max(0, self.memory_before - self.memory_after)
