"""Chooses the values that a body, a command or a pattern is followed for, so that none is left out unsaid."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .limits import MAX_ROUNDS, Teller, cut
from .words import HOLE, UNKNOWN, Value, mixed

_FEW = 8
"""Values that are followed one by one whatever they are."""
_DIGITS = re.compile(r"\d+")

CROWD = 5_000
"""Rounds of a loop that nobody means when each leaves a process behind."""
DOUBLINGS = 12
"""Rounds of a loop that nobody means when each makes twice as many processes of it."""


def chosen(teller: Teller, values: Sequence[Value], what: str) -> Sequence[Value]:
    """All of the values while they are few. Of many that differ only by a number come the first, the last and one whose
    number is a hole: what is done to it stands for all between. More than `MAX_ROUNDS` others are reported as unread.
    """
    if len(values) <= _FEW:
        return values
    alike: dict[tuple[str, int], list[Value]] = {}
    for value in dict.fromkeys(values):
        alike.setdefault((_DIGITS.sub(HOLE, value.text), value.taint), []).append(value)
    found = [one for shape, members in alike.items() for one in _ends(Value(*shape), members)]
    if len(found) > MAX_ROUNDS:
        cut(teller, what)
        return [*found[:MAX_ROUNDS], Value(UNKNOWN.text, mixed(found))]
    return found


def _ends(shape: Value, members: list[Value]) -> list[Value]:
    return members if len(members) <= _FEW else [members[0], members[-1], shape]
