"""What the real huggingface_hub put into the cache is listed, verified, exported and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, snapshot_download

from ingle.catalog.model import DiskState, Snapshot
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.hub.cache import Store
from ingle.hub.health.audit import audit
from ingle.hub.health.others import find_leftovers
from ingle.hub.health.sweep import find_orphans
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder
from tests.fakes.hub import FakeHub
from tests.hub.hf_cache import damage, make_config, their_files, theirs

MANY = {"a.Q4_K_M.gguf": llama("a"), "b.Q8_0.gguf": llama("b", file_type=7), "README.md": b"x"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.add_repo("org/mlx", mlx_folder())
        hub.add_repo("org/many", MANY)
        yield hub


def fetch(hub: FakeHub, config: Config, repo_id: str, only: str | None = None) -> Path:
    return Path(
        snapshot_download(repo_id, cache_dir=config.cache, endpoint=hub.url, token=False, allow_patterns=only)
    )


def found(config: Config, name: str) -> Snapshot:
    snapshot = Store(config).find(parse_name(name, Store(config).catalog))
    assert snapshot is not None
    return snapshot


@pytest.mark.slow
def test_what_it_downloaded_is_complete_right_and_leaves_nothing_to_clean(
    hub: FakeHub, config: Config
) -> None:
    folder = fetch(hub, config, "org/mlx")
    fetch(hub, config, "org/many")
    names = {snapshot.ref.name: snapshot.state for snapshot in Store(config).scan()}
    assert names == dict.fromkeys(
        ("org/mlx", "org/many:a.Q4_K_M.gguf", "org/many:b.Q8_0.gguf"), DiskState.COMPLETE
    )
    snapshot = found(config, "org/mlx")
    assert snapshot.path == folder
    report = audit(config, snapshot)
    assert report.ok and not report.unknown
    assert find_orphans(config) == [] and find_leftovers(config) == []


@pytest.mark.slow
def test_what_it_fetched_only_in_part_is_partial(hub: FakeHub, config: Config) -> None:
    fetch(hub, config, "org/mlx", "*.json")
    assert found(config, "org/mlx").missing == ("model.safetensors",)
    hf_hub_download("org/many", "a.Q4_K_M.gguf", cache_dir=config.cache, endpoint=hub.url, token=False)
    assert found(config, "org/many").state is DiskState.COMPLETE


@pytest.mark.slow
def test_it_sees_the_same_as_we_do_before_and_after_a_removal(hub: FakeHub, config: Config) -> None:
    fetch(hub, config, "org/mlx")
    folder = fetch(hub, config, "org/many")
    sizes = {repo.repo_id: repo.size_on_disk for repo in theirs(config).repos}
    assert sizes["org/mlx"] == found(config, "org/mlx").size
    store = Store(config)
    removal = store.remove(parse_name("org/many:a.Q4_K_M.gguf", store.catalog))
    assert removal.freed == len(MANY["a.Q4_K_M.gguf"])
    assert their_files(config)["org/many"] == {f"{folder.name}/README.md", f"{folder.name}/b.Q8_0.gguf"}
    store.remove(parse_name("org/mlx", store.catalog))
    assert set(their_files(config)) == {"org/many"}
    assert damage(config) == []
    # It fetches again what was removed, and nothing else.
    hub.seen.clear()
    fetch(hub, config, "org/many")
    bodies = {one.path for one in hub.seen if one.sent and one.path and one.path.endswith((".gguf", ".md"))}
    assert bodies == {"a.Q4_K_M.gguf"}
    assert found(config, "org/many:a.Q4_K_M.gguf").state is DiskState.COMPLETE
