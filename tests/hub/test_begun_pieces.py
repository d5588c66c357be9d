"""Pieces that are begun and not done when a pull is killed: on a slow line they are most of what came."""

from __future__ import annotations

import threading
import time
import zlib
from pathlib import Path

import pytest

from ingle.catalog.listing import ListedFile
from ingle.hub.journal import Written, read_journal
from ingle.hub.layout import RepoPlace
from ingle.hub.partial import LargePartial
from ingle.hub.pieces import PIECE
from ingle.hub.transfer import Transfer, Tuning
from tests.hub.pulling import NAME, listed, weights

DATA = weights(2 * PIECE - 1000)
LARGE = listed("model.safetensors", DATA, large=True)
CAME = 1 << 20
HANG = 60.0


class _SlowBody:
    """Gives the first bytes of a range, and then nothing until it is broken off."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._over = threading.Event()

    def readinto(self, view: memoryview) -> int:
        if not self._data:
            self._over.wait(HANG)
        count = min(len(view), len(self._data))
        view[:count], self._data = self._data[:count], self._data[count:]
        return count

    def close(self) -> None:
        self._over.set()

    abort = close


def _open(_file: ListedFile, start: int, stop: int) -> _SlowBody:
    return _SlowBody(memoryview(DATA)[start : min(stop, start + CAME)])


def _lengths(recorded: dict[int, Written]) -> dict[int, int]:
    return {index: one.length for index, one in recorded.items()}


@pytest.mark.slow
def test_what_came_of_pieces_not_done_is_recorded_while_the_pull_runs(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    until = time.monotonic() + HANG
    tuning = Tuning(seed=1, stall=HANG, connections=4)  # a fifth one would take over what is silent
    with Transfer(_open, cancel=threading.Event(), tuning=tuning) as transfer:
        transfer.add(LargePartial(place, LARGE))
        recorded: dict[int, Written] = {}
        while _lengths(recorded) != dict.fromkeys(range(2), CAME) and time.monotonic() < until:
            transfer.tick(0.1)
            recorded = read_journal(place.journal(LARGE.digest), LARGE)
    assert _lengths(recorded) == dict.fromkeys(range(2), CAME)
    for index, one in recorded.items():
        assert one.crc == zlib.crc32(DATA[index * PIECE : index * PIECE + CAME])


def test_the_beginning_of_a_piece_that_got_done_meanwhile_is_not_its_last_record(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    partial = LargePartial(place, LARGE)
    piece = memoryview(DATA)[:PIECE]
    partial.write(0, piece)
    partial.done(0, zlib.crc32(piece))
    partial.sync((Written(0, 1000, zlib.crc32(piece[:1000])),))
    partial.close()
    assert read_journal(place.journal(LARGE.digest), LARGE) == {0: Written(0, PIECE, zlib.crc32(piece))}


def test_a_beginning_that_is_recorded_already_costs_no_flush(tmp_path: Path) -> None:
    flushed: list[int] = []
    place = RepoPlace(tmp_path, NAME)
    partial = LargePartial(place, LARGE, flush=flushed.append)
    begun = (Written(1, 1000, zlib.crc32(DATA[PIECE : PIECE + 1000])),)
    for _ in range(3):
        partial.sync(begun)
    partial.close()
    assert len(flushed) == 1


def test_what_no_longer_counts_is_not_recorded_by_a_flush_that_was_under_way(tmp_path: Path) -> None:
    place = RepoPlace(tmp_path, NAME)
    begun: list[threading.Thread] = []

    def flush(_descriptor: int) -> None:
        if not begun:
            begun.append(threading.Thread(target=partial.restart))
            begun[0].start()
            begun[0].join(0.2)  # as far as it comes while the disk is at it

    partial = LargePartial(place, LARGE, flush=flush)
    partial.done(0, 42)
    partial.sync()
    begun[0].join(HANG)
    partial.close()
    assert read_journal(place.journal(LARGE.digest), LARGE) == {}
