"""Draws seeded mixes of trouble for one pull: what the hub does wrong, and what else happens meanwhile; pure."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ingle.hub.pieces import PIECE
from tests.fakes.faults import ALWAYS, Faults

Drawn = dict[str, Any]
BIG = "model.safetensors"


@dataclass(frozen=True)
class Mix:
    """The faults of one pull. `act` happens at request number `act_at`; `label` names the kinds drawn.

    `limit` is the size beyond which a full disk takes no file, and which of its names find no room.
    """

    faults: Faults
    act: str | None = None
    act_at: int = 0
    limit: int = 0
    label: str = ""

    @property
    def spoils(self) -> bool:
        """Whether wrong bytes may have been written: then nothing tells which, and all come again."""
        return self.faults.wrong_bytes_times > 0

    @property
    def sends_again(self) -> bool:
        """Whether a server may have sent what is here once more, though nobody asked: it ignores ranges."""
        return self.faults.ignore_range_times >= 3


def _cut(luck: random.Random) -> Drawn:
    return {"cut_at": luck.randrange(20_000_000), "cut_times": luck.randint(1, 6)}


def _cut_often(luck: random.Random) -> Drawn:
    return {"cut_between": (luck.randint(200_000, 1_000_000), luck.randint(1_000_000, 9_000_000))}


def _statuses(luck: random.Random) -> Drawn:
    told = tuple(luck.choice((500, 502, 503, 504, 408)) for _ in range(luck.randint(1, 5)))
    return {"statuses": told, "on": frozenset(luck.sample(("api", "resolve", "bytes"), luck.randint(1, 3)))}


def _few(name: str, most: int = 3) -> Callable[[random.Random], Drawn]:
    return lambda luck: {name: luck.randint(1, most)}


def _set(**fields: Any) -> Callable[[random.Random], Drawn]:
    return lambda luck: fields


KINDS: dict[str, tuple[float, Callable[[random.Random], Drawn]]] = {
    "cut": (4, _cut),
    "cut often": (3, _cut_often),
    "stall": (0.3, lambda luck: {"stall_at": luck.randrange(3_000_000), "stall_times": 1}),
    "trickle": (0.3, _few("trickle_times", 1)),
    "slow": (1, lambda luck: {"rate": luck.uniform(8e6, 40e6)}),
    "packed": (2, _few("gzip_times")),
    "wrong bytes": (2, _few("wrong_bytes_times", 2)),
    "always wrong": (0.5, _set(wrong_bytes_times=ALWAYS)),
    "lying length": (
        2,
        lambda luck: {"lie_times": luck.randint(1, 3), "lie_by": luck.choice((-1, 1, -999, 999))},
    ),
    "web page": (2, _few("html_times")),
    "whole file": (2, _few("ignore_range_times")),
    "no ranges": (0.5, _set(ignore_range_times=ALWAYS)),
    "wrong total": (2, _few("wrong_total_times")),
    "wrong start": (2, _few("wrong_start_times")),
    "no range": (2, _few("no_content_range_times")),
    "416": (2, _few("refuse_range_times")),
    "short signatures": (3, _few("signed_uses", 4)),
    "loop": (1, _few("loop_times", 2)),
    "relative": (2, _set(relative_redirects=True)),
    "statuses": (4, _statuses),
    "limited": (1, lambda luck: {"limited_times": luck.randint(1, 3), "retry_after": luck.choice((0, 1))}),
    "vanish": (1, lambda luck: {"vanish_after": luck.randint(2, 12)}),
    "revoked": (1, lambda luck: {"revoke_after": luck.randint(1, 8)}),
    "no commit": (1, _set(no_commit=True)),
    "no linked": (1, _set(no_linked=True)),
    "odd tag": (1, _set(etag="../../../../evil")),
}
ACTS = ("cancel", "move", "drop", "expire", "full disk", "no room for names", "other tool", "prune")


def draw(luck: random.Random) -> Mix:
    """One to four kinds of trouble, aimed at all files or at the large one, and perhaps an act."""
    names = list(KINDS)
    chosen = set(luck.choices(names, [KINDS[name][0] for name in names], k=luck.randint(1, 4)))
    fields: Drawn = {"seed": luck.randrange(1 << 30), "only": luck.choice((None, BIG, BIG))}
    for name in sorted(chosen):
        fields |= KINDS[name][1](luck)
    act = luck.choice(ACTS) if luck.random() < 0.6 else None
    limit = luck.choice((30, luck.randrange(PIECE), luck.randrange(4 * PIECE)))
    label = ", ".join(sorted(chosen | ({act} if act else set())))
    return Mix(Faults(**fields), act, luck.randint(2, 12), limit, label)
