"""The bus: everyone hears the same, nobody is waited for."""

from __future__ import annotations

from ingle.runtime.events import BOUND, EventBus, EventKind, RuntimeEvent


def news(number: int = 0) -> RuntimeEvent:
    return RuntimeEvent(event=EventKind.UNLOADED, model=f"m{number}", progress=0.0)


async def test_every_listener_hears_what_is_published_after_it_came() -> None:
    bus = EventBus()
    bus.publish(news(0))
    first, second = bus.subscribe(), bus.subscribe()
    bus.publish(news(1))
    bus.close()
    assert [event.model async for event in first] == ["m1"]
    assert [event.model async for event in second] == ["m1"]


async def test_a_late_listener_first_hears_the_current_state() -> None:
    bus = EventBus()
    listener = bus.subscribe([news(7)])
    bus.publish(news(8))
    bus.close()
    assert [event.model async for event in listener] == ["m7", "m8"]


async def test_a_slow_listener_is_dropped_with_the_reason_and_the_others_go_on() -> None:
    bus = EventBus()
    slow, quick = bus.subscribe(), bus.subscribe()
    heard = 0
    for number in range(BOUND + 1):
        bus.publish(news(number))
        heard += (await anext(quick)).model == f"m{number}"
    assert heard == BOUND + 1
    assert len(bus) == 1
    left = [event async for event in slow]
    assert [event.event for event in left] == [EventKind.DROPPED]
    assert "behind" in left[0].reason


async def test_a_listener_that_leaves_hears_no_more() -> None:
    bus = EventBus()
    async with bus.subscribe():
        assert len(bus) == 1
    assert len(bus) == 0


async def test_who_comes_after_the_end_hears_only_the_current_state() -> None:
    bus = EventBus()
    bus.close()
    assert [event.model async for event in bus.subscribe([news(1)])] == ["m1"]
