"""Free memory and pressure."""

from __future__ import annotations

import pytest

from ingle.engines.free import free_memory, total_memory
from ingle.runtime.memory import judge_pressure, stalled, under_pressure

PSI = """some avg10=31.50 avg60=4.00 avg300=1.00 total=12345
full avg10=22.25 avg60=2.00 avg300=0.50 total=2345
"""


def test_free_memory_is_a_part_of_all_memory() -> None:
    assert 0 < free_memory() <= total_memory()


def test_the_stalls_of_everything_are_read_from_psi() -> None:
    assert stalled(PSI) == 22.25
    assert stalled("") == 0.0


@pytest.mark.parametrize(
    ("percent", "free", "was", "high"),
    [
        (0.0, 0.05, False, False),
        (20.0, 0.5, False, False),  # others stall, not we
        (20.0, 0.05, False, True),
        (5.0, 0.05, False, False),
        (5.0, 0.05, True, True),  # not over yet
        (1.0, 0.05, True, False),
    ],
)
def test_pressure_begins_high_and_ends_low(percent: float, free: float, was: bool, high: bool) -> None:
    assert judge_pressure(percent, free, was) is high


@pytest.mark.parametrize(("level", "high"), [(1, False), (2, True), (4, True)])
def test_macos_is_short_of_memory_from_its_warning_on(level: int, high: bool) -> None:
    assert under_pressure(macos_level=lambda: level) is high


def test_the_system_can_be_asked() -> None:
    assert under_pressure() in (True, False)
