"""Decides what a person must type before a command may run; the one way to a `ConfirmedCommand`.

No option, list or model lowers a level here: the text is analysed again at the moment of the yes, and
what is confirmed is that very text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ingle.errors import CommandRefused, InvalidRequest
from ingle.shell.finding import Level
from ingle.shell.verdict import analyse

TYPED_YES = {Level.HIGH: "run high", Level.CRITICAL: "run critical"}
"""The words to type, from HIGH on: a habit of pressing y must not be enough."""


class Ask(StrEnum):
    """How much is asked of a person."""

    YES = "yes"
    TYPED = "typed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ConfirmedCommand:
    """A text, the shell it is for, and the level that was shown. Made by `confirm`."""

    command: str
    shell: str
    level: Level


def asks(level: Level, *, allow_critical: bool = False) -> Ask:
    """What running a command of this level takes."""
    if level is Level.CRITICAL and not allow_critical:
        return Ask.REFUSED
    return Ask.TYPED if level >= Level.HIGH else Ask.YES


def is_yes(level: Level, answer: str) -> bool:
    """Whether what was typed is a yes at this level; nothing typed never is."""
    said = " ".join(answer.lower().split())
    return said == TYPED_YES[level] if level in TYPED_YES else said in {"y", "yes", "r", "run"}


def confirm(
    command: str, shell: str, answer: str, *, shown: Level, allow_critical: bool = False
) -> ConfirmedCommand:
    """The command, confirmed. `shown` is the level the person saw.

    Raises `CommandRefused` for a critical command that was not allowed and for an answer that is no
    yes, `InvalidRequest` when the text is not what was analysed or no shell would run it as it stands.
    """
    level = analyse(command, shell).level
    if "\0" in command:
        raise InvalidRequest("The command holds a NUL, which no shell can be handed.", hint="Edit it.")
    if command.startswith("-"):
        raise InvalidRequest(
            "The command begins with -, which a shell takes for an option of its own.", hint="Edit it."
        )
    if level is not shown:
        raise InvalidRequest("The command is not the one that was analysed.", hint="Look at it once more.")
    if asks(level, allow_critical=allow_critical) is Ask.REFUSED:
        raise CommandRefused(
            "This command is critical and is not run.",
            hint="--allow-critical lets you confirm it for this one call.",
        )
    if not is_yes(level, answer):
        raise CommandRefused("Not confirmed, so nothing was run.")
    return ConfirmedCommand(command, shell, level)
