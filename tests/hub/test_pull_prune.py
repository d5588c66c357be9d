"""The real `hf cache prune`, at every stage of an update and beside pinned commits: there is always a whole version."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import scan_cache_dir, snapshot_download

from ingle.catalog.curated import load_catalog
from ingle.catalog.model import DiskState, ModelRef
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.outdated import outdated
from ingle.hub.pieces import PIECE
from ingle.hub.plan import PullPlan
from ingle.hub.progress import Phase, Progress
from ingle.hub.publish import publish_snapshot
from ingle.hub.pull import PullOptions, PullRun
from ingle.hub.receipt import read_receipt
from tests.catalog.gguf_writer import llama
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.hub.hf_cache import hf
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

OLD = model_files(9_000_000)
NEW = {**model_files(9_000_000, seed=1), "tokenizer.json": OLD["tokenizer.json"]}


def prune(config: Config) -> None:
    pruned = hf(config.cache, "cache", "prune", "--yes")
    assert pruned.returncode == 0, pruned.stderr


def offline(config: Config, revision: str | None = None) -> Path:
    """Where the real library finds the model without a network."""
    return Path(snapshot_download(NAME, revision=revision, cache_dir=config.cache, local_files_only=True))


def assert_usable(config: Config, folder: Path, files: dict[str, bytes]) -> None:
    """Every tool, and Ingle too, opens exactly these files under the model's bare name."""
    assert offline(config) == folder
    assert {path: (folder / path).read_bytes() for path in files} == files
    assert Store(config).require(REF).root == folder


def every_event(config: Config) -> Iterator[Progress]:
    """The steps of a pull, each one: what people are shown is at most ten a second."""
    return PullRun(REF, config, threading.Event(), PullOptions()).run()


def is_listing(event: Progress) -> bool:
    return event.phase is Phase.LISTING


def is_fetching(event: Progress) -> bool:
    return event.phase is Phase.FETCHING and 0 < event.bytes_done < event.bytes_total


def is_publishing(event: Progress) -> bool:
    """Every blob is in place and nothing points to it yet."""
    return event.phase is Phase.PUBLISHING


@pytest.mark.parametrize("stage", [is_listing, is_fetching, is_publishing])
def test_a_prune_during_an_update_leaves_the_old_version_usable_and_the_update_whole(
    tmp_path: Path, stage: Callable[[Progress], bool]
) -> None:
    with FakeHub() as hub:
        first = hub.add_repo(NAME, OLD)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        old = RepoPlace(config.cache, NAME).snapshot(first)
        second = hub.add_repo(NAME, NEW)
        events, pruned = [], False
        with Gate(hub, "model.safetensors", PIECE) as gate:
            for event in every_event(config):
                events.append(event)
                if stage is is_publishing:
                    gate.open()
                if not pruned and stage(event):
                    pruned = True
                    prune(config)
                    assert_usable(config, old, OLD)
                    gate.open()
        assert pruned
        new = RepoPlace(config.cache, NAME).snapshot(second)
        assert_usable(config, new, NEW)
        prune(config)  # nothing points to the old version any more: now it may go
        assert not old.exists()
        assert_usable(config, new, NEW)
        assert_whole(config, snapshot_of(events), NEW)
        checked = hf(config.cache, "cache", "verify", NAME, "--revision", second, endpoint=hub.url)
        assert checked.returncode == 0, checked.stderr


def test_a_prune_between_the_new_snapshot_and_its_name_leaves_the_old_version_and_costs_no_second_download(
    tmp_path: Path,
) -> None:
    with FakeHub() as hub:
        first = hub.add_repo(NAME, OLD)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        place = RepoPlace(config.cache, NAME)
        second = hub.add_repo(NAME, NEW)
        for event in every_event(config):
            if is_publishing(event):
                receipt = read_receipt(place, second)
                assert receipt is not None
                publish_snapshot(place, receipt.listing, receipt.wanted, point=False)
                assert_usable(config, place.snapshot(first), OLD)
                prune(config)
                assert_usable(config, place.snapshot(first), OLD)
                break
        assert {one.commit_hash for repo in scan_cache_dir(config.cache).repos for one in repo.revisions} == {
            first
        }
        assert_whole(config, snapshot_of(pull_all(config)), NEW)
        assert_usable(config, place.snapshot(second), NEW)


class PrunedPull(PullRun):
    """A pull whose first publishing meets a prune that looked when nothing pointed to the new snapshot yet and deletes
    when the pull thinks that it is done."""

    pruned = False

    def publish(self, plan: PullPlan) -> None:
        if self.pruned:
            super().publish(plan)
            return
        self.pruned = True
        publish_snapshot(self.place, plan.listing, plan.files, point=False)
        taken = scan_cache_dir(self.config.cache).delete_revisions(plan.listing.commit)
        super().publish(plan)
        taken.execute()


def test_a_prune_that_looked_before_the_name_and_deletes_after_it_is_made_good_before_the_pull_ends(
    tmp_path: Path,
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, OLD)
        config = settings(tmp_path, hub.url)
        pull_all(config)
        second = hub.add_repo(NAME, NEW)
        last = list(PrunedPull(REF, config, threading.Event(), PullOptions()).run())[-1]
        assert last.snapshot is not None
        assert last.snapshot.commit == second
        assert_usable(config, RepoPlace(config.cache, NAME).snapshot(second), NEW)


def test_a_pinned_commit_survives_prunes_while_its_branch_moves_on(tmp_path: Path) -> None:
    with FakeHub() as hub:
        first = hub.add_repo(NAME, OLD)
        config = settings(tmp_path, hub.url)
        pinned = ModelRef(name=f"{NAME}@{first}", repo_id=NAME, revision=first)
        pull_all(config, pinned)
        prune(config)
        second = hub.add_repo(NAME, NEW)
        pull_all(config)
        prune(config)
        third = hub.add_repo(NAME, {**NEW, "config.json": b'{"model_type": "qwen3"}'})
        pull_all(config)
        prune(config)
        for commit, files in ((first, OLD), (third, {**NEW, "config.json": b'{"model_type": "qwen3"}'})):
            folder = offline(config, commit)
            assert {path: (folder / path).read_bytes() for path in files} == files
        assert not RepoPlace(config.cache, NAME).snapshot(second).exists()
        assert Store(config).require(pinned).commit == first
        assert Store(config).require(REF).commit == third
        assert {one.state for one in Store(config).scan()} == {DiskState.COMPLETE}
        assert (RepoPlace(config.cache, NAME).refs / "ingle" / first).read_text() == first


def test_a_quantisation_whose_branch_moved_with_another_one_is_kept_and_outdated_until_it_comes_too(
    tmp_path: Path,
) -> None:
    small, middle = (parse_name(f"{NAME}:{quant}", load_catalog()) for quant in ("Q4_K_M", "Q8_0"))
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        names = {"m-Q4_K_M.gguf": 15, "m-Q8_0.gguf": 7}
        old, new = (
            {path: llama(version, file_type=kind) for path, kind in names.items()} for version in ("1", "2")
        )
        first = hub.add_repo(NAME, old)
        pull_all(config, small)
        pull_all(config, middle)
        second = hub.add_repo(NAME, new)
        pull_all(config, middle)
        prune(config)
        assert Store(config).require(small).commit == first
        (moved,) = outdated(config)
        assert (moved.commit, moved.newest, moved.changed) == (first, second, ("m-Q4_K_M.gguf",))
        snapshot = snapshot_of(pull_all(config, parse_name(moved.ref.name, load_catalog())))
        assert snapshot.commit == second and list(outdated(config)) == []
        prune(config)
    assert {one.commit for one in Store(config).scan()} == {second}
    assert_promises(config)
