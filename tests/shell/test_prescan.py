"""Characters that deceive are found, and said to be there, in bounded time however many there are."""

from __future__ import annotations

import pytest

from ingle.shell.verdict import Level, analyse
from tests.bounded import within


@pytest.mark.slow
@pytest.mark.parametrize("character", ["\u00a0", "\u200b", "\x01", "\u202e", "rm\u2044x "])
@pytest.mark.parametrize("length", [4_000, 400_000])
def test_a_command_full_of_deceptive_characters_is_high_at_once(character: str, length: int) -> None:
    with within(2.5):
        verdict = analyse((character * length)[:length])
        assert verdict.level >= Level.HIGH


def test_what_deceives_is_shown_escaped_from_the_beginning_and_no_longer_than_a_page() -> None:
    (found, *_) = analyse("ls\u200b " + "\u00a0" * 1_000).findings
    assert found.resolved.startswith("`ls\\u200b \\xa0")
    assert len(found.resolved) <= 402
