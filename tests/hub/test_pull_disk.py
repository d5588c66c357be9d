"""Pulls against a disk that is full or in the way, at every stage; and several models of one repo."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, ModelRef
from ingle.catalog.names import parse_name
from ingle.errors import DiskFull, IngleError, MalformedModel, ModelNotFound, StoreError, Unsupported
from ingle.hub.bring import bring_model
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from ingle.hub.progress import Phase
from ingle.hub.pull import PullOptions, PullRun, plan, pull
from tests.catalog.gguf_writer import llama, split
from tests.fakes.content import Sparse
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Entry, Repo
from tests.hub.pulling import (
    NAME,
    REF,
    assert_promises,
    assert_whole,
    model_files,
    pull_all,
    settings,
    snapshot_of,
    weights,
)

pytestmark = pytest.mark.slow

SMALL = model_files(1000)


def test_a_disk_too_small_for_the_plan_is_said_before_the_first_byte(tmp_path: Path) -> None:
    size = 1 << 46
    with FakeHub() as hub:
        commit = hub.repos.setdefault(NAME, Repo(NAME)).commits
        sha = hub.add_repo(NAME, {**SMALL, "model.safetensors": Sparse(size, {0: weights(8)})})
        # A digest of so many bytes would never be computed; none is needed for what is refused before.
        entry = Entry("model.safetensors", Sparse(size, {0: weights(8)}), "ab" * 20, "ab" * 32)
        commit[sha]._known["model.safetensors"] = entry
        config = settings(tmp_path, hub.url)
        with pytest.raises(DiskFull) as caught:
            pull_all(config)
        assert caught.value.details["needed"] > size
        assert hub.bytes_sent("tokenizer.json") == 0
    assert not RepoPlace(config.cache, NAME).folder.exists()
    assert Store(config).find(REF) is None


def test_a_pull_that_goes_on_needs_no_disk_for_what_is_reserved_already(tmp_path: Path) -> None:
    """Or a disk that held the whole model when it was begun would be too small for the rest of it."""
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files(60_000_000))
        hub.faults = Faults(rate=10_000_000, only="model.safetensors")
        config = settings(tmp_path, hub.url)
        events = pull(REF, config)
        with Gate(hub, "model.safetensors", 4 * PIECE):
            while next(events).bytes_done < 10_000_000:
                pass
            events.close()
        rest = plan(REF, config)
    assert rest.to_fetch > 1_000_000
    assert rest.disk_needed == rest.margin


def test_what_was_saved_of_a_truncated_blob_needs_no_disk_a_second_time(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, model_files())
        config = settings(tmp_path, hub.url)
        whole = snapshot_of(pull_all(config))
        os.truncate((whole.root / "model.safetensors").resolve(), PIECE)
        before = plan(REF, config)
        assert before.disk_needed > before.margin
        run = PullRun(REF, config, threading.Event(), PullOptions())
        events = run.run()
        with Gate(hub, "model.safetensors", PIECE):
            while next(events).phase is not Phase.FETCHING:
                pass
            assert run.still_needed(before) == before.margin
            events.close()


LIMITED = """
import sys, pathlib, resource, signal
from tests.hub.pulling import settings, REF
from ingle.hub.pull import pull
from ingle.errors import IngleError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    for event in pull(REF, settings(pathlib.Path(sys.argv[1]), sys.argv[2])):
        pass
    print("done")
except IngleError as exc:
    print(type(exc).__name__)
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1 << 20, 30, 9_000_000])
def test_a_disk_that_takes_no_more_is_a_full_disk_and_the_next_pull_goes_on(
    tmp_path: Path, limit: int
) -> None:
    """The largest file size a process may write stands in for the end of the disk."""
    files = model_files()
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        command = [sys.executable, "-c", LIMITED, str(tmp_path), hub.url, str(limit)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert said.stdout.strip() == "DiskFull", said.stderr
        assert_promises(config)
        assert_whole(config, snapshot_of(pull_all(config)), files)


@pytest.mark.parametrize("stage", ["blobs", "snapshots", "refs/main", "receipt", "partial"])
def test_something_in_the_way_is_a_typed_error_and_once_gone_the_pull_ends_whole(
    tmp_path: Path, stage: str
) -> None:
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, SMALL)
        config = settings(tmp_path, hub.url)
        place = RepoPlace(config.cache, NAME)
        obstacle = {
            "blobs": place.blobs,
            "snapshots": place.snapshots,
            "refs/main": place.refs / "main",
            "receipt": place.receipt(commit),
            "partial": place.work / "partial",
        }[stage]
        obstacle.parent.mkdir(parents=True, exist_ok=True)
        if stage in {"refs/main", "receipt"}:
            obstacle.mkdir()
            (obstacle / "x").write_text("in the way")
        else:
            obstacle.write_text("in the way")
        with pytest.raises(StoreError):
            pull_all(config)
        if obstacle.is_dir():
            (obstacle / "x").unlink()
            obstacle.rmdir()
        else:
            obstacle.unlink()
        assert_whole(config, snapshot_of(pull_all(config)), SMALL)


QUANTS = {
    "m-Q4_K_M.gguf": llama("m"),
    "m-Q8_0.gguf": llama("m", file_type=7),
    "mmproj-m.gguf": llama("p"),
    "README.md": b"text",
}


def test_two_quantisations_of_one_repo_are_two_models_and_the_rest_is_never_fetched(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, QUANTS)
        config = settings(tmp_path, hub.url)
        first = snapshot_of(pull_all(config))
        assert first.path.name == "m-Q4_K_M.gguf"
        assert hub.bytes_sent("m-Q8_0.gguf") == 0
        other = ModelRef(name=f"{NAME}:Q8_0", repo_id=NAME, quant="Q8_0")
        assert snapshot_of(pull_all(config, other)).path.name == "m-Q8_0.gguf"
        assert hub.bytes_sent("mmproj-m.gguf") == hub.bytes_sent("README.md") == 0
    assert_promises(config)
    assert len([one for one in Store(config).scan() if one.ref.repo_id == NAME]) == 2


def test_a_quantisation_the_repo_lacks_is_said_with_those_it_has(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, QUANTS)
        config = settings(tmp_path, hub.url)
        with pytest.raises(ModelNotFound) as caught:
            pull_all(config, ModelRef(name="x", repo_id=NAME, quant="Q2_K"))
        assert "m-Q8_0.gguf" in caught.value.hint
    assert not RepoPlace(config.cache, NAME).work.joinpath("receipts").exists()


def test_a_repo_without_weights_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, {"config.json": b"{}", "pytorch_model.bin": b"x" * 100})
        config = settings(tmp_path, hub.url)
        with pytest.raises(Unsupported):
            pull_all(config)
        assert Store(config).find(REF) is None
    assert not RepoPlace(config.cache, NAME).folder.exists()


def test_the_plan_of_the_starter_needs_no_network(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9")
    found = plan(ModelRef(name="starter", repo_id="ingle/starter"), config)
    assert found.to_fetch == 98_362_432


def test_a_pull_whose_hub_is_down_is_typed_and_leaves_nothing(tmp_path: Path) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9", offline=True)
    with pytest.raises(IngleError):
        list(pull(REF, config))
    assert not RepoPlace(config.cache, NAME).folder.exists()


@pytest.mark.parametrize("part", ["", "blobs", "snapshots"])
def test_a_folder_that_leads_to_another_disk_is_said_before_the_first_byte(tmp_path: Path, part: str) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, SMALL)
        config = settings(tmp_path, hub.url)
        link = RepoPlace(config.cache, NAME).folder / part
        link.parent.mkdir(parents=True)
        link.symlink_to("/dev")  # on every system a disk of its own
        with pytest.raises(StoreError, match="another disk") as raised:
            pull_all(config)
        assert "HF_HUB_CACHE" in raised.value.hint
        assert hub.bytes_sent() == 0
        brought = tmp_path / "brought"
        brought.mkdir()
        for name, data in SMALL.items():
            (brought / name).write_bytes(data)
        with pytest.raises(StoreError, match="another disk"):
            list(bring_model(config, brought, repo_id=NAME))


@pytest.mark.parametrize(("first", "then"), [("dev", "dev/next"), ("dev/next", "dev")])
def test_a_branch_where_another_one_of_earlier_was_says_which_to_delete(
    tmp_path: Path, first: str, then: str
) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, SMALL, branch=first)
        config = settings(tmp_path, hub.url)
        store = Store(config)
        pull_all(config, parse_name(f"{NAME}@{first}", store.catalog))
        del hub.repos[NAME].refs[first]
        hub.add_repo(NAME, {**SMALL, "tokenizer.json": b'{"version": "2.0"}'}, branch=then)
        wanted = parse_name(f"{NAME}@{then}", store.catalog)
        with pytest.raises(StoreError) as raised:
            pull_all(config, wanted)
        assert f"`ingle rm {NAME}@{first}`" in raised.value.hint
        store.remove(parse_name(f"{NAME}@{first}", store.catalog))
        hub.forget_requests()
        assert snapshot_of(pull_all(config, wanted)).state is DiskState.COMPLETE
        assert hub.bytes_sent() == 0
    assert_promises(config)


def test_a_split_model_is_found_by_the_label_it_was_pulled_by_and_not_by_its_header(tmp_path: Path) -> None:
    label = "UD-Q4_K_XL"  # a label of its maker's: the header says Q4_K_M, as it does in the other one
    names = [f"{label}/m-{label}-{number:05d}-of-00002.gguf" for number in (1, 2)]
    with FakeHub() as hub:
        hub.add_repo(NAME, {"m-Q4_K_M.gguf": llama(), **dict(zip(names, split(2), strict=True))})
        config = settings(tmp_path, hub.url)
        store = Store(config)
        wanted = {quant: parse_name(f"{NAME}:{quant}", store.catalog) for quant in (label, "Q4_K_M")}
        assert set(snapshot_of(pull_all(config, wanted[label])).files) == set(names)
        pull_all(config, wanted["Q4_K_M"])
    assert set(store.require(wanted[label]).files) == set(names)
    assert store.require(wanted["Q4_K_M"]).files == ("m-Q4_K_M.gguf",)


def test_parts_that_were_published_as_those_of_another_model_are_not_said_to_be_mended(
    tmp_path: Path,
) -> None:
    first, second, _ = split(3)
    with FakeHub() as hub:
        hub.add_repo(NAME, {"m-00001-of-00002.gguf": first, "m-00002-of-00002.gguf": second})
        with pytest.raises(MalformedModel, match="one of 3 parts") as raised:
            pull_all(settings(tmp_path, hub.url))
    assert "publisher" in raised.value.hint
