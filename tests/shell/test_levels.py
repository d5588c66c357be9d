"""Every command we labelled ourselves gets a level on the right side of each question."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingle.shell.verdict import Level, analyse

from .corpus import SHELLS, labelled

pytestmark = pytest.mark.slow


def wrong(shell: str, expected: Callable[[Level], bool], holds: Callable[[Level], bool]) -> list[str]:
    """The commands of one kind whose level does not hold, with the level they got."""
    rows = [row for row in labelled() if row.shell == shell and expected(row.level)]
    assert rows
    found = [(row.command, analyse(row.command, row.shell).level) for row in rows]
    return [f"{level.label}: {command}" for command, level in found if not holds(level)]


@pytest.mark.parametrize("shell", SHELLS)
def test_dangerous_commands_are_high_or_critical(shell: str) -> None:
    assert wrong(shell, lambda level: level >= Level.HIGH, lambda found: found >= Level.HIGH) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_harmless_commands_are_not_flagged(shell: str) -> None:
    assert wrong(shell, lambda level: level is Level.SAFE, lambda found: found is Level.SAFE) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_bounded_changes_are_moderate(shell: str) -> None:
    assert wrong(shell, lambda level: level is Level.MODERATE, lambda found: found is Level.MODERATE) == []


def test_most_catastrophes_are_called_critical() -> None:
    rows = [row for row in labelled() if row.level is Level.CRITICAL]
    exact = sum(analyse(row.command, row.shell).level is Level.CRITICAL for row in rows)
    assert exact >= 0.85 * len(rows)
