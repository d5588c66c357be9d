"""What the store says of the shared cache and of the folders beside it, whatever mess others left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ingle.catalog.fits import snapshot_memory
from ingle.catalog.model import DiskState, Format, Origin
from ingle.config import Config
from ingle.errors import FileMissing, Incomplete, MalformedModel, NoPermission, NotDownloaded
from ingle.hub.cache import Store
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder, sharded
from tests.hub.hf_cache import (
    COMMIT,
    OTHER,
    find,
    found,
    lay_all,
    make_config,
    names,
    ordinary_user,
    parts,
    put,
    ref,
    share,
    theirs,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def test_an_empty_machine_has_no_models(config: Config) -> None:
    assert names(config) == []
    assert find("org/name", config) is None
    assert not config.cache.exists()


def test_a_model_that_huggingface_hub_knows_is_listed_and_complete(config: Config) -> None:
    put(config, "org/name", mlx_folder(), tree=True)
    (snapshot,) = Store(config).scan()
    assert (snapshot.ref.name, snapshot.state, snapshot.format) == (
        "org/name",
        DiskState.COMPLETE,
        Format.MLX,
    )
    assert (snapshot.commit, snapshot.origin) == (COMMIT, Origin.HUB_CACHE)
    (repo,) = theirs(config).repos
    assert (repo.repo_id, repo.size_on_disk) == (snapshot.ref.repo_id, snapshot.size)
    assert Store(config).require(ref("org/name", config)) == snapshot


def test_what_a_token_of_context_costs_is_read_from_the_headers(config: Config) -> None:
    put(config, "org/mlx", mlx_folder())
    put(config, "org/gguf", {"m.gguf": llama()})
    for name in ("org/mlx", "org/gguf"):
        snapshot = found(name, config)
        assert snapshot.kv_bytes_per_token == 2 * 2 * (64 + 64) * 2
        assert snapshot_memory(snapshot, 4096) - snapshot_memory(snapshot, 2048) == 2048 * 1024


def test_a_catalogued_model_has_its_short_name_however_it_is_asked_for(config: Config) -> None:
    put(config, "mlx-community/Qwen3-1.7B-4bit", mlx_folder())
    assert names(config) == ["qwen3:1.7b"]
    for text in (
        "qwen3",
        "default",
        "mlx-community/Qwen3-1.7B-4bit",
        "hf:mlx-community/Qwen3-1.7B-4bit@main",
    ):
        assert found(text, config).ref.name == "qwen3:1.7b"


def test_every_listed_name_finds_its_own_model_again(config: Config) -> None:
    put(config, "org/name", mlx_folder(), commit=OTHER, ref=None)
    put(config, "org/name", mlx_folder())
    put(config, "org/many", {"a.Q4_0.gguf": llama(file_type=2), "sub/b.gguf": llama("b")})
    put(config, "gpt2", sharded(2))
    put(config, "org/tagged", mlx_folder(), ref="refs/pr/3")
    lay_all(config.mlx_models / "mine", mlx_folder())
    lay_all(config.lmstudio / "org" / "studio", {"x.gguf": llama("x")})
    listed = Store(config).scan()
    assert len(listed) == 8
    for snapshot in listed:
        assert found(snapshot.ref.name, config) == snapshot


def test_each_quantisation_is_listed_and_found_by_file_and_by_quantisation(config: Config) -> None:
    files = {
        "m.Q4_K_M.gguf": llama(file_type=15),
        "m.Q8_0.gguf": llama(file_type=7, tokens=900),
        "m-UD-Q4_K_XL.gguf": llama(file_type=15, tokens=800),
    }
    put(config, "org/many", files | {"README.md": b"x"})
    assert names(config) == [f"org/many:{name}" for name in sorted(files, key=str.lower)]
    assert found("org/many:m.Q8_0.gguf", config).path.name == "m.Q8_0.gguf"
    assert found("org/many:q8_0", config).path.name == "m.Q8_0.gguf"
    assert found("org/many:UD-Q4_K_XL", config).path.name == "m-UD-Q4_K_XL.gguf"
    assert found("org/many", config).quantization == "Q4_K_M"
    assert find("org/many:Q2_K", config) is None
    assert find("org/many:other.gguf", config) is None


def test_a_single_gguf_is_called_like_its_repo(config: Config) -> None:
    put(config, "org/one", {"m.gguf": llama(), "README.md": b"x"})
    (snapshot,) = Store(config).scan()
    assert (snapshot.ref.name, snapshot.ref.file, snapshot.path.name) == ("org/one", "m.gguf", "m.gguf")
    assert snapshot.files == ("m.gguf",)


def test_a_split_model_lacks_the_part_that_is_not_there(config: Config) -> None:
    files = parts(3)
    put(config, "org/split", files)
    assert found("org/split", config).state is DiskState.COMPLETE
    gone = "m-00002-of-00003.gguf"
    (Path(found("org/split", config).root) / gone).unlink()
    assert found("org/split", config).missing == (gone,)
    with pytest.raises(Incomplete, match=gone):
        Store(config).require(ref("org/split", config))


def test_an_interrupted_download_of_huggingface_hub_is_partial(config: Config) -> None:
    files = mlx_folder()
    del files["model.safetensors"]
    place = put(config, "org/name", files)
    (place.blobs / ("c" * 64 + ".incomplete")).write_bytes(b"x" * 100)
    assert found("org/name", config).missing == ("model.safetensors",)


def test_a_download_that_shows_only_as_an_incomplete_blob_is_partial(config: Config) -> None:
    place = put(config, "org/name", {})
    place.blobs.mkdir(parents=True)
    (place.blobs / ("c" * 64 + ".incomplete")).write_bytes(llama()[:100])
    (snapshot,) = Store(config).scan()
    assert (snapshot.state, snapshot.format, snapshot.size) == (DiskState.PARTIAL, Format.GGUF, 100)
    assert "unfinished download" in snapshot.missing[0]
    assert found("org/name", config) == snapshot


def test_a_dangling_link_is_partial_and_harms_no_other_model(config: Config) -> None:
    place = put(config, "org/broken", mlx_folder())
    put(config, "org/good", mlx_folder())
    (place.snapshot(COMMIT) / "model.safetensors").resolve().unlink()
    states = {snapshot.ref.name: snapshot.missing for snapshot in Store(config).scan()}
    assert states == {"org/broken": ("model.safetensors",), "org/good": ()}


def test_a_ref_to_a_missing_snapshot_does_not_hide_what_is_there(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), ref=None)
    (place.refs).mkdir()
    (place.refs / "main").write_text("c" * 40)
    assert len(theirs(config).warnings) == 1
    assert found("org/name", config).state is DiskState.COMPLETE


def test_a_truncated_blob_of_someone_else_is_not_complete(config: Config) -> None:
    place = put(config, "org/name", {"m.gguf": llama()})
    blob = (place.snapshot(COMMIT) / "m.gguf").resolve()
    os.truncate(blob, blob.stat().st_size - 30)
    assert found("org/name", config).state is DiskState.PARTIAL


def test_the_listing_of_huggingface_hub_uncovers_a_short_file(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), tree=True)
    (place.snapshot(COMMIT) / "tokenizer.json").resolve().write_bytes(b"{")
    assert found("org/name", config).missing == ("tokenizer.json (1 of 2 bytes)",)


def test_a_broken_listing_is_done_without(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), tree=True)
    place.tree(COMMIT).write_text("{")
    assert found("org/name", config).state is DiskState.COMPLETE


def test_a_snapshot_called_main_is_loaded_too(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), ref=None)
    place.snapshot(COMMIT).rename(place.snapshots / "main")
    snapshot = found("org/name", config)
    assert (snapshot.state, snapshot.commit) == (DiskState.COMPLETE, None)


def test_revisions_are_found_by_branch_commit_and_its_beginning(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    put(config, "org/name", {"m.gguf": llama()}, commit=OTHER, ref="v2")
    assert names(config) == ["org/name", "org/name@v2"]
    for revision in ("v2", OTHER, OTHER[:7]):
        assert found(f"org/name@{revision}", config).commit == OTHER
    assert find("org/name@nothing", config) is None


def test_main_moved_by_a_tool_that_fetched_only_a_config_hides_no_whole_model(config: Config) -> None:
    put(config, "org/name", mlx_folder(), commit=OTHER, ref=None)
    put(config, "org/name", {"config.json": mlx_folder()["config.json"]})
    assert found("org/name", config).commit == OTHER
    assert found("org/name", config).state is DiskState.COMPLETE
    assert names(config) == ["org/name", "org/name@main"]
    assert found("org/name@main", config).state is DiskState.PARTIAL


def test_a_folder_that_shadows_a_branch_keeps_a_name_of_its_own(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), commit=OTHER)
    put(config, "org/name", {"m.gguf": llama()}, ref=None)
    place.snapshot(COMMIT).rename(place.snapshots / "main")
    assert names(config) == ["org/name", "org/name@snapshots/main"]
    assert found("org/name@main", config).commit == OTHER
    assert found("org/name@snapshots/main", config).format is Format.GGUF


def test_a_quantisation_of_an_older_snapshot_is_found_without_its_commit(config: Config) -> None:
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b")}, commit=OTHER, ref=None)
    put(config, "org/many", {"a.gguf": llama("a")})
    assert found("org/many:b.gguf", config).commit == OTHER
    assert found("org/many:a.gguf", config).commit == COMMIT


def test_a_blob_in_the_shared_store_is_followed(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    share(place, "model.safetensors")
    assert found("org/name", config).state is DiskState.COMPLETE


def test_a_damaged_model_cannot_be_required_and_says_what_is_wrong(config: Config) -> None:
    put(config, "org/name", {"m.gguf": b"<html>" * 30})
    with pytest.raises(MalformedModel, match="does not begin with the letters GGUF"):
        Store(config).require(ref("org/name", config))


def test_what_is_not_there_cannot_be_required(config: Config) -> None:
    with pytest.raises(NotDownloaded):
        Store(config).require(ref("org/name", config))
    with pytest.raises(FileMissing):
        Store(config).require(ref("/nowhere/x.gguf", config))


@pytest.mark.parametrize("what", ["datasets--org--name", "models--", "models--a--b--c", "blobs", "x.txt"])
def test_other_things_in_the_cache_are_no_models(config: Config, what: str) -> None:
    lay_all(config.cache / what / "snapshots" / COMMIT, mlx_folder())
    assert names(config) == []


def test_files_where_folders_belong_are_no_error(config: Config) -> None:
    config.cache.mkdir(parents=True)
    (config.cache / "models--org--file").write_bytes(b"")
    lay_all(config.cache / "models--org--odd", {"snapshots": b"", "refs": b"", "blobs": b""})
    lay_all(config.mlx_models.parent, {"models": b""})
    assert names(config) == []


def test_what_may_not_be_read_is_left_out(config: Config) -> None:
    place = put(config, "org/closed", mlx_folder())
    put(config, "org/open", mlx_folder())
    place.snapshots.chmod(0)
    with ordinary_user(config):
        assert names(config) == ["org/open"]


def test_a_cache_or_a_model_that_may_not_be_looked_into_is_said(config: Config) -> None:
    place = put(config, "org/closed", mlx_folder())
    place.folder.chmod(0)
    with ordinary_user(config), pytest.raises(NoPermission, match="models--org--closed"):
        find("org/closed", config)
    config.cache.chmod(0)
    with ordinary_user(config, closed=True), pytest.raises(NoPermission):
        names(config)


def test_headers_are_remembered_and_forgotten_with_the_file(config: Config) -> None:
    place = put(config, "org/name", {"m.gguf": llama(file_type=15)})
    assert found("org/name", config).quantization == "Q4_K_M"
    assert (config.home / "headers.msgpack").is_file()
    blob = (place.snapshot(COMMIT) / "m.gguf").resolve()
    before = blob.stat().st_mtime_ns
    blob.write_bytes(llama("another", file_type=2))
    os.utime(blob, ns=(before, before + 10**9))  # a clock of files may tick only a hundred times a second
    assert found("org/name", config).quantization == "Q4_0"


def test_one_file_under_two_names_is_not_taken_for_what_the_other_is(config: Config) -> None:
    weights = mlx_folder()["model.safetensors"]
    put(config, "org/name", mlx_folder(**{"x.gguf": weights}))
    states = {one.ref.name: one.state for one in Store(config).scan()}
    assert states == {"org/name": DiskState.COMPLETE, "org/name:x.gguf": DiskState.PARTIAL}
    assert {one.ref.name: one.state for one in Store(config).scan()} == states


def test_a_broken_memory_of_headers_is_done_without(config: Config) -> None:
    put(config, "org/name", {"m.gguf": llama()})
    lay_all(config.home, {"headers.msgpack": b"\xff\x00nonsense"})
    assert found("org/name", config).state is DiskState.COMPLETE


def test_a_home_that_cannot_be_written_is_no_obstacle(config: Config) -> None:
    put(config, "org/name", {"m.gguf": llama()})
    config.home.parent.mkdir(parents=True, exist_ok=True)
    config.home.write_bytes(b"a file, no folder")
    assert names(config) == ["org/name"]


def test_the_cache_is_only_read_by_looking(config: Config) -> None:
    put(config, "org/name", mlx_folder(), tree=True)
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b")})
    before = sorted(str(path) for path in config.cache.rglob("*"))
    Store(config).scan()
    find("org/many:a.gguf", config)
    assert sorted(str(path) for path in config.cache.rglob("*")) == before


def test_a_model_that_goes_away_while_it_is_listed_is_no_error(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    store = Store(config)
    assert len(store.scan()) == 1
    shutil.rmtree(place.folder)
    assert store.scan() == []
