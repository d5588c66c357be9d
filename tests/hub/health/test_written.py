"""Only blobs that Ingle itself wrote are ever its own to clean; the other writer is the real huggingface_hub."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download

from ingle.config import Config
from ingle.hub.health.leftover import Kind
from ingle.hub.health.others import find_leftovers
from ingle.hub.health.sweep import find_orphans, sweep
from ingle.hub.layout import RepoPlace, place_of_lock
from ingle.hub.locks import hold
from ingle.hub.pull import pull
from ingle.hub.written import trim_written, written_blobs
from tests.fakes.hub import FakeHub
from tests.hub.hf_cache import lay
from tests.hub.pulling import NAME, REF, model_files, pull_all, settings

pytestmark = pytest.mark.slow

FILES = {**model_files(9_000_000), "README.md": b"Not a file that any loader needs."}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        running.add_repo(NAME, FILES)
        yield running


@pytest.fixture
def config(tmp_path: Path, hub: FakeHub) -> Config:
    return settings(tmp_path, hub.url)


@pytest.fixture
def place(config: Config) -> RepoPlace:
    return RepoPlace(config.cache, NAME)


def theirs(config: Config, hub: FakeHub, path: str) -> str:
    """The real library fetches one file; gives its digest."""
    found = hf_hub_download(NAME, path, cache_dir=config.cache, endpoint=hub.url)
    return Path(found).readlink().name


def let_go(place: RepoPlace) -> None:
    """Takes away all that points to the blobs, as somebody does who empties folders by hand."""
    for folder in (place.snapshots, place.refs, place.receipts):
        shutil.rmtree(folder)


def unused(config: Config) -> set[str]:
    return {one.path.name for one in find_orphans(config) if one.kind is Kind.UNUSED_BLOB}


def strange(config: Config) -> set[str]:
    return {one.path.name for one in find_leftovers(config) if one.kind is Kind.FOREIGN_BLOB}


def test_what_a_pull_wrote_is_ours_to_clean_once_nothing_uses_it(config: Config, place: RepoPlace) -> None:
    pull_all(config)
    blobs = {path.name for path in place.blobs.iterdir()}
    assert written_blobs(place) == blobs and unused(config) == set()
    let_go(place)
    place.snapshots.mkdir()
    assert unused(config) == blobs
    swept = sweep(config, find_orphans(config))
    assert swept.kept == () and list(place.blobs.iterdir()) == []
    assert not place.written.exists()
    sweep(config, find_orphans(config))  # the records of pieces, whose blobs are gone now
    assert find_orphans(config) == []


def test_a_file_of_the_same_listing_that_hf_fetched_is_not_ours(
    config: Config, hub: FakeHub, place: RepoPlace
) -> None:
    pull_all(config)
    readme = theirs(config, hub, "README.md")
    next(place.snapshots.rglob("README.md")).unlink()
    assert unused(config) == set()
    assert strange(config) == {readme}
    sweep(config, find_orphans(config))
    assert place.blob(readme).read_bytes() == FILES["README.md"]


@pytest.mark.parametrize("path", ["tokenizer.json", "model.safetensors"])
def test_a_file_of_ours_that_was_deleted_and_that_hf_fetched_again_is_not_ours(
    config: Config, hub: FakeHub, place: RepoPlace, path: str
) -> None:
    pull_all(config)
    link = next(place.snapshots.rglob(path))
    digest = link.readlink().name
    place.blob(digest).unlink()
    link.unlink()
    assert theirs(config, hub, path) == digest
    assert digest not in written_blobs(place)
    let_go(place)
    sweep(config, find_orphans(config))
    assert [blob.name for blob in place.blobs.iterdir()] == [digest]


def test_a_file_that_hf_had_fetched_and_that_a_pull_took_over_is_not_ours(
    config: Config, hub: FakeHub, place: RepoPlace
) -> None:
    digest = theirs(config, hub, "model.safetensors")
    pull_all(config)
    let_go(place)
    assert digest not in unused(config) and len(unused(config)) == 2
    sweep(config, find_orphans(config))
    assert [blob.name for blob in place.blobs.iterdir()] == [digest]


def test_a_file_that_a_pull_waited_for_is_its_writers(config: Config, hub: FakeHub, place: RepoPlace) -> None:
    probe = theirs(config, hub, "model.safetensors")
    shutil.rmtree(place.folder)
    began = pull(REF, config)
    with hold(place.blob_lock(probe), threading.Event()):
        for event in began:
            if "waiting for it" in event.message:
                break
        lay(place.blob(probe), FILES["model.safetensors"])
        place.written.unlink(missing_ok=True)  # it was this test's hands that wrote, as another program's
    place.written.unlink()
    list(began)
    assert probe not in written_blobs(place)


def test_a_torn_or_foreign_record_makes_nothing_ours(config: Config, place: RepoPlace) -> None:
    pull_all(config)
    before = place.written.read_text()
    blobs = written_blobs(place)
    for cut in range(len(before.splitlines()[0])):
        torn = before.splitlines()[0][:cut].encode()
        lay(place.written, before.encode() + b"\xff\xfe what\n\n" + torn)
        assert written_blobs(place) == blobs
    trim_written(place)
    assert written_blobs(place) == blobs
    assert len(place.written.read_text().splitlines()) == len(blobs)
    for content in (b"", b"\0" * 1000, before.replace(" ", "  ").encode()):
        lay(place.written, content)
        assert written_blobs(place) == set()


def test_only_the_locks_of_blobs_are_watched(config: Config, place: RepoPlace) -> None:
    digest = "e" * 64
    assert place_of_lock(place.blob_lock(digest)) == (place, digest)
    for other in (place.pull_lock, place.locks / "x.lock", config.cache / ".locks" / "x" / f"{digest}.lock"):
        assert place_of_lock(other) is None


def test_what_the_script_of_manual_left_is_shown_and_goes_only_when_asked(
    config: Config, place: RepoPlace
) -> None:
    pull_all(config)
    part = lay(place.manual / ("e" * 64 + ".part"))
    (orphan,) = find_orphans(config)
    assert (orphan.path, orphan.kind) == (part, Kind.MANUAL)
    assert sweep(config, [orphan]).removed == (orphan,)
