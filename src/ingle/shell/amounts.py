"""Reads sizes as tools write them (`900G`, `2TiB`, `1k`) and says which no disk is meant to hold; pure."""

from __future__ import annotations

import re

# More than anybody makes on purpose on a laptop: a file of this size is there to fill the disk.
_VAST = 50 << 30
_SIZE = re.compile(r"[+<>/%-]?(\d+)\s*([kKmMgGtTpPeEbcw]?)(?:i?[bB])?\Z")
_POWERS = {"k": 10, "m": 20, "g": 30, "t": 40, "p": 50, "e": 60}


def size_of(text: str) -> int:
    """The bytes a size means; 0 when it is no plain size."""
    match = _SIZE.match(text)
    if match is None:
        return 0
    return min(int(match[1][:20]), 1 << 62) << _POWERS.get(match[2].lower(), 0)


def is_vast(count: int) -> bool:
    return count >= _VAST
