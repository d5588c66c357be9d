"""Files that were published broken: their digests are right, and no loader could open the model."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from ingle.catalog.model import DiskState
from ingle.errors import Incomplete, MalformedModel, Unsupported
from ingle.hub.cache import Store
from ingle.hub.health.audit import audit
from ingle.hub.layout import RepoPlace
from ingle.hub.progress import Phase
from ingle.hub.pull import PullOptions, PullRun
from ingle.hub.repair import repair
from tests.catalog.gguf_writer import gguf, llama
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.hub.pulling import (
    NAME,
    REF,
    assert_promises,
    assert_whole,
    listed,
    model_files,
    pull_all,
    settings,
    snapshot_of,
)

pytestmark = pytest.mark.slow

UNFINISHED = [
    ("config.json", "config.json"),
    ("tokenizer.json", "tokenizer"),
    ("model.safetensors", "model-00002-of-00002.safetensors"),
]
"""A file that a repo lacks, and what of it the error names; for weights that lie there as the first part of two."""

BROKEN = [
    ("tokenizer.json", b'{"version": '),
    ("tokenizer.json", b'{"version": NaN}'),
    ("tokenizer_config.json", b"<html>"),
    ("generation_config.json", b"["),
    ("special_tokens_map.json", b""),
    ("config.json", b'{"model_type": '),
    ("chat_template.jinja", b"\xff\xfe"),
    ("added.jsonl", b'{"a": 1}\n{'),
    ("model.safetensors", model_files()["model.safetensors"] + b"xx"),
]


@pytest.mark.parametrize(("name", "content"), BROKEN)
def test_what_no_loader_could_open_is_never_shown(tmp_path: Path, name: str, content: bytes) -> None:
    with FakeHub() as hub:
        commit = hub.add_repo(NAME, {**model_files(), name: content})
        config = settings(tmp_path, hub.url)
        for _ in range(2):
            with pytest.raises(MalformedModel, match=name) as raised:
                pull_all(config)
            assert "publisher" in raised.value.hint
    place = RepoPlace(config.cache, NAME)
    assert not place.snapshot(commit).exists() and not place.refs.exists()
    assert_promises(config)


def test_what_no_loader_opens_may_be_broken_and_is_no_damage_afterwards(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, {**model_files(), "notes.json": b"{"})
        config = settings(tmp_path, hub.url)
        snapshot = snapshot_of(pull_all(config))
    assert audit(config, snapshot).ok


def test_a_broken_tokenizer_is_found_before_the_weights_are_fetched(tmp_path: Path) -> None:
    with FakeHub() as hub:
        hub.add_repo(NAME, {**model_files(100_000_000), "tokenizer.json": b"{"})
        hub.faults = Faults(rate=1e6, only="model.safetensors")
        with pytest.raises(MalformedModel):
            pull_all(settings(tmp_path, hub.url))
        assert hub.bytes_sent("model.safetensors") < 100_000_000


def test_the_old_version_stays_in_use_when_the_new_one_was_published_broken(tmp_path: Path) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        commit = hub.add_repo(NAME, model_files())
        pull_all(config)
        hub.add_repo(NAME, {**model_files(), "tokenizer.json": b"{"})
        with pytest.raises(MalformedModel):
            pull_all(config)
    found = Store(config).require(REF)
    assert (found.commit, found.state) == (commit, DiskState.COMPLETE)
    assert_promises(config)


def test_a_repair_of_what_another_tool_fetched_says_that_it_was_published_so(tmp_path: Path) -> None:
    with FakeHub() as hub:
        config = settings(tmp_path, hub.url)
        hub.add_repo(NAME, {**model_files(), "tokenizer.json": b"{"})
        snapshot_download(NAME, cache_dir=config.cache, endpoint=hub.url, token=False)
        with pytest.raises(MalformedModel) as raised:
            list(repair(REF, config))
        assert "publisher" in raised.value.hint


def test_a_config_with_an_infinity_in_it_is_whole(tmp_path: Path) -> None:
    config_json = b'{"model_type": "mamba2", "time_step_limit": [0.0, Infinity]}'
    with FakeHub() as hub:
        hub.add_repo(NAME, {**model_files(), "config.json": config_json})
        snapshot = snapshot_of(pull_all(settings(tmp_path, hub.url)))
    assert (snapshot.state, snapshot.architecture) == (DiskState.COMPLETE, "mamba2")


def test_a_tokenizer_that_a_clean_up_takes_before_it_was_looked_into_is_fetched_again(tmp_path: Path) -> None:
    files = model_files(1000)
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        blob = RepoPlace(config.cache, NAME).blob(listed("tokenizer.json", files["tokenizer.json"]).digest)
        events, taken = [], False
        for event in PullRun(REF, config, threading.Event(), PullOptions()).run():
            events.append(event)
            if event.phase is Phase.PUBLISHING and not taken:
                blob.unlink()
                taken = True
        assert taken
        assert_whole(config, snapshot_of(events), files)


@pytest.mark.parametrize(("lacking", "named"), UNFINISHED)
def test_a_repo_that_no_pull_makes_whole_is_refused_before_its_weights_come(
    tmp_path: Path, lacking: str, named: str
) -> None:
    files = model_files()
    taken = files.pop(lacking)
    if lacking == "model.safetensors":
        files["model-00001-of-00002.safetensors"] = taken
    with FakeHub() as hub:
        hub.add_repo(NAME, files)
        config = settings(tmp_path, hub.url)
        with pytest.raises((Incomplete, Unsupported), match=named) as raised:
            pull_all(config)
        assert hub.bytes_sent() < 2 << 20, "the weights came"
    assert "ingle pull" not in raised.value.hint
    assert Store(config).scan() == []
    assert_promises(config)


def test_weights_that_are_no_model_of_their_own_do_not_hide_a_gguf(tmp_path: Path) -> None:
    projector = model_files(1000)["model.safetensors"]
    with FakeHub() as hub:
        hub.add_repo(
            NAME, {"config.json": b"{}", "m-Q4_K_M.gguf": llama(), "projector.safetensors": projector}
        )
        snapshot = snapshot_of(pull_all(settings(tmp_path, hub.url)))
    assert snapshot.files == ("m-Q4_K_M.gguf",)


def test_files_that_are_right_and_make_no_model_are_not_said_to_be_missing(tmp_path: Path) -> None:
    adapter = gguf({"general.type": "adapter", "general.architecture": "llama"})
    with FakeHub() as hub:
        hub.add_repo(NAME, {"lora-F16.gguf": adapter})
        config = settings(tmp_path, hub.url)
        with pytest.raises(Unsupported, match="no model"):
            pull_all(config)
