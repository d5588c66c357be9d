"""The rows that were set aside to measure with stay out of what we tune on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .corpus import labelled

# Made by `python bench/shell.py PATH/public.jsonl --fingerprints`: hashes, so nobody reads the rows.
_FINGERPRINTS = Path(__file__).parent / "held_out.sha256"


def test_no_command_that_was_set_aside_stands_among_our_own() -> None:
    aside = set(_FINGERPRINTS.read_text(encoding="ascii").split())
    assert len(aside) > 90
    own = {hashlib.sha256(" ".join(row.command.split()).encode()).hexdigest() for row in labelled()}
    assert own & aside == set()
