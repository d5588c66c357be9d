"""The threads of a transfer against a source in memory that fails on cue."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingle.catalog.listing import ListedFile
from ingle.errors import Cancelled, DiskFull, Gated, HubLied, HubUnreachable, IngleError, RateLimited
from ingle.hub.layout import RepoPlace
from ingle.hub.limit import RateLimit
from ingle.hub.partial import LargePartial, Partial
from ingle.hub.pieces import PIECE, STALL
from ingle.hub.small import SmallPartial
from ingle.hub.transfer import Transfer, Tuning
from tests.hub.pulling import NAME, listed, weights
from tests.hub.source import Source

pytestmark = pytest.mark.slow


def _stands() -> float:
    """A clock by which nobody is ever slow, silent or out of patience, however busy the machine is."""
    return 0.0


def _fetch(
    source: Source,
    partials: list[Partial],
    tuning: Tuning | None = None,
    clock: Callable[[], float] = _stands,
) -> dict[str, Path]:
    """Runs a transfer to its end; gives the finished files by their path in the repo."""
    found = {}
    with Transfer(
        source.open, cancel=threading.Event(), tuning=tuning or Tuning(seed=1), clock=clock
    ) as transfer:
        for partial in partials:
            transfer.add(partial)
        while transfer.open_files:
            for partial in transfer.tick(0.1):
                found[partial.file.path] = partial.finish()
                partial.close()
    return found


LARGE = weights(3 * PIECE + 1000)
SMALL = b"small" * 100


def _both(folder: Path) -> list[Partial]:
    place = RepoPlace(folder, NAME)
    return [
        LargePartial(place, listed("large", LARGE, large=True)),
        SmallPartial(place, listed("small", SMALL)),
    ]


def test_small_and_large_files_arrive_whole(tmp_path: Path) -> None:
    found = _fetch(Source(large=LARGE, small=SMALL), _both(tmp_path))
    assert found["large"].read_bytes() == LARGE
    assert found["small"].read_bytes() == SMALL


def test_a_link_that_drops_every_few_hundred_kilobytes_still_makes_progress(tmp_path: Path) -> None:
    source = Source(large=LARGE, small=SMALL)
    dice = random.Random(1)

    def fault(at: int) -> None:
        if at and dice.random() < 0.2:
            raise HubUnreachable("dropped", cut=True)

    source.fault = fault
    assert _fetch(source, _both(tmp_path))["large"].read_bytes() == LARGE
    # Nothing that was written is asked for again: every opening starts where the last one ended.
    starts = [start for path, start, _ in source.asked if path == "large"]
    assert len(starts) == len(set(starts))


@pytest.mark.parametrize("error", [Gated("closed"), DiskFull(Path("/x"), 1, 0)])
def test_what_will_not_change_by_asking_again_ends_the_transfer_at_once(
    tmp_path: Path, error: IngleError
) -> None:
    source = Source(large=LARGE, small=SMALL)

    def refuse(_file: ListedFile, _start: int) -> None:
        raise error

    source.refuse = refuse
    with pytest.raises(type(error)):
        _fetch(source, _both(tmp_path))


@pytest.mark.slow
def test_a_hub_that_always_lies_is_given_up_and_one_that_lies_a_few_times_is_not(tmp_path: Path) -> None:
    for lies, ends in ((4, True), (1000, False)):
        source = Source(large=LARGE, small=SMALL)
        left = [lies]

        def refuse(_file: ListedFile, _start: int, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] >= 0:
                raise HubLied("a page")

        source.refuse = refuse
        if ends:
            assert len(_fetch(source, _both(tmp_path / str(lies)))) == 2
        else:
            with pytest.raises(HubLied):
                _fetch(source, [SmallPartial(RepoPlace(tmp_path, NAME), listed("small", SMALL))])


def test_without_a_byte_for_the_set_time_the_transfer_gives_up(tmp_path: Path) -> None:
    source = Source(large=LARGE, small=SMALL)

    def refuse(_file: ListedFile, _start: int) -> None:
        raise HubUnreachable("down", host="x")

    source.refuse = refuse
    with pytest.raises(HubUnreachable, match="No byte came"):
        _fetch(source, _both(tmp_path), Tuning(seed=1, patience=0.3), time.monotonic)


def test_when_all_connections_are_silent_for_fifteen_seconds_each_is_replaced(tmp_path: Path) -> None:
    source = Source(large=LARGE)
    source.silent = 4
    now = [0.0]
    said: list[str] = []
    with Transfer(
        source.open,
        cancel=threading.Event(),
        log=said.append,
        tuning=Tuning(seed=1, connections=4),
        clock=lambda: now[0],
    ) as transfer:
        transfer.add(LargePartial(RepoPlace(tmp_path, NAME), listed("large", LARGE, large=True)))
        while len(source.asked) < 4:
            assert transfer.tick(0.05) == []
        now[0] = STALL - 1
        assert transfer.tick(0.05) == []
        assert len(source.asked) == 4 and said == []
        now[0] = STALL
        while transfer.open_files:
            for partial in transfer.tick(0.1):
                assert partial.finish().read_bytes() == LARGE
                partial.close()
    assert len([line for line in said if "stalled" in line]) == 4
    assert sorted(source.asked[:4]) == sorted(source.asked[4:8])


def test_a_pause_the_hub_asks_for_is_kept_and_said(tmp_path: Path) -> None:
    source = Source(large=LARGE, small=SMALL)
    asked = itertools.count()

    def refuse(_file: ListedFile, _start: int) -> None:
        if next(asked) == 0:
            raise RateLimited("too many requests", seconds=0.2)

    source.refuse = refuse
    said: list[str] = []
    with Transfer(source.open, cancel=threading.Event(), log=said.append, tuning=Tuning(seed=1)) as transfer:
        for partial in _both(tmp_path):
            transfer.add(partial)
        while transfer.open_files:
            for partial in transfer.tick(0.1):
                partial.close()
    assert any("asks for a pause" in line for line in said)


@pytest.mark.parametrize(
    "error", [RateLimited("too many requests", seconds=0.5), HubUnreachable("not now", seconds=0.5)]
)
def test_while_the_hub_wants_a_pause_no_connection_asks_it(tmp_path: Path, error: IngleError) -> None:
    source = Source(large=LARGE, small=SMALL)
    second, told = threading.Event(), threading.Event()
    counting = threading.Lock()
    asked: list[float] = []

    def refuse(_file: ListedFile, _start: int) -> None:
        with counting:
            asked.append(time.monotonic())
            first = len(asked) == 1
        if first:
            assert second.wait(60)
            asked[0] = time.monotonic()
            raise error
        second.set()
        assert told.wait(60)

    source.refuse = refuse
    tuning = Tuning(seed=1, connections=2)
    with Transfer(
        source.open, cancel=threading.Event(), log=lambda _line: told.set(), tuning=tuning
    ) as transfer:
        for partial in _both(tmp_path):
            transfer.add(partial)
        while transfer.open_files:
            for partial in transfer.tick(0.1):
                partial.close()
    assert len(asked) > 3
    assert min(asked[2:]) - asked[0] >= 0.5


def test_a_transfer_that_is_only_ever_asked_to_wait_gives_up_in_the_end(tmp_path: Path) -> None:
    source = Source(large=LARGE, small=SMALL)
    asked = 0

    def refuse(_file: ListedFile, _start: int) -> None:
        nonlocal asked
        asked += 1
        raise RateLimited("too many requests", seconds=0.01)

    source.refuse = refuse
    with (
        Transfer(
            source.open,
            cancel=threading.Event(),
            tuning=Tuning(seed=1, connections=1, patience=500.0, stall=1e9),
            clock=lambda: time.monotonic() + 400 * asked,
        ) as transfer,
        pytest.raises(HubUnreachable, match="too many"),
    ):
        for partial in _both(tmp_path):
            transfer.add(partial)
        while transfer.open_files:
            transfer.tick(0.1)
    assert 2 < asked < 8


def test_a_file_that_comes_wrong_once_is_fetched_again_and_twice_is_refused(tmp_path: Path) -> None:
    wrong = bytearray(SMALL)
    wrong[3] ^= 1
    source = Source(small=bytes(wrong))
    with pytest.raises(HubLied, match="wrong content"):
        _fetch(source, [SmallPartial(RepoPlace(tmp_path, NAME), listed("small", SMALL))])
    assert len(source.asked) == 2
    assert not RepoPlace(tmp_path, NAME).partial(listed("small", SMALL).digest).exists()


def test_a_small_file_that_an_earlier_pull_checked_is_not_fetched_again(tmp_path: Path) -> None:
    place, file = RepoPlace(tmp_path, NAME), listed("small", SMALL)
    assert _fetch(Source(small=SMALL), [SmallPartial(place, file)])["small"] == place.partial(file.digest)
    source = Source(small=SMALL)
    again = SmallPartial(place, file)
    assert again.recorded_bytes == len(SMALL)
    assert _fetch(source, [again])["small"].read_bytes() == SMALL
    assert source.asked == []


def test_a_small_file_that_lies_there_damaged_is_fetched_again(tmp_path: Path) -> None:
    place, file = RepoPlace(tmp_path, NAME), listed("small", SMALL)
    place.partial(file.digest).parent.mkdir(parents=True)
    place.partial(file.digest).write_bytes(bytes(len(SMALL)))
    source = Source(small=SMALL)
    assert _fetch(source, [SmallPartial(place, file)])["small"].read_bytes() == SMALL
    assert len(source.asked) == 1


@pytest.mark.slow
def test_a_cancel_keeps_what_was_written_also_of_pieces_not_done(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    source = Source(large=LARGE)
    cancel = threading.Event()
    gate = threading.Event()

    def fault(at: int) -> None:
        if at >= 3_000_000:
            gate.set()
            raise HubUnreachable("stuck")

    def refuse(_file: ListedFile, start: int) -> None:
        if start % PIECE:
            raise HubUnreachable("gone")

    source.fault, source.refuse = fault, refuse
    with pytest.raises(Cancelled), Transfer(source.open, cancel=cancel, tuning=Tuning(seed=1)) as transfer:
        transfer.add(LargePartial(place, listed("large", LARGE, large=True)))
        while True:
            transfer.tick(0.05)
            if gate.wait(0.01) and transfer.fetched >= 3_000_000:
                cancel.set()
    again = LargePartial(place, listed("large", LARGE, large=True))
    assert again.recorded_bytes >= 3_000_000
    assert _fetch(Source(large=LARGE), [again])["large"].read_bytes() == LARGE


class _Counted(RateLimit):
    """Lets everything through at once and counts what was charged."""

    charged = 0

    def take(self, count: int, cancel: threading.Event) -> bool:
        self.charged += count
        return not cancel.is_set()

    def give_back(self, count: int) -> None:
        self.charged -= count


def test_only_bytes_that_came_count_against_a_limit(tmp_path: Path) -> None:
    limit = _Counted(100_000_000)  # a read brings less than the step at this rate, as a TLS record does
    with Transfer(
        Source(large=LARGE).open, cancel=threading.Event(), limit=limit, tuning=Tuning(connections=1)
    ) as transfer:
        transfer.add(_both(tmp_path)[0])
        while transfer.open_files:
            for partial in transfer.tick(0.1):
                partial.close()
    assert limit.charged == transfer.fetched == len(LARGE)
