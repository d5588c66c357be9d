"""How much prompt a step computes: everything when nobody waits, little when others are reading."""

from ingle.engines.mlx.pace import PREFILL_ROWS, SMALLEST_PREFILL, prefill_rows


def test_without_streams_a_step_takes_all_it_may() -> None:
    assert prefill_rows(rate=10.0, streaming=0) == PREFILL_ROWS == 256


def test_with_streams_a_step_is_as_short_as_the_machine_needs() -> None:
    assert prefill_rows(rate=300.0, streaming=3) == 120
    assert prefill_rows(rate=5.0, streaming=1) == SMALLEST_PREFILL
    assert prefill_rows(rate=100_000.0, streaming=1) == PREFILL_ROWS
    assert prefill_rows(rate=0.0, streaming=1) == PREFILL_ROWS
