"""Says which model is meant where none was named; pure."""

from __future__ import annotations

from collections.abc import Sequence

from ingle.catalog.model import ModelRef, Snapshot


def usual_model(default: ModelRef, here: Sequence[Snapshot]) -> ModelRef | None:
    """The default where it is among the whole models `here`, else the only one of them; None leaves a choice."""
    if any(one.ref.name == default.name for one in here):
        return default
    return here[0].ref if len(here) == 1 else None
