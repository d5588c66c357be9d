"""What the analysis says: four levels, and findings that carry their own explanation; pure values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much a person should be asked before a command runs."""

    SAFE = 0
    MODERATE = 1
    HIGH = 2
    CRITICAL = 3

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a level.

    `span` is a pair of character offsets into the command as it was given. `resolved` is what the
    shell would really run there, when it differs from what is written. `safer` may be empty.
    """

    level: Level
    effect: str
    consequence: str
    span: tuple[int, int]
    resolved: str = ""
    safer: str = ""
