"""How long a hub is asked on that has trouble: as long as answers come now and then, and a set time without."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.config import Config
from ingle.errors import HubRefused, HubUnreachable, LinkExpired
from ingle.hub.address import parse_address
from ingle.hub.body import Body
from ingle.hub.limit import RateLimit
from ingle.hub.pace import Patience
from ingle.hub.ranges import Ranges
from ingle.hub.remote import Remote
from ingle.hub.resolved import Resolved, resolved_at
from ingle.hub.transport import Timeouts
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.nobody import Nobody
from tests.fakes.settings import settings
from tests.fakes.wire import Asked
from tests.hub.test_remote import FILES, large

pytestmark = pytest.mark.slow


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub(page_size=2) as hub:
        hub.add_repo("org/name", FILES)
        yield hub


@pytest.mark.parametrize("patience", [0.0, 60.0])
def test_bursts_of_trouble_do_not_break_a_listing(hub: FakeHub, tmp_path: Path, patience: float) -> None:
    hub.faults = Faults(statuses=(500, 502, 503), limited_times=2, retry_after=0)
    notes: list[str] = []
    with Remote(settings(tmp_path, hub), note=notes.append, backoff=0.001, patience=patience) as remote:
        assert len(remote.listing("org/name").files) == 4
    assert len(notes) == 5


def test_a_hub_that_does_not_answer_for_a_while_is_asked_on_and_sends_no_page_twice(
    hub: FakeHub, tmp_path: Path
) -> None:
    closing = threading.Event()
    asked: list[str] = []

    def silent(request: Asked) -> None:
        asked.append(request.target)
        if "cursor" in request.target and len([one for one in asked if "cursor" in one]) <= 4:
            closing.wait(30)

    hub.before = silent
    notes: list[str] = []
    log: list[str] = []
    with Remote(
        settings(tmp_path, hub), log=log.append, note=notes.append, timeouts=Timeouts(head=1.0), patience=60.0
    ) as remote:
        assert len(remote.listing("org/name").files) == 4
    closing.set()
    assert len(notes) >= 3
    assert all("in time" in note and "Trying again" in note for note in notes)
    # What was answered in time, as the asking side knows it: each page once.
    assert len([line for line in log if line.endswith("-> 200")]) == len(set(asked)) == 4


class _Leap(threading.Event):
    """A cancel that never comes, on a clock that only its waits move on."""

    now = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return False


@pytest.mark.parametrize("patience", [0.0, 1.0])
def test_a_hub_that_never_answers_is_given_up_after_the_set_time(tmp_path: Path, patience: float) -> None:
    notes: list[str] = []
    leap = _Leap()
    with (
        Nobody() as gone,
        Remote(
            settings(tmp_path, gone),
            note=notes.append,
            patience=patience,
            cancel=leap,
            clock=lambda: leap.now,
        ) as remote,
        pytest.raises(HubUnreachable),
    ):
        remote.listing("org/name")
    assert bool(notes) == (patience > 0)
    assert leap.now >= patience
    for note in notes:
        assert "cannot be reached" in note and "in 0 s" not in note
        assert re.search(r"[Gg]iven up after 1 s without an answer\.$", note), note


def test_a_wait_tells_since_when_and_until_when() -> None:
    patience = Patience(120.0, since=1000.0)
    assert patience.told(1000.2) == "Given up after 120 s without an answer."
    assert patience.told(1030.0) == "No answer for 30 s; given up after 120 s without an answer."
    patience.arrived(1029.0)
    assert "No answer for 2 s" in patience.told(1031.0)


def test_the_next_mirror_is_asked_before_any_pause(hub: FakeHub, tmp_path: Path) -> None:
    notes: list[str] = []
    with (
        Nobody() as gone,
        Remote(settings(tmp_path, gone, hub), note=notes.append, patience=60.0) as remote,
    ):
        assert len(remote.listing("org/name").files) == 4
    assert len(notes) == 1 and "Trying 127.0.0.1" in notes[0]


class _Hasty(threading.Event):
    """A cancel that never comes and whose waits take no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


def test_a_head_of_a_file_is_asked_for_as_long_as_there_is_patience(hub: FakeHub, tmp_path: Path) -> None:
    with Remote(settings(tmp_path, hub), patience=60.0) as remote:
        listing, _ = large(remote)
        hub.faults = Faults(statuses=(503,) * 7, on=frozenset({"resolve"}))
        config = next(file for file in listing.files if file.path == "config.json")
        assert Ranges(remote, listing, _Hasty()).head(config, 100) == FILES["config.json"]
        remote.patience = 0.0
        hub.faults = Faults(statuses=(503,) * 7, on=frozenset({"resolve"}))
        with pytest.raises(HubUnreachable):
            Ranges(remote, listing, _Hasty()).head(config, 100)


class _Counting(RateLimit):
    """A limit that makes nobody wait; `out` are the bytes that were taken from it and not given back."""

    def __init__(self) -> None:
        super().__init__(100_000)
        self.out = 0

    def take(self, count: int, cancel: threading.Event) -> bool:
        self.out += count
        return True

    def give_back(self, count: int) -> None:
        self.out -= count


def test_a_head_that_is_cut_takes_of_the_bandwidth_only_what_came(hub: FakeHub, tmp_path: Path) -> None:
    limit = _Counting()
    with Remote(settings(tmp_path, hub), patience=60.0) as remote:
        listing, file = large(remote)
        hub.faults = Faults(cut_at=5_000, cut_times=2)
        found = Ranges(remote, listing, _Hasty(), limit=limit).head(file, 30_000)
    assert limit.out == len(found) == 30_000


class _OneUse(Remote):
    """Gives addresses of which each serves one range; another thread is always a little quicker than the first."""

    def __init__(self, config: Config, quicker: bool) -> None:
        super().__init__(config)
        self.quicker = quicker
        self.ranges: Ranges | None = None

    def resolve(self, repo_id: str, commit: str, file: ListedFile) -> Resolved:
        address = parse_address("http://cdn.example/x?Signature=1")
        return resolved_at({}, address, address, repo_id, file)

    def open_range(self, resolved: Resolved, start: int, stop: int) -> Body:
        if start:
            return cast("Body", None)
        if self.quicker and self.ranges is not None:
            self.ranges.open(BIG, 1, stop)
        raise LinkExpired("used up")


BIG = ListedFile("model.safetensors", 9_000_000, "a" * 64, DigestKind.SHA256)


@pytest.mark.parametrize(("quicker", "error"), [(True, HubUnreachable), (False, HubRefused)])
def test_addresses_that_serve_others_are_asked_for_again_and_those_that_serve_nobody_are_given_up(
    tmp_path: Path, quicker: bool, error: type[Exception]
) -> None:
    with _OneUse(settings(tmp_path, Nobody()), quicker) as remote:
        listing = Listing("org/name", "main", "a" * 40, (BIG,))
        remote.ranges = Ranges(remote, listing, threading.Event())
        with pytest.raises(error):
            remote.ranges.open(BIG, 0, 8)
