"""What a pull reads of a weight file to plan: from the disk where it lies there, and never from the hub twice."""

from __future__ import annotations

import json
import threading
import zlib
from pathlib import Path

import psutil
import pytest

from ingle.catalog.listing import ListedFile
from ingle.catalog.safetensors import INDEX
from ingle.errors import Cancelled, DiskFull
from ingle.hub.connection import Stream
from ingle.hub.fetch import Fetch
from ingle.hub.journal import Written
from ingle.hub.layout import RepoPlace
from ingle.hub.partial import LargePartial
from ingle.hub.pieces import PIECE
from ingle.hub.transfer import Transfer
from tests.fakes.content import weights
from tests.fakes.disk import full_disk
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.hub.promises import HEAD, MODEL, REPO, Outcome, Scene, check_five, check_not_again, listed
from tests.hub.pulling import listed as in_a_listing
from tests.hub.pulling import weights as packed

pytestmark = pytest.mark.slow
BIG = "model.safetensors"
PLAIN: Given = {
    "config.json": b'{"model_type": "llama"}',  # says nothing of MLX, so the header of the weights is asked
    "tokenizer.json": MODEL["tokenizer.json"],
    BIG: weights(3 * PIECE),
}


@pytest.fixture
def scene(hub: FakeHub, tmp_path: Path) -> Scene:
    return Scene(tmp_path, hub, PLAIN)


def _stop_after(scene: Scene, count: int) -> Outcome:
    """A pull that is cancelled when `count` bytes of it are here."""
    cancel = threading.Event()
    outcome = Outcome()
    try:
        for event in scene.events(cancel=cancel):
            outcome.events.append(event)
            if event.bytes_done >= count:
                cancel.set()
    except Cancelled as exc:
        outcome.error = exc
    assert isinstance(outcome.error, Cancelled)
    return outcome


def _spans(scene: Scene) -> list[tuple[int, int]]:
    return sorted(scene.recorded()[BIG])


def test_a_header_that_is_on_disk_and_recorded_is_not_fetched_again(hub: FakeHub, scene: Scene) -> None:
    with Gate(hub, BIG, 2 * PIECE):
        outcome = _stop_after(scene, 2 * PIECE)
    assert _spans(scene)[0][0] == 0
    assert _spans(scene)[0][1] > HEAD
    check_five(scene, outcome)


def test_of_a_header_that_is_recorded_in_part_only_the_rest_is_fetched(hub: FakeHub, scene: Scene) -> None:
    entry = scene.entries[BIG]
    beginning = 300_000
    _record(scene, bytes(entry.content.read(0, beginning)))
    recorded = scene.recorded()
    assert _spans(scene) == [(0, beginning)]
    outcome = scene.pull()
    assert outcome.error is None
    check_not_again(scene, recorded)
    check_five(scene, outcome)


@pytest.mark.parametrize("size", [0, 2 * HEAD, 3 * PIECE])
def test_a_first_pull_asks_for_no_byte_twice(hub: FakeHub, tmp_path: Path, size: int) -> None:
    """What was read for the plan, a header or a whole small file, is put where it belongs."""
    scene = Scene(tmp_path, hub, {**PLAIN, BIG: weights(size)})
    outcome = scene.pull()
    assert outcome.error is None
    for path, entry in scene.entries.items():
        assert hub.bytes_sent(path) == entry.content.size
    check_five(scene, outcome)


@pytest.mark.parametrize("names", [100, 150_000], ids=["small", "of more than a piece"])
def test_an_index_that_the_plan_needs_comes_once_and_is_then_read_from_the_disk(
    hub: FakeHub, tmp_path: Path, names: int
) -> None:
    parts = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = json.dumps({"weight_map": {f"layers.{at}.weight": parts[at % 2] for at in range(names)}}).encode()
    files = {name: data for name, data in PLAIN.items() if name != BIG} | {INDEX: index}
    scene = Scene(tmp_path, hub, {**files, **{part: weights(2000) for part in parts}})
    assert (len(index) > PIECE) is (names > 100)
    outcome = scene.pull()
    assert outcome.error is None
    for path, entry in scene.entries.items():
        assert hub.bytes_sent(path) == entry.content.size, path
    check_five(scene, outcome)
    hub.forget_requests()
    assert scene.pull().error is None
    assert hub.bytes_sent(INDEX) == 0


def test_a_wrong_byte_in_a_header_does_not_stay(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(only=BIG, wrong_bytes_times=1)
    outcome = scene.pull()
    assert outcome.error is None
    assert hub.bytes_sent(BIG) == 2 * scene.entries[BIG].content.size
    check_five(scene, outcome)


def test_a_header_that_is_not_what_was_recorded_is_fetched(hub: FakeHub, scene: Scene) -> None:
    entry = scene.entries[BIG]
    _record(scene, bytes(entry.content.read(0, 2 * HEAD)))
    with scene.place.partial(entry.digest).open("r+b") as file:
        file.write(b"not a header")
    outcome = scene.pull()
    assert outcome.error is None
    assert hub.bytes_sent(BIG) >= entry.content.size
    check_five(scene, outcome)


def test_a_disk_without_room_for_a_header_leaves_no_file_open(tmp_path: Path) -> None:
    data = packed(PIECE)
    file = in_a_listing(BIG, data, large=True)
    place = RepoPlace(tmp_path, REPO)
    LargePartial(place, file).close()  # it has its room from now on, and the header is not in it
    cancel = threading.Event()
    transfer = Transfer(_nobody, cancel=cancel)
    with full_disk() as disk, pytest.raises(DiskFull):
        disk.no_bytes(beyond=100)
        for _ in Fetch(place, [file], transfer, cancel, heads={BIG: data[:HEAD]}).run():
            pass
    assert [one.path for one in psutil.Process().open_files() if file.digest in one.path] == []


def _nobody(_file: ListedFile, _start: int, _stop: int) -> Stream:
    raise AssertionError("nothing is to be asked for")


def _record(scene: Scene, beginning: bytes) -> None:
    """Leaves what a pull leaves that was stopped after these bytes of the weights."""
    file = listed(scene.entries[BIG])
    partial = LargePartial(scene.place, file)
    partial.write(0, memoryview(beginning))
    partial.sync((Written(0, len(beginning), zlib.crc32(beginning)),))
    partial.close()
