"""What a doctor says: one thing, what it means, and the command that mends it."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any

import msgspec


class Level(StrEnum):
    """`NOTE` is worth knowing, `WARNING` will hurt one day, `PROBLEM` hurts now."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


class Fix(StrEnum):
    """What `--fix` may do by itself: nothing that deletes or changes what another tool wrote."""

    MAKE_CACHE = "make-cache"
    SWEEP = "sweep"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`check` is a stable name for machines; `says` and `means` are one sentence each; `command` is what to
    type (empty where nothing is to be done); `fix` what `--fix` does about it."""

    check: str
    level: Level
    says: str
    means: str = ""
    command: str = ""
    fix: Fix | None = None
    details: dict[str, Any] = {}


def ok(check: str, says: str, **details: Any) -> Finding:
    """All is well with this."""
    return Finding(check=check, level=Level.OK, says=says, details=details)


def _amiss(
    level: Level, check: str, *, says: str, means: str, command: str, fix: Fix | None = None, **details: Any
) -> Finding:
    """Not all is well: so a finding always says what that means and what to type."""
    return Finding(
        check=check, level=level, says=says, means=means, command=command, fix=fix, details=details
    )


note = partial(_amiss, Level.NOTE)
warning = partial(_amiss, Level.WARNING)
problem = partial(_amiss, Level.PROBLEM)


def worst(findings: tuple[Finding, ...]) -> Level:
    """The gravest level of all findings; `OK` for none."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def several(count: int, noun: str) -> str:
    """`1 file`, `3 files`."""
    return f"{count} {noun}" + ("" if count == 1 else "s")
