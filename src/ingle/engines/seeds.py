"""The seed of each choice of a request, the same on every engine. Draws from the system only without a seed."""

from __future__ import annotations

import hashlib
import secrets

_SEEDS = 0xFFFF_FFFF
"""Seeds have 32 bits, and this one means "random" to llama.cpp."""


def choice_seed(seed: int | None, index: int) -> int:
    """Of choice `index`: the same for the same seed, one apart for each choice; random without a seed.

    Hashed, so that the second choice of seed 3 is not the first one of seed 4.
    """
    if seed is None:
        return secrets.randbelow(_SEEDS)
    digest = hashlib.blake2b(f"{seed}:{index}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _SEEDS
