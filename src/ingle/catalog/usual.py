"""Says which model is meant where none was named; asks only the shelf it is handed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ingle.catalog.model import DiskState, ModelRef, Snapshot


class Shelf(Protocol):
    """Where models lie (hub/cache.py); both calls may block."""

    def find(self, ref: ModelRef) -> Snapshot | None: ...
    def scan(self) -> list[Snapshot]: ...


@dataclass(frozen=True)
class Usual:
    """`ref` is the model meant, None where `here` (the whole ones that were looked at) leaves a choice, or nothing."""

    ref: ModelRef | None
    here: tuple[Snapshot, ...]


def usual_model(default: ModelRef, shelf: Shelf) -> Usual:
    """The default where it is whole, also at a path that no scan comes by; else the only whole model there is."""
    found = shelf.find(default)
    if found is not None and found.state is DiskState.COMPLETE:
        return Usual(default, (found,))
    here = tuple(one for one in shelf.scan() if one.state is DiskState.COMPLETE)
    return Usual(here[0].ref if len(here) == 1 else None, here)
