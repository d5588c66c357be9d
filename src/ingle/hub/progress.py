"""What a pull says of itself while it works."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ingle.catalog.model import Snapshot

HERE = "Everything is here already."
"""The last message of a pull or repair that had nothing to fetch."""


AGAIN = "Trying again"
"""In the message of every wait for a hub that has trouble."""


class Phase(StrEnum):
    WAITING = "waiting"
    LISTING = "listing"
    FETCHING = "fetching"
    VERIFYING = "verifying"
    PUBLISHING = "publishing"
    DONE = "done"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, `rate` in bytes a second, `seconds_left` None while unknown.

    `bytes_done` and `fraction` never go down within one pull. `message` is for people (a lock that is
    waited for, a rate limit, a retry and why). The last one has phase DONE and the `snapshot`.
    """

    phase: Phase
    bytes_done: int = 0
    bytes_total: int = 0
    rate: float = 0.0
    seconds_left: float | None = None
    message: str = ""
    snapshot: Snapshot | None = None

    @property
    def fraction(self) -> float:
        """0.0 to 1.0."""
        if self.phase is Phase.DONE:
            return 1.0
        return min(1.0, self.bytes_done / self.bytes_total) if self.bytes_total else 0.0
