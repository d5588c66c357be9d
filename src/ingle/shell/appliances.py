"""Judges what a line says to a router, a switch or a firewall in the appliance's own language."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .finding import Level

if TYPE_CHECKING:
    from .machine import Machine

_STATEMENTS = re.compile(r"[;\n]")


@cache
def _sayings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Each family of sayings as one pattern, with what they do."""
    path = Path(__file__).parent / "effects" / "appliances.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(
        (re.compile("|".join(f"(?:{line})" for line in one["lines"].split("\n") if line)), one["says"])
        for one in data["said"]
    )


def judge(machine: Machine, text: str) -> None:
    """Report a reset, a restart or a removal among statements that are handed to another host."""
    for statement in _STATEMENTS.split(text):
        said = statement.strip()
        for pattern, consequence in _sayings() if said else ():
            if pattern.match(said):
                machine.report(Level.HIGH, "remote destroy", consequence)
