"""The examples of property tests are the same in each run, whatever its tests import and in whatever order."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow


def drawn() -> list[tuple[str, int]]:
    """Every example of a property test."""
    examples: list[tuple[str, int]] = []

    @settings(max_examples=200, derandomize=True, database=None)
    @given(st.text(), st.integers())
    def note(text: str, number: int) -> None:
        examples.append((text, number))

    note()
    return examples


def test_a_module_that_is_imported_brings_no_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = drawn()
    path = tmp_path / "words.py"
    path.write_text("WORDS = [" + ", ".join(f"'word{n}', 10{n:02}" for n in range(50)) + "]\n")
    spec = spec_from_file_location("words", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "words", module)
    assert len(before) == 200
    assert drawn() == before
