"""Kills a pulling process at seeded random moments, and checks after each that nothing was lost or shown."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass

from tests.fakes.faults import Faults
from tests.fakes.wire import Asked
from tests.hub.child import start_child
from tests.hub.promises import Outcome, Scene, check_not_again, check_promises

PIECES_RATE = 12e6
"""Bytes a second on each connection: slow enough that a kill falls into the middle of things."""
HANG = 60.0
"""Seconds; a child that is silent for so long hangs."""


@dataclass
class Killed:
    """What one kill did: bytes sent before it, and whether the child had ended by itself before."""

    sent: int
    finished: bool


def kill_once(scene: Scene, luck: random.Random) -> Killed:
    """Starts a pull, kills it with SIGKILL at a random moment, checks the promises.

    The moment: after a random share of the bytes were sent and then a random part of another second, so that
    listing, fetching, hashing and publishing are all hit. Bytes recorded before must not be sent again.
    """
    hub = scene.hub
    hub.faults = Faults(rate=PIECES_RATE, from_size=1 << 20)
    recorded = scene.recorded()
    hub.forget_requests()
    total = sum(entry.content.size for entry in scene.entries.values())
    missing = total - sum(stop - start for spans in recorded.values() for start, stop in spans)
    goal = luck.random() * 1.2 * missing
    asked = threading.Event()
    look = hub.before

    def first(request: Asked) -> None:
        asked.set()
        if look is not None:
            look(request)

    hub.before = first
    child = start_child(scene.folder, hub.url)
    try:
        assert asked.wait(HANG), "the child asked for nothing"
        until = time.monotonic() + HANG
        ended = threading.Event()
        while hub.bytes_sent() < goal and child.poll() is None and time.monotonic() < until:
            ended.wait(0.01)
        ended.wait(luck.random())
    finally:
        child.kill()
        told, _ = child.communicate()
        hub.before = look
        hub.settle()  # or a request of the dead child would be counted for the next one
    check_not_again(scene, recorded)
    check_promises(scene, Outcome())
    return Killed(hub.bytes_sent(), told.startswith("done"))
