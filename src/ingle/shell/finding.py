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
    shell would really run there, when it differs from what is written. `safer` is a way to the same end
    that loses less: from HIGH on there always is one, below it may be empty.
    """

    level: Level
    effect: str
    consequence: str
    span: tuple[int, int]
    resolved: str = ""
    safer: str = ""

    def __post_init__(self) -> None:
        """A finding that asks for more than a yes also says what to do instead."""
        if self.level >= Level.HIGH and not self.safer:
            raise ValueError(f"a finding of level {self.level.label} needs a safer way")
