"""How far a pull came is counted on disk: blobs, journals, and nothing that a preallocated file only promises."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, ModelRef
from ingle.config import Config
from ingle.errors import Cancelled
from ingle.hub.begun import begun_progress
from ingle.hub.cache import Store
from ingle.hub.health.sweep import find_orphans
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.progress import Phase
from ingle.hub.pull import pull
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.hub.pulling import NAME, REF, model_files, pull_all, settings

pytestmark = pytest.mark.slow

FILES = {**model_files(40_000_000), "special_tokens_map.json": b"{}", "generation_config.json": b"{}"}
TOTAL = sum(map(len, FILES.values()))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path, "http://127.0.0.1:9")


def test_nothing_is_known_of_a_pull_that_never_began(config: Config) -> None:
    assert begun_progress(config, REF) is None
    assert begun_progress(config, ModelRef(name="./x", path=Path("x"))) is None


def test_a_cancelled_pull_is_counted_in_full_and_a_whole_one_is_whole(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        hub.faults = Faults(rate=6_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        cancel, last = threading.Event(), 0
        with pytest.raises(Cancelled), Gate(hub, "model.safetensors", 3 * PIECE):
            for event in pull(REF, config, cancel=cancel):
                last = event.bytes_done
                if event.phase is Phase.FETCHING and last > 9_000_000:
                    cancel.set()
        found = begun_progress(config, REF)
        assert found is not None and found.phase is Phase.WAITING
        assert found.bytes_total == TOTAL and 0 < found.bytes_done < TOTAL
        hub.faults = Faults()
        hub.settle()  # or a request of the first pull would be counted for the second one
        hub.forget_requests()
        pull_all(config)
        assert hub.bytes_sent("model.safetensors") <= TOTAL - found.bytes_done + (1 << 20)
        whole = begun_progress(config, REF)
        assert whole is not None and (whole.bytes_done, whole.bytes_total) == (TOTAL, TOTAL)
        other = ModelRef(name=f"{NAME}:Q4_0", repo_id=NAME, quant="Q4_0")
        assert begun_progress(config, other) is None


def test_a_journal_that_was_damaged_counts_for_nothing(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES)
        hub.faults = Faults(rate=6_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        with Gate(hub, "model.safetensors", 3 * PIECE), closing(pull(REF, config)) as events:
            for event in events:
                if event.phase is Phase.FETCHING and event.bytes_done > 9_000_000:
                    break
        place = RepoPlace(config.cache, NAME)
        (journal,) = (place.work / "partial").glob("*.journal")
        journal.write_bytes(b"junk" + journal.read_bytes())
        found = begun_progress(config, REF)
        assert found is not None
        assert found.bytes_done == TOTAL - len(FILES["model.safetensors"])


def test_a_pull_of_files_with_odd_names_is_known_after_it_was_stopped(tmp_path: Path) -> None:
    """What the hub may list is listed here too: else a clean-up would take the bytes for nobody's."""
    odd = ("全角\u3000空白.txt", "nbsp\u00a0.json", "joined\u200d.txt", "\u202eturned.json")
    with FakeHub() as hub:
        hub.add_repo(NAME, FILES | dict.fromkeys(odd, b"{}"))
        hub.faults = Faults(rate=6_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        with Gate(hub, "model.safetensors", 3 * PIECE), closing(pull(REF, config)) as events:
            for event in events:
                if event.phase is Phase.FETCHING and event.bytes_done > 9_000_000:
                    break
        assert begun_progress(config, REF) is not None
        partial = Store(config).find(REF)
        assert partial is not None and partial.state is DiskState.PARTIAL
        assert find_orphans(config) == []
        hub.faults = Faults()
        pull_all(config)
    assert find_orphans(config) == [] and Store(config).require(REF)
