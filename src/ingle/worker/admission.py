"""Lets requests into a worker in the order they came, never more than it has slots for."""

from __future__ import annotations

import asyncio
from collections import deque


class Admission:
    """A queue for slots. A request may take several (choices of one request run side by side).

    Strictly first come, first served: a wide request at the front is waited for, not overtaken.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.inside = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def acquire(self, width: int = 1) -> int:
        """Wait for `width` slots (at most all of them); how many were taken, to give to `release`.

        Cancelled while waiting, it leaves the queue and takes nothing.
        """
        width = max(1, min(width, self.slots))
        if not self._waiting and self.inside + width <= self.slots:
            self.inside += width
            return width
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (width, turn)
        self._waiting.append(entry)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.inside -= width  # admitted and cancelled in the same moment
            elif entry in self._waiting:
                self._waiting.remove(entry)
            self._admit()
            raise
        return width

    def release(self, width: int) -> None:
        """Give back what `acquire` took, and let the next ones in."""
        self.inside -= width
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.inside + self._waiting[0][0] <= self.slots:
            width, turn = self._waiting.popleft()
            if not turn.done():
                self.inside += width
                turn.set_result(None)
