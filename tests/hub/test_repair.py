"""Repair fetches only what is bad; the salvage of good pieces; and what `--manual` and `outdated` say."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ingle.catalog.model import ModelRef
from ingle.errors import InvalidRequest, ModelNotFound, NotDownloaded
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.progress import HERE, Phase
from ingle.hub.pull import PullOptions, PullRun, pull
from ingle.hub.repair import repair
from tests.fakes.hub import FakeHub
from tests.hub.pulling import (
    NAME,
    REF,
    assert_promises,
    assert_whole,
    model_files,
    pull_all,
    settings,
    snapshot_of,
)

pytestmark = pytest.mark.slow


def _flip(path: Path, at: int) -> None:
    with path.open("rb+") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


@pytest.mark.slow
def test_a_flipped_byte_costs_one_piece(tmp_path: Path) -> None:
    files = model_files(35_000_000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        snapshot = snapshot_of(pull_all(config))
        _flip(snapshot.root / "model.safetensors", 25_000_000)
        hub.forget_requests()
        mended = snapshot_of(list(repair(REF, config)))
        assert hub.bytes_sent() <= PIECE
    assert_whole(config, mended, files)


def test_a_whole_model_needs_no_hub_to_be_repaired(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        hub.forget_requests()
        assert_whole(config, snapshot_of(list(repair(REF, config))), files)
        assert hub.requests() == []


def test_a_pull_of_what_is_whole_says_so_and_does_not_speak_of_publishing(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, hub.url)
        first, again = (list(PullRun(REF, config, threading.Event(), PullOptions()).run()) for _ in range(2))
    assert Phase.PUBLISHING in {event.phase for event in first}
    assert Phase.PUBLISHING not in {event.phase for event in again}
    assert again[-2].message == HERE and again[-1].phase is Phase.DONE


def test_a_missing_blob_and_a_damaged_small_file_are_fetched_alone(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        root = snapshot_of(pull_all(config)).root
        (root / "tokenizer.json").resolve().unlink()
        _flip(root / "config.json", 3)
        hub.forget_requests()
        assert_whole(config, snapshot_of(list(repair(REF, config))), files)
        assert hub.bytes_sent("model.safetensors") == 0


def test_repairing_an_old_version_does_not_move_the_branch_back(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as hub:
        old = hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        new = hub.add_repo(NAME, {**files, "tokenizer.json": b'{"version": "2.0"}'})
        pull_all(config)
        place = RepoPlace(config.cache, NAME)
        _flip(place.snapshot(old) / "tokenizer.json", 3)
        list(repair(ModelRef(name="old", repo_id=NAME, revision=old), config))
        assert (place.refs / "main").read_text() == new
        assert (place.snapshot(old) / "tokenizer.json").read_bytes() == files["tokenizer.json"]
    assert_promises(config)


def test_a_version_that_the_hub_has_no_more_is_not_mended_and_says_what_is(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as hub:
        old = hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        root = snapshot_of(pull_all(config)).root
        _flip(root / "tokenizer.json", 3)
        hub.add_repo(NAME, files)
        del hub.repos[NAME].commits[old]
        with pytest.raises(ModelNotFound) as raised:
            list(repair(REF, config))
        assert f"ingle pull {NAME}" in raised.value.hint
        assert_whole(config, snapshot_of(pull_all(config)), files)


@pytest.mark.slow
def test_a_pull_of_a_truncated_blob_keeps_its_good_pieces(tmp_path: Path) -> None:
    files = model_files(35_000_000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        blob = (snapshot_of(pull_all(config)).root / "model.safetensors").resolve()
        with blob.open("rb+") as file:
            file.truncate(4 * PIECE)
        hub.forget_requests()
        assert_whole(config, snapshot_of(list(pull(REF, config))), files)
        assert hub.bytes_sent("model.safetensors") <= 35_000_000 - 4 * PIECE + (2 << 20)


def test_what_is_not_here_cannot_be_repaired(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(NotDownloaded):
        list(repair(REF, config))
    with pytest.raises(InvalidRequest):
        list(repair(ModelRef(name="/x", path=Path("/x")), config))
