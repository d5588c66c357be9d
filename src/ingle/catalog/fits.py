"""Decides whether a model fits the memory of a machine, and says so in one sentence; measures nothing."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ingle.catalog.curated import Catalog, CatalogEntry
from ingle.catalog.model import Snapshot

ENGINE_BYTES = 300_000_000
"""What an engine takes beside weights and cache: interpreter, libraries, buffers of one prefill."""

WEIGHT_FACTOR = 1.05
"""Weights in memory against weights on disk: alignment and what a loader keeps twice."""

SHARE = 0.75
"""The part of all memory a model may take. Source: the working set that Metal recommends on Apple
Silicon is about three quarters of the unified memory; more makes any system swap."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine has, in bytes: all of it, and what can be had now without swapping."""

    total: int
    available: int


class Verdict(StrEnum):
    """`TIGHT` means: it fits the machine, though not beside what runs on it now."""

    FITS = "fits"
    TIGHT = "tight"
    TOO_BIG = "too-big"


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, the bytes it rests on, and the sentence to show."""

    verdict: Verdict
    needed: int
    memory: Memory
    sentence: str

    @property
    def ok(self) -> bool:
        """Whether the machine can run it at all."""
        return self.verdict is not Verdict.TOO_BIG


def memory_needed(weights: int, *, kv_bytes_per_token: int | None = None, context: int = 4096) -> int:
    """Bytes a model of `weights` bytes takes with `context` tokens of context.

    Keys and values are 16-bit. Where the header does not tell their size, a tenth of the weights is
    taken for 4096 tokens, which is the middle of the models in the catalogue.
    """
    per_token = kv_bytes_per_token if kv_bytes_per_token is not None else weights / 10 / 4096
    return int(weights * WEIGHT_FACTOR + per_token * context) + ENGINE_BYTES


def snapshot_memory(snapshot: Snapshot, context: int = 4096) -> int:
    """`memory_needed` of a model that is here, from what its headers say."""
    return memory_needed(snapshot.size, kv_bytes_per_token=snapshot.kv_bytes_per_token, context=context)


def fit(needed: int, memory: Memory) -> Fit:
    """Whether `needed` bytes fit this memory."""
    budget = int(memory.total * SHARE)
    need, total = gigabytes(needed), gigabytes(memory.total)
    if needed > budget:
        verdict = Verdict.TOO_BIG
        sentence = (
            f"Too big for this machine: it needs about {need} and a model can have {gigabytes(budget)} "
            f"of the {total} of memory."
        )
    elif needed > memory.available:
        verdict = Verdict.TIGHT
        sentence = (
            f"Fits this machine ({need} of {total} of memory), but only {gigabytes(memory.available)} "
            "is free now: close something first."
        )
    else:
        verdict = Verdict.FITS
        sentence = f"Fits this machine: it needs about {need}, and {gigabytes(memory.available)} is free now."
    return Fit(verdict=verdict, needed=needed, memory=memory, sentence=sentence)


def offers(catalog: Catalog, memory: Memory) -> tuple[CatalogEntry, ...]:
    """What to offer a person who has no model, the best choice first and the starter last.

    The catalogue's default comes first where the machine can run it, then its larger relatives that fit
    (`tier` above 0); where the default does not fit, the largest listed model that does.
    """
    default = catalog.find("default")
    starter = catalog.find("starter")
    runnable = [entry for entry in catalog.entries if fit(entry.memory_4k, memory).ok and entry != starter]
    if default is not None and default in runnable:
        chosen = [default, *(entry for entry in runnable if entry.tier > 0 and entry != default)]
    else:
        chosen = sorted(runnable, key=lambda entry: entry.memory_4k, reverse=True)[:1]
    return (*chosen, starter) if starter is not None else tuple(chosen)


def gigabytes(count: int) -> str:
    """`1_790_000_000` -> `1.8 GB`, `92_871_040` -> `93 MB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
