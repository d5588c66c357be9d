"""Whether a model fits a machine: a table of machines, and what a person without a model is offered."""

from __future__ import annotations

import pytest

from ingle.catalog.curated import load_catalog
from ingle.catalog.fits import Memory, Verdict, fit, gigabytes, memory_needed, offers

CATALOG = load_catalog()
GB = 1_000_000_000


def machine(total: float, available: float | None = None) -> Memory:
    return Memory(
        total=int(total * GB), available=int((total * 0.7 if available is None else available) * GB)
    )


@pytest.mark.parametrize(
    ("needed", "total", "available", "verdict"),
    [
        (1.8, 8, 5, Verdict.FITS),
        (1.8, 8, 1.7, Verdict.TIGHT),
        (6.1, 8, 8, Verdict.TOO_BIG),
        (6.0, 8, 6.0, Verdict.FITS),
        (5.7, 16, 12, Verdict.FITS),
        (0.5, 0.6, 0.6, Verdict.TOO_BIG),
    ],
)
def test_the_verdict_follows_from_the_memory(
    needed: float, total: float, available: float, verdict: Verdict
) -> None:
    found = fit(int(needed * GB), machine(total, available))
    assert found.verdict is verdict
    assert found.ok is (verdict is not Verdict.TOO_BIG)


def test_every_verdict_says_why_in_one_sentence_with_the_numbers() -> None:
    assert fit(2 * GB, machine(8, 4)).sentence == (
        "Fits this machine: it needs about 2.0 GB, and 4.0 GB is free now."
    )
    assert "only 1.0 GB is free now" in fit(2 * GB, machine(8, 1)).sentence
    assert "needs about 7.0 GB and a model can have 6.0 GB of the 8.0 GB" in fit(7 * GB, machine(8)).sentence


@pytest.mark.parametrize(
    ("total", "aliases"),
    [
        (16, ("qwen3:1.7b", "qwen3:4b", "qwen3:8b", "starter")),
        (6, ("qwen3:1.7b", "qwen3:4b", "starter")),
        (4, ("qwen3:1.7b", "starter")),
        (2, ("tinyllama", "starter")),
        (0.5, ("starter",)),
    ],
)
def test_the_offer_is_the_default_with_its_larger_relatives_that_fit(
    total: float, aliases: tuple[str, ...]
) -> None:
    assert tuple(entry.alias for entry in offers(CATALOG, machine(total))) == aliases


def test_the_memory_a_model_needs_grows_with_its_context() -> None:
    short = memory_needed(GB, kv_bytes_per_token=100_000, context=4096)
    long = memory_needed(GB, kv_bytes_per_token=100_000, context=8192)
    assert long - short == 4096 * 100_000
    assert short == int(1.05 * GB) + 409_600_000 + 300_000_000


def test_an_unlisted_model_is_judged_without_its_header_too() -> None:
    for entry in CATALOG.entries:
        guessed = memory_needed(entry.download)
        assert 0.6 < guessed / entry.memory_4k < 1.4, entry.alias


@pytest.mark.parametrize(("count", "text"), [(1_790_000_000, "1.8 GB"), (92_871_040, "93 MB")])
def test_sizes_are_shown_short(count: int, text: str) -> None:
    assert gigabytes(count) == text
