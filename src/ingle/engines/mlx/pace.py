"""How much prompt is computed in one step, so that streams go on and a cancel is quick. Pure."""

from __future__ import annotations

PREFILL_ROWS = 256
"""Tokens of prompt computed in one step, all waiting prompts together: a cancel waits for no more."""

STREAM_GAP = 0.4
"""Seconds that a step may hold up streams that are being read, if the smallest piece fits in it."""

SMALLEST_PREFILL = 32

STUCK_SECONDS = 120.0
"""One step on a slow CPU with 256 prompt tokens takes about 25 s; five times that is no step any more."""


def prefill_rows(rate: float, streaming: int) -> int:
    """Tokens of prompt for the next step. `rate` in tokens a second (0: not known yet), `streaming` answers
    that are being read meanwhile: with some, a step is kept as short as `STREAM_GAP` allows."""
    if not streaming or not rate:
        return PREFILL_ROWS
    return max(SMALLEST_PREFILL, min(PREFILL_ROWS, int(rate * STREAM_GAP)))
