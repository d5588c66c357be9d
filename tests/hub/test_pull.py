"""Pulls from a fake hub: whole, interrupted, cancelled, moved, watched."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, ModelRef
from ingle.errors import Cancelled, FileMissing, HubUnreachable, InvalidRequest
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.limit import RateLimit
from ingle.hub.pieces import PIECE
from ingle.hub.progress import Phase
from ingle.hub.pull import PullOptions, plan, pull
from ingle.hub.transfer import Tuning
from tests.fakes.faults import ALWAYS, Faults
from tests.fakes.gate import Gate
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
    weights_blob,
)

pytestmark = pytest.mark.slow


def test_a_pull_ends_with_a_whole_snapshot_and_its_ref(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        snapshot = snapshot_of(pull_all(config))
    assert_whole(config, snapshot, files)
    place = RepoPlace(config.cache, NAME)
    assert snapshot.commit == commit
    assert (place.refs / "main").read_text() == commit
    assert place.tree(commit).exists()
    assert list((place.work / "partial").iterdir()) == []


def test_a_pinned_commit_gets_a_ref_of_ours(tmp_path: Path) -> None:
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, hub.url)
        pull_all(config, ModelRef(name="x", repo_id=NAME, revision=commit))
    place = RepoPlace(config.cache, NAME)
    assert (place.refs / "ingle" / commit).read_text() == commit
    assert not (place.refs / "main").exists()


def test_progress_never_goes_down_and_ends_at_the_total(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files())
        hub.faults = Faults(cut_between=(100_000, 3_000_000), on=frozenset({"bytes"}))
        config = settings(tmp_path, hub.url)
        events = pull_all(config)
    counts = [event.bytes_done for event in events]
    assert counts == sorted(counts)
    assert events[-1].phase is Phase.DONE
    assert events[-1].bytes_done == events[-1].bytes_total == sum(map(len, model_files().values()))


def test_a_second_pull_fetches_no_file_again(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files())
        config = settings(tmp_path, hub.url)
        pull_all(config)
        hub.forget_requests()
        pull_all(config)
        assert hub.bytes_sent("model.safetensors") == 0
        assert hub.bytes_sent("tokenizer.json") == 0


def test_a_path_cannot_be_pulled(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(InvalidRequest):
        next(pull(ModelRef(name=str(tmp_path), path=tmp_path), config))
    with pytest.raises(FileMissing):
        next(pull(ModelRef(name="/x", path=tmp_path / "x"), config))


def test_an_interrupted_pull_is_partial_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    files = model_files(60_000_000)
    size = len(files["model.safetensors"])
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        cancel = threading.Event()
        hub.faults = Faults(rate=20_000_000, only="model.safetensors")
        with pytest.raises(Cancelled), Gate(hub, "model.safetensors", 6 * PIECE):
            for event in pull(REF, config, cancel=cancel):
                if event.bytes_done > size // 2:
                    cancel.set()
        assert_promises(config)
        store = Store(config)
        partial = store.find(REF)
        assert partial is not None and partial.state is DiskState.PARTIAL
        hub.faults = Faults()
        hub.settle()  # or a request of the first pull would be counted for the second one
        hub.forget_requests()
        snapshot = snapshot_of(pull_all(config))
        assert hub.bytes_sent("model.safetensors") < size * 0.6 + (1 << 20)
    assert_whole(config, snapshot, files)


def test_a_cancel_is_followed_within_a_second_even_when_nothing_comes(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files())
        hub.faults = Faults(stall_at=1 << 20, stall_times=ALWAYS, from_size=PIECE)
        config = settings(tmp_path, hub.url)
        cancel = threading.Event()
        asked_at = float("inf")
        with pytest.raises(Cancelled):
            for event in pull(REF, config, cancel=cancel):
                if not cancel.is_set() and event.phase is Phase.FETCHING and event.bytes_done >= 1 << 20:
                    cancel.set()
                    asked_at = time.monotonic()
        assert time.monotonic() - asked_at < 10  # ten times what is promised
    assert_promises(config)


def test_a_branch_that_moved_costs_only_the_changed_files_and_the_old_version_stays(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        old = hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        changed = {**files, "tokenizer.json": b'{"version": "2.0"}'}
        new = hub.add_repo(NAME, changed)
        hub.forget_requests()
        snapshot = snapshot_of(pull_all(config))
        assert hub.bytes_sent("model.safetensors") <= 1 << 20
    assert snapshot.commit == new
    assert_whole(config, snapshot, changed)
    place = RepoPlace(config.cache, NAME)
    assert (place.snapshot(old) / "tokenizer.json").read_bytes() == files["tokenizer.json"]


def test_a_blob_of_another_tool_is_checked_before_it_is_trusted(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        spoiled = bytearray(files["model.safetensors"])
        spoiled[8_500_000] ^= 1
        weights_blob(config, files).write_bytes(spoiled)
        snapshot = snapshot_of(pull_all(config))
    assert_whole(config, snapshot, files)


def test_a_link_into_a_shared_store_is_never_written_through(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        shared = tmp_path / "shared"
        shared.write_bytes(b"bad")
        weights_blob(config, files).symlink_to(shared)
        assert_whole(config, snapshot_of(pull_all(config)), files)
        assert shared.read_bytes() == b"bad"


def test_damage_in_the_partial_is_found_and_fetched_again(tmp_path: Path) -> None:
    files = model_files(60_000_000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=20_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        place = RepoPlace(config.cache, NAME)
        cancel = threading.Event()
        with pytest.raises(Cancelled), Gate(hub, "model.safetensors", 6 * PIECE):
            for event in pull(REF, config, cancel=cancel):
                if event.bytes_done > 40_000_000:
                    cancel.set()
        partial = next(path for path in (place.work / "partial").iterdir() if path.suffix == "")
        with partial.open("rb+") as file:
            file.seek(100)
            file.write(b"damage")
        hub.faults = Faults()
        assert_whole(config, snapshot_of(pull_all(config)), files)


def test_a_dead_hub_is_given_up_after_the_set_time_and_the_partial_stays(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(60_000_000))
        hub.faults = Faults(rate=30_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        events = pull(REF, config, options=PullOptions(tuning=Tuning(seed=1, patience=1.0)))
        with Gate(hub, "model.safetensors", 4 * PIECE):
            for event in events:
                if event.bytes_done > 20_000_000:
                    break
            hub.faults = Faults(statuses=(503,) * 1000)
            hub.drop_connections()
        with pytest.raises(HubUnreachable, match="No byte came"):
            list(events)
    assert_promises(config)
    assert list((RepoPlace(config.cache, NAME).work / "partial").glob("*.journal"))


def test_blobs_that_vanish_before_the_publishing_are_fetched_again(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        place = RepoPlace(config.cache, NAME)
        hub.faults = Faults(rate=10_000_000, only="model.safetensors")
        events = []
        with Gate(hub, "model.safetensors", PIECE) as gate:
            for event in pull(REF, config, options=PullOptions(tuning=Tuning(seed=1))):
                events.append(event)
                if not gate.is_open and place.blobs.exists() and any(place.blobs.iterdir()):
                    next(place.blobs.iterdir()).unlink()
                    gate.open()
            assert gate.is_open
        assert_whole(config, snapshot_of(events), files)


def test_two_threads_that_pull_the_same_model_fetch_it_once(tmp_path: Path) -> None:
    files = model_files(4 * PIECE)  # and a header: of the last piece, which is held back, there are few bytes
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        hub.faults = Faults(rate=30_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        followed, over = threading.Event(), threading.Event()

        def follow() -> None:
            for event in pull(REF, config):
                if "Following another Ingle process" in event.message:
                    followed.set()
            over.set()

        events = []
        with Gate(hub, "model.safetensors", 4 * PIECE) as gate:
            second = threading.Thread(target=follow)
            for event in pull(REF, config):
                events.append(event)
                if event.phase is Phase.FETCHING and second.ident is None:
                    second.start()
                if followed.is_set():
                    gate.open()
        second.join(60)
        assert over.is_set()
        assert hub.bytes_sent("model.safetensors") < 4 * PIECE * 1.1
        snapshot = snapshot_of(events)
    assert_whole(config, snapshot, files)


def test_one_limit_holds_for_several_pulls(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(2_000_000))
        hub.add_repo("org/other", model_files(2_000_000, seed=3))
        config = settings(tmp_path, hub.url)
        options = PullOptions(limit=RateLimit(4_000_000), tuning=Tuning(seed=1))
        began = time.monotonic()
        other = threading.Thread(
            target=lambda: list(pull(ModelRef(name="o", repo_id="org/other"), config, options=options))
        )
        other.start()
        list(pull(REF, config, options=options))
        other.join(60)
        # Four million bytes at four million a second, less the burst: a bound from below, not a speed.
        assert time.monotonic() - began > 0.7


def test_a_pull_that_is_closed_while_the_hub_is_silent_ends_at_once(tmp_path: Path) -> None:
    asked, silence = threading.Event(), threading.Event()

    def silent(_request: object) -> None:
        asked.set()
        silence.wait(60)

    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(1000))
        hub.before = silent
        events = pull(REF, settings(tmp_path, hub.url))
        while not asked.is_set():
            assert next(events).phase is Phase.LISTING
        began = time.monotonic()
        events.close()
        assert time.monotonic() - began < 10  # ten times what is promised
        silence.set()


def test_what_a_pull_waits_for_before_there_is_a_plan_is_told(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(1000))
        hub.faults = Faults(limited_times=1, retry_after=1)
        events = pull_all(settings(tmp_path, hub.url))
    assert any(event.phase is Phase.LISTING and "asks to wait" in event.message for event in events)


def test_the_plan_says_what_a_pull_would_do_and_fetches_nothing(tmp_path: Path) -> None:
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        found = plan(REF, config)
    assert found.to_fetch == found.total == sum(map(len, files.values()))
    assert "apache-2.0" in found.sentence
    assert not RepoPlace(config.cache, NAME).folder.exists()


def test_the_log_of_a_pull_can_be_read_and_holds_no_secret(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(), gated=True, granted={"hf_secretsecret"})
        hub.tokens = {"hf_secretsecret"}
        config = settings(tmp_path, hub.url, token="hf_secretsecret")
        pull_all(config)
        assert hub.leaks == []
    (log,) = config.logs.glob("pull-*.log")
    text = log.read_text()
    assert "bytes=" in text and "206" in text and "done" in text
    assert "secretsecret" not in text and "?" not in text.replace("?...", "")


def test_files_named_with_care_arrive_under_their_names(tmp_path: Path) -> None:
    files = {**model_files(1000), "sub/a b#c?d%20é.json": b"{}", "empty.txt": b""}
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        snapshot = snapshot_of(pull_all(config))
    assert_whole(config, snapshot, files)


def test_a_cache_that_may_not_be_written_is_said_and_nothing_begun(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(1000))
        config = settings(tmp_path, hub.url)
        config.cache.write_text("a file where the cache should be")
        with pytest.raises(Exception) as caught:
            pull_all(config)
    assert type(caught.value).__name__ in {"StoreError", "NoPermission"}
    assert config.cache.is_file()
