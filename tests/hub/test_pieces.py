"""The scheduler of pieces, and what paces it: every byte once, whoever fails, stalls or is taken over."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingle.hub.pace import Backoff, Connections, Patience
from ingle.hub.pieces import LARGEST, PIECE, STALL, Lease, Pieces


def _run(seed: int, sizes: list[int]) -> None:
    """Plays random events until nothing is missing; every byte must be written by exactly one lease."""
    dice = random.Random(seed)
    pieces = Pieces()
    written: dict[int, list[tuple[int, int]]] = {}
    done: list[tuple[int, int]] = []
    now = 0.0
    for number, size in enumerate(sizes):
        pieces.add(number, size)
        written[number] = []
    active: list[Lease] = []
    for _ in range(100_000):
        if pieces.idle:
            break
        now += dice.random() * 2
        event = dice.random()
        if len(active) < 5 and event < 0.5:
            lease = pieces.ask(now, 5)
            if lease is not None:
                active.append(lease)
        elif active and event < 0.9:
            lease = dice.choice(active)
            count = min(lease.room, dice.choice([1, 1000, PIECE // 3, PIECE]))
            if not lease.revoked and count:
                written[lease.file].append((lease.pos, lease.pos + count))
                found = pieces.wrote(lease, count, 7, now)
                if found is not None:
                    done.append((found.file, found.index))
        elif active and event < 0.95:
            pieces.release(active.pop(dice.randrange(len(active))))
        elif event < 0.955:
            pieces.in_order(dice.randrange(len(sizes)))
        else:
            pieces.judge(now)
        active = [lease for lease in active if not lease.revoked and lease.remaining]
        for lease in pieces.leases:
            if not lease.remaining:
                pieces.release(lease)
    assert pieces.idle
    for number, size in enumerate(sizes):
        runs = sorted(written[number])
        assert [start for start, _ in runs] == [0, *(stop for _, stop in runs[:-1])][: len(runs)]
        assert (runs[-1][1] if runs else 0) == size
    assert sorted(done) == [
        (number, index) for number, size in enumerate(sizes) for index in range(-(-size // PIECE))
    ]


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 1 << 30),
    st.lists(st.integers(0, 6 * PIECE), min_size=1, max_size=4),
)
def test_every_byte_is_written_by_exactly_one_lease(seed: int, sizes: list[int]) -> None:
    _run(seed, sizes)


def test_a_file_that_comes_in_order_has_one_lease_at_a_time_as_long_as_it_goes() -> None:
    pieces = Pieces()
    pieces.add(0, 40 * PIECE)
    pieces.add(1, PIECE)
    begun = [pieces.ask(0.0, 4) for _ in range(3)]
    first, *others = (lease for lease in begun if lease is not None)
    pieces.in_order(0)
    for lease in others:
        pieces.release(lease)
    beside = pieces.ask(0.0, 4)
    assert beside is not None and beside.file == 1
    assert pieces.ask(0.0, 4) is None
    while first.remaining:
        pieces.wrote(first, first.room, 0, 1.0)
    pieces.release(first)
    rest = pieces.ask(1.0, 4)
    assert rest is not None and (rest.start, rest.stop) == (first.stop, 40 * PIECE)
    pieces.wrote(rest, PIECE, 0, 2.0)
    pieces.release(rest)
    again = pieces.ask(2.0, 4)
    assert again is not None and (again.start, again.stop) == (first.stop + PIECE, 40 * PIECE)


def test_a_stream_that_skips_what_is_there_is_neither_slow_nor_silent() -> None:
    pieces = Pieces()
    pieces.add(0, 40 * PIECE)
    pieces.in_order(0)
    lease = pieces.ask(0.0, 4)
    assert lease is not None
    for second in range(1, 60):
        pieces.skipped(lease, PIECE, float(second))
        assert pieces.judge(float(second)) == ()
        assert pieces.ask(float(second), 4) is None
    assert pieces.judge(59.0 + STALL) == (lease,)


def test_ranges_are_whole_pieces_and_shrink_towards_the_end() -> None:
    pieces = Pieces()
    pieces.add(0, 400 * PIECE)
    first = pieces.ask(0.0, 4)
    assert first is not None and first.stop - first.start == LARGEST * PIECE
    small = Pieces()
    small.add(0, 5 * PIECE)
    lease = small.ask(0.0, 4)
    assert lease is not None and (lease.start, lease.stop) == (0, PIECE)


def test_an_idle_connection_takes_the_later_half_of_the_longest_lease() -> None:
    pieces = Pieces()
    pieces.add(0, 8 * PIECE)
    lease = pieces.ask(0.0, 1)
    while lease is not None and pieces.queued:
        pieces.wrote(lease, lease.room, 0, 0.1)
        if not lease.remaining:
            pieces.release(lease)
            lease = pieces.ask(0.1, 1)
    big = Pieces()
    big.add(0, 64 * PIECE)
    first = big.ask(0.0, 1)
    assert first is not None
    rest = []
    while big.queued:
        found = big.ask(0.0, 1)
        assert found is not None
        rest.append(found)
    stop = first.stop
    thief = big.ask(1.0, 1)
    assert thief is not None and any(thief.stop == one.stop or thief.stop == stop for one in [first, *rest])
    assert thief.start % PIECE == 0


def test_a_lease_without_a_byte_for_fifteen_seconds_is_given_up() -> None:
    pieces = Pieces()
    pieces.add(0, PIECE)
    lease = pieces.ask(0.0, 1)
    assert lease is not None
    assert pieces.judge(STALL - 0.1) == ()
    assert pieces.judge(STALL) == (lease,)
    assert lease.revoked
    again = pieces.ask(STALL, 1)
    assert again is not None and (again.start, again.stop) == (0, PIECE)


def test_a_lease_far_below_its_peers_is_given_up_and_keeps_what_it_wrote() -> None:
    pieces = Pieces()
    pieces.add(0, 3 * PIECE)
    leases = [lease for _ in range(3) if (lease := pieces.ask(0.0, 3)) is not None]
    for second in range(1, 8):
        pieces.wrote(leases[0], 1, 0, float(second))
        for fast in leases[1:]:
            pieces.wrote(fast, 1 << 20, 0, float(second))
    assert pieces.judge(7.0) == (leases[0],)
    again = pieces.ask(7.0, 3)
    assert again is not None and (again.file, again.start) == (0, 7)


def test_when_all_are_slow_none_is_given_up() -> None:
    pieces = Pieces()
    pieces.add(0, 3 * PIECE)
    leases = [lease for _ in range(3) if (lease := pieces.ask(0.0, 3)) is not None]
    for second in range(1, 60):
        for lease in leases:
            pieces.wrote(lease, 1, 0, float(second))
    assert pieces.judge(60.0) == ()


def test_a_lease_that_is_writing_is_not_taken_away() -> None:
    pieces = Pieces()
    pieces.add(0, PIECE)
    lease = pieces.ask(0.0, 1)
    assert lease is not None
    lease.writing = True
    assert pieces.judge(100.0) == ()


def test_a_released_lease_comes_back_first_with_its_checksum() -> None:
    pieces = Pieces()
    pieces.add(0, 4 * PIECE)
    lease = pieces.ask(0.0, 1)
    assert lease is not None
    pieces.wrote(lease, 1000, 42, 1.0)
    pieces.release(lease)
    assert [(span.start, span.crc) for span in pieces.unfinished()] == [(1000, 42)]
    again = pieces.ask(1.0, 1)
    assert again is not None and (again.pos, again.crc) == (1000, 42)


def test_a_last_piece_that_is_done_and_whose_lease_is_still_held_is_not_unfinished() -> None:
    pieces = Pieces()
    pieces.add(0, 1000)
    lease = pieces.ask(0.0, 1)
    assert lease is not None
    assert pieces.wrote(lease, 1000, 42, 0.0) is not None
    assert pieces.unfinished() == ()


def test_a_spoiled_piece_is_fetched_first() -> None:
    pieces = Pieces()
    pieces.add(0, 4 * PIECE, ((2 * PIECE, 4 * PIECE, 0),))
    pieces.spoil(0, 1)
    lease = pieces.ask(0.0, 1)
    assert lease is not None and (lease.start, lease.stop) == (PIECE, 2 * PIECE)


def test_the_first_failure_is_tried_again_at_once_and_later_ones_wait_longer() -> None:
    backoff = Backoff(random.Random(1))
    waits = [backoff.failed() for _ in range(12)]
    assert waits[0] == 0.0
    assert 0.1 < waits[1] <= 0.25 and 15 <= waits[-1] <= 30
    backoff.arrived()
    assert backoff.failed() == 0.0


def test_what_the_hub_asks_for_is_never_undercut() -> None:
    backoff = Backoff(random.Random(1))
    assert backoff.failed(7.0) == 7.0
    assert backoff.failed(90.0) == 90.0


def test_connections_grow_while_the_rate_rises_and_stop_at_the_most() -> None:
    connections = Connections()
    fetched, rate = 0, 1000.0
    for step in range(40):
        connections.look(step * 0.5, int(fetched))
        fetched += int(rate)
        rate *= 1.3
    assert connections.wanted == 16


def test_connections_stay_where_more_of_them_bring_nothing() -> None:
    connections = Connections()
    for step in range(40):
        connections.look(step * 0.5, step * 1000)
    assert connections.wanted == 6  # the first rise above nothing, and no other


def test_a_hub_that_limits_gets_half_as_many_connections() -> None:
    connections = Connections(wanted=8)
    assert connections.refused() == 4
    assert connections.look(100.0, 1 << 30) <= 4


@pytest.mark.parametrize(("excused", "spent"), [(0.0, True), (50.0, False)])
def test_patience_counts_no_wait_that_a_hub_asked_for(excused: float, spent: bool) -> None:
    patience = Patience(30.0, 0.0)
    patience.excused(excused)
    assert patience.spent(40.0) is spent


def test_a_hub_that_only_ever_asks_to_wait_is_given_up_and_one_byte_renews_the_patience() -> None:
    patience = Patience(30.0, 0.0, mercy=100.0)
    now = 0.0
    while not patience.spent(now):
        patience.excused(now + 10.0)
        now += 10.0
        assert now < 1000.0
    assert 100.0 < now <= 140.0
    patience.arrived(now)
    patience.excused(now + 90.0)
    assert not patience.spent(now + 110.0)


def test_a_lease_that_is_left_alone_and_slow_is_taken_over_after_its_peers_are_done() -> None:
    pieces = Pieces()
    pieces.add(0, 3 * PIECE)
    leases = [lease for _ in range(3) if (lease := pieces.ask(0.0, 4)) is not None]
    for lease in leases[:2]:
        pieces.wrote(lease, PIECE, 1, 1.0)
        pieces.release(lease)
    slow = leases[2]
    for second in range(1, 7):
        pieces.wrote(slow, 2000, 0, float(second))
    taken = pieces.ask(7.0, 4)
    assert taken is not None
    assert slow.revoked
    assert (taken.pos, taken.stop) == (2 * PIECE + 12_000, 3 * PIECE)


def test_a_hopelessly_slow_lease_is_taken_over_even_without_any_peer() -> None:
    pieces = Pieces()
    pieces.add(0, 5000)
    slow = pieces.ask(0.0, 4)
    assert slow is not None
    for second in range(1, 7):
        pieces.wrote(slow, 1, 0, float(second))
    assert pieces.ask(4.0, 4) is None
    assert pieces.ask(7.0, 4) is not None
    assert slow.revoked
