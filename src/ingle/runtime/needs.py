"""What a load takes: which engine in which form, and about how many bytes of memory."""

from __future__ import annotations

import msgspec

from ingle.engines.base import EngineOptions


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a loaded model: the engine's name and what it was opened with."""

    engine: str
    options: EngineOptions


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """`explicit`: the caller named the form (engine, context, template), so no other form will do."""

    model: str
    bytes: int
    spec: Spec
    explicit: bool = False

    def serves(self, asked: Need) -> bool:
        """Whether a worker that runs as this one may answer a request for `asked`."""
        return not asked.explicit or asked.spec == self.spec
