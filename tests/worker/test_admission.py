"""Slots are given in order, never more than there are, and a cancelled wait takes none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ingle.worker.admission import Admission


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def visitor(door: Admission, log: list[str], name: str, width: int = 1) -> Callable[[], Awaitable[None]]:
    async def visit() -> None:
        await door.acquire(width)
        log.append(name)

    return visit


async def test_never_more_inside_than_slots_and_the_rest_in_order() -> None:
    door, log = Admission(2), list[str]()
    tasks = [asyncio.ensure_future(visitor(door, log, name)()) for name in "abcd"]
    await settle()
    assert (log, door.inside, door.waiting) == (["a", "b"], 2, 2)
    door.release(1)
    await settle()
    assert log == ["a", "b", "c"]
    door.release(1)
    await asyncio.gather(*tasks)
    assert (log, door.inside, door.waiting) == (["a", "b", "c", "d"], 2, 0)


async def test_a_cancelled_wait_leaves_the_queue_and_takes_nothing() -> None:
    door, log = Admission(1), list[str]()
    await door.acquire()
    second = asyncio.ensure_future(visitor(door, log, "second")())
    third = asyncio.ensure_future(visitor(door, log, "third")())
    await settle()
    second.cancel()
    await settle()
    door.release(1)
    await third
    assert (log, door.inside) == (["third"], 1)


async def test_cancelled_in_the_moment_of_admission_gives_the_slot_on() -> None:
    door, log = Admission(1), list[str]()
    await door.acquire()
    second = asyncio.ensure_future(visitor(door, log, "second")())
    third = asyncio.ensure_future(visitor(door, log, "third")())
    await settle()
    door.release(1)  # the slot is now second's, who has not run yet
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await third
    assert (log, door.inside, door.waiting) == (["third"], 1, 0)


async def test_a_wide_request_is_not_overtaken() -> None:
    door, log = Admission(2), list[str]()
    await door.acquire()
    wide = asyncio.ensure_future(visitor(door, log, "wide", 2)())
    narrow = asyncio.ensure_future(visitor(door, log, "narrow")())
    await settle()
    assert log == []
    door.release(1)
    await wide
    assert log == ["wide"]
    door.release(2)
    await narrow


async def test_a_request_wider_than_all_slots_takes_all_of_them() -> None:
    door = Admission(2)
    assert await door.acquire(8) == 2
