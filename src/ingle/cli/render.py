"""Turns facts into the words and columns a person reads; prints nothing and knows no terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

UNITS = ("B", "KB", "MB", "GB", "TB")


class Column(NamedTuple):
    """`title` heads it; numbers stand `right`; on a narrow terminal the highest `rank` is dropped first."""

    title: str
    right: bool = False
    rank: int = 0


def size(count: int | float | None) -> str:
    """Bytes in decimal units with three significant digits: `98.4 MB`; `-` when unknown."""
    if count is None:
        return "-"
    value = float(count)
    for unit in UNITS:
        if abs(value) < 999.5 or unit == UNITS[-1]:
            digits = 0 if unit == "B" or abs(value) >= 99.95 else 1
            return f"{value:.{digits}f} {unit}"
        value /= 1000
    return f"{value:.0f} B"


def duration(seconds: float | None) -> str:
    """`4s`, `2m 05s`, `3h 10m`, `2d 4h`; `-` when unknown, `for ever` when negative."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return "for ever"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def age(moment: float, now: float | None = None) -> str:
    """How long ago a Unix time was: `3h ago`, `12d ago`; `-` for 0 (unknown)."""
    if not moment:
        return "-"
    passed = max(0.0, (time.time() if now is None else now) - moment)
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if passed >= length:
            return f"{int(passed // length)}{unit} ago"
    return "just now"


def parameters(count: int | None) -> str:
    """`135M`, `1.7B`; `-` when the headers do not say."""
    if not count:
        return "-"
    if count >= 999_500_000:
        return f"{count / 1e9:.1f}B"
    return f"{count / 1e6:.0f}M"


def count(number: int, thing: str) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {thing}" + ("" if number == 1 else "s")


def columns(heads: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Aligned lines, the heads first. With a `width` the least important columns leave until it fits."""
    kept = list(range(len(heads)))
    while True:
        widths = {i: max([len(heads[i].title), *(len(row[i]) for row in rows)]) for i in kept}
        total = sum(widths.values()) + 2 * (len(kept) - 1)
        droppable = [i for i in kept if heads[i].rank]
        if width is None or total <= width or not droppable:
            break
        kept.remove(max(droppable, key=lambda i: heads[i].rank))
    return [
        "  ".join(
            row[i].rjust(widths[i]) if heads[i].right else row[i].ljust(widths[i]) for i in kept
        ).rstrip()
        for row in ([head.title for head in heads], *rows)
    ]


def facts(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """`name   value` lines with the values under each other; values of several lines are indented."""
    left = max((len(name) for name, _ in pairs), default=0)
    lines = []
    for name, value in pairs:
        first, *rest = value.split("\n")
        lines.append(f"{name.ljust(left)}  {first}".rstrip())
        lines.extend(f"{'':{left}}  {line}".rstrip() for line in rest)
    return lines
