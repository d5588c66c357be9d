"""What an earlier pull left of a file that another program made whole since: preallocated, so as large as the file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from ingle.catalog.model import DiskState
from ingle.config import Config
from ingle.errors import Cancelled
from ingle.hub.cache import Store
from ingle.hub.health.leftover import Kind
from ingle.hub.health.sweep import find_orphans, surely_ours, sweep
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.pull import pull
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.hub.hf_cache import lay
from tests.hub.pulling import NAME, REF, assert_whole, listed, model_files, pull_all, settings, snapshot_of

pytestmark = pytest.mark.slow

FILES = model_files(9_000_000)
DIGEST = listed("model.safetensors", FILES["model.safetensors"], large=True).digest


def _begun(config: Config, hub: FakeHub) -> RepoPlace:
    """A pull that was cancelled in the middle of the weights, when every other file was in place."""
    hub.add_repo(NAME, FILES)
    place = RepoPlace(config.cache, NAME)
    others = [place.blob(listed(name, FILES[name]).digest) for name in FILES if name != "model.safetensors"]
    cancel = threading.Event()
    with pytest.raises(Cancelled), Gate(hub, "model.safetensors", PIECE):
        for event in pull(REF, config, cancel=cancel):
            if event.bytes_done > 1_000_000 and all(blob.exists() for blob in others):
                cancel.set()
    assert place.partial(DIGEST).exists()
    return place


def _finished_by_another(config: Config, hub: FakeHub) -> None:
    snapshot_download(NAME, cache_dir=config.cache, endpoint=hub.url, token=False)


def test_a_partial_that_another_program_made_needless_goes_with_the_next_pull(tmp_path: Path) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        place = _begun(config, hub)
        _finished_by_another(config, hub)
        assert_whole(config, snapshot_of(pull_all(config)), FILES)
    assert list((place.work / "partial").iterdir()) == []
    assert find_orphans(config) == []


def test_a_partial_that_another_program_made_needless_is_shown_and_goes_only_when_asked(
    tmp_path: Path,
) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        place = _begun(config, hub)
        assert find_orphans(config) == []
        _finished_by_another(config, hub)
    orphans = find_orphans(config)
    assert [one.kind for one in orphans] == [Kind.SPARE, Kind.SPARE]
    assert surely_ours(orphans) == []
    assert sweep(config, orphans).removed == tuple(orphans)
    assert not place.partial(DIGEST).exists() and place.blob(DIGEST).exists()
    assert Store(config).require(REF).state is DiskState.COMPLETE


def test_a_part_of_the_script_whose_file_came_another_way_is_shown(tmp_path: Path) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        hub.add_repo(NAME, FILES)
        place = RepoPlace(config.cache, NAME)
        part = lay(place.manual / f"{DIGEST}.part")
        os.utime(part, (1, 1))
        pull_all(config)
    (orphan,) = find_orphans(config)
    assert (orphan.path, orphan.kind) == (part, Kind.MANUAL)


def test_what_a_repair_saved_of_a_blob_is_newer_than_it_and_stays(tmp_path: Path) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        hub.add_repo(NAME, FILES)
        pull_all(config)
        place = RepoPlace(config.cache, NAME)
        saved = lay(place.partial(DIGEST), b"good pieces")
        pull_all(config)
    assert find_orphans(config) == []
    assert saved.read_bytes() == b"good pieces"
