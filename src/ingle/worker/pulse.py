"""Asks a loaded child again and again whether it still makes tokens, and ends one that says no.

A child that does not answer is waited for as long as one that says "stuck": a long step may hold its interpreter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ingle.engines.base import EngineHealth
from ingle.errors import IngleError, WorkerCrashed, WorkerTimeout

PERIOD = 10.0
"""Seconds between two questions."""
MOST_ILL = 180
"""Questions in a row, half an hour of them or more, to which the child says "stuck" or nothing: one step of a
large model on a slow CPU takes minutes. A loop that has ended is not waited for."""


async def watch_pulse(
    ping: Callable[[], Awaitable[EngineHealth]], give_up: Callable[[str], None], period: float
) -> None:
    """Until the child is gone, or says that it makes no tokens any more: then `give_up(reason)`."""
    ill = 0
    while True:
        await asyncio.sleep(period)
        try:
            health = await ping()
        except WorkerTimeout as silence:
            health = EngineHealth(ok=False, reason=silence.message)
        except IngleError:
            return
        ill = 0 if health.ok else ill + 1
        if health.ended or ill >= MOST_ILL:
            give_up(health.reason)
            return


def no_pulse(name: str, reason: str, lines: tuple[str, ...]) -> WorkerCrashed:
    """What those inside are told."""
    return WorkerCrashed(
        f"The worker of {name} made no tokens any more, so it was ended: {reason}.",
        hint="The model can be loaded again; the last lines the worker wrote are in the details.",
        signal="SIGKILL",
        exit_code=None,
        log=list(lines),
    )
