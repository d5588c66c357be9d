"""Removing deletes what it names and nothing else, in an order that huggingface_hub never trips over."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from huggingface_hub import scan_cache_dir, snapshot_download

from ingle.catalog.model import ModelRef
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import InUse, InvalidRequest, NoPermission, NotDownloaded, Unsupported
from ingle.hub.cache import Store
from ingle.hub.remove import Removal
from tests.catalog.gguf_writer import llama, split
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import (
    COMMIT,
    OTHER,
    damage,
    everything,
    make_config,
    ordinary_user,
    put,
    share,
    their_files,
    theirs,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def ref(text: str, config: Config) -> ModelRef:
    return parse_name(text, Store(config).catalog, home=config.user_home)


def remove(text: str, config: Config) -> Removal:
    return Store(config).remove(ref(text, config))


def bytes_on_disk(config: Config) -> int:
    return sum(len(content) for content in everything(config.cache).values() if isinstance(content, bytes))


def test_a_removed_model_is_gone_for_every_tool_and_its_bytes_are_freed(config: Config) -> None:
    put(config, "org/name", mlx_folder(), tree=True)
    put(config, "org/other", mlx_folder(**{"extra.json": b"{}"}), tree=True)
    before = bytes_on_disk(config)
    kept = {
        path: it for path, it in everything(config.cache).items() if path.startswith("models--org--other")
    }
    removed = remove("org/name", config)
    assert everything(config.cache) == kept
    assert removed.name == "org/name"
    assert 0 < removed.freed <= before - bytes_on_disk(config)
    assert [repo.repo_id for repo in theirs(config).repos] == ["org/other"]
    assert damage(config) == []
    assert Store(config).find(ref("org/name", config)) is None


def test_of_several_names_of_one_version_only_the_one_that_was_asked_for_goes(config: Config) -> None:
    place = put(config, "org/name", mlx_folder(), tree=True)
    (place.refs / "tags").mkdir()
    (place.refs / "tags" / "v1").write_text(COMMIT)
    removed = remove("org/name@tags/v1", config)
    assert (removed.files, removed.freed, removed.remaining) == ((), 0, ("org/name",))
    assert not (place.refs / "tags").exists()
    assert Store(config).require(ref("org/name", config)).commit == COMMIT
    remove("org/name@main", config)  # the last name goes with the version
    assert Store(config).scan() == [] and damage(config) == []


def test_one_quantisation_goes_and_the_others_stay(config: Config) -> None:
    files = {"a.gguf": llama("a"), "b.gguf": llama("b"), "README.md": b"x"}
    place = put(config, "org/many", files, tree=True)
    removed = remove("org/many:a.gguf", config)
    assert removed.files == ("a.gguf",)
    assert removed.freed == len(files["a.gguf"])
    assert their_files(config) == {"org/many": {f"{COMMIT}/b.gguf", f"{COMMIT}/README.md"}}
    assert not place.tree(COMMIT).exists()
    assert damage(config) == []
    assert (place.refs / "main").read_text() == COMMIT
    folder = snapshot_download("org/many", cache_dir=config.cache, local_files_only=True)
    assert sorted(path.name for path in Path(folder).iterdir()) == ["README.md", "b.gguf"]


def test_the_last_quantisation_takes_its_snapshot_along(config: Config) -> None:
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b"), "README.md": b"x"})
    remove("org/many:a.gguf", config)
    remove("org/many", config)
    assert everything(config.cache) == {}


def test_all_parts_of_a_split_model_go(config: Config) -> None:
    parts = {f"m-{number:05d}-of-00003.gguf": part for number, part in enumerate(split(3), start=1)}
    put(config, "org/split", {**parts, "other.gguf": llama("other")})
    removed = remove("org/split:m-00001-of-00003.gguf", config)
    assert removed.files == tuple(parts)
    assert their_files(config) == {"org/split": {f"{COMMIT}/other.gguf"}}


def test_a_name_that_means_several_models_is_refused(config: Config) -> None:
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b")})
    before = everything(config.cache)
    with pytest.raises(InvalidRequest, match=r"org/many:a\.gguf, org/many:b\.gguf"):
        remove("org/many", config)
    assert everything(config.cache) == before


def test_a_blob_that_another_revision_uses_stays(config: Config) -> None:
    files = mlx_folder()
    place = put(config, "org/name", files)
    put(config, "org/name", files | {"config.json": files["config.json"] + b" "}, commit=OTHER, ref="old")
    removed = remove("org/name", config)
    assert removed.remaining == ("org/name@old",)
    assert removed.freed == len(files["config.json"])
    assert removed.shared == len(files["model.safetensors"]) + len(files["tokenizer.json"])
    assert their_files(config) == {"org/name": {f"{OTHER}/{path}" for path in files}}
    assert damage(config) == []
    assert not (place.refs / "main").exists()


def test_what_hugging_face_would_free_is_what_we_free(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    put(config, "org/name", {"m.gguf": llama()}, commit=OTHER, ref="v2")
    expected = scan_cache_dir(config.cache).delete_revisions(OTHER).expected_freed_size
    assert remove("org/name@v2", config).freed == expected


def test_the_shared_store_of_several_repos_is_never_reached_through(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    shared = share(place, "model.safetensors")
    content = shared.read_bytes()
    removed = remove("org/name", config)
    assert shared.read_bytes() == content
    assert removed.shared == len(content)
    assert not place.folder.exists()


def test_a_link_that_leads_out_of_the_repo_is_unlinked_and_not_followed(
    config: Config, tmp_path: Path
) -> None:
    place = put(config, "org/name", mlx_folder())
    outside = tmp_path / "precious.json"
    outside.write_bytes(b"{}")
    (place.snapshot(COMMIT) / "precious.json").symlink_to(outside)
    folder = tmp_path / "precious"
    (folder).mkdir()
    (folder / "file").write_bytes(b"x")
    (place.snapshot(COMMIT) / "linked").symlink_to(folder)
    remove("org/name", config)
    assert outside.read_bytes() == b"{}"
    assert (folder / "file").read_bytes() == b"x"


def test_nothing_is_deleted_through_a_linked_repo_folder(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    (config.cache / "models--org--alias").symlink_to(place.folder)
    before = everything(config.cache)
    with pytest.raises(Unsupported, match="nothing through links"):
        remove("org/alias", config)
    assert everything(config.cache) == before


def test_files_that_are_no_links_go_with_their_snapshot(config: Config) -> None:
    place = put(config, "org/name", {})
    for path, content in mlx_folder().items():
        (place.snapshot(COMMIT) / path).write_bytes(content)
    assert remove("org/name", config).freed == sum(map(len, mlx_folder().values()))
    assert everything(config.cache) == {}


def test_what_others_left_in_the_repo_is_not_ours_to_delete(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    orphan, unfinished = place.blobs / ("c" * 64), place.blobs / ("d" * 64 + ".incomplete")
    orphan.write_bytes(b"another tool's")
    unfinished.write_bytes(b"another tool's")
    remove("org/name", config)
    assert orphan.exists() and unfinished.exists()
    assert damage(config) == []


def test_a_partial_download_that_is_named_goes(config: Config) -> None:
    place = put(config, "org/name", {})
    place.blobs.mkdir(parents=True)
    (place.blobs / ("c" * 64 + ".incomplete")).write_bytes(llama()[:100])
    assert remove("org/name", config).freed == 100
    assert list(place.blobs.glob("*")) == [] or not place.blobs.exists()


def test_a_broken_model_can_be_removed_too(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    (place.snapshot(COMMIT) / "model.safetensors").resolve().unlink()
    remove("org/name", config)
    assert everything(config.cache) == {}


def test_every_ref_to_the_snapshot_goes_and_no_other(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    put(config, "org/name", mlx_folder(), ref=f"ingle/{COMMIT}")
    put(config, "org/name", {"m.gguf": llama()}, commit=OTHER, ref="refs/pr/1")
    remove("org/name", config)
    refs = [str(path.relative_to(place.refs)) for path in place.refs.rglob("*") if path.is_file()]
    assert refs == ["refs/pr/1"]
    assert damage(config) == []


@pytest.mark.parametrize("where", ["mlx", "lmstudio", "folder", "file"])
def test_nothing_outside_the_cache_is_ever_deleted(config: Config, tmp_path: Path, where: str) -> None:
    folder = {
        "mlx": config.mlx_models / "mine",
        "lmstudio": config.lmstudio / "org" / "name",
        "folder": tmp_path / "models",
        "file": tmp_path / "files",
    }[where]
    folder.mkdir(parents=True)
    (folder / "m.gguf").write_bytes(llama())
    name = {"lmstudio": "org/name", "file": f"{folder}/m.gguf"}.get(where, str(folder))
    with pytest.raises(Unsupported, match="only reads") as caught:
        remove(name, config)
    assert str(folder) in caught.value.hint
    assert (folder / "m.gguf").exists()


def test_what_is_not_there_cannot_be_removed(config: Config) -> None:
    with pytest.raises(NotDownloaded):
        remove("org/name", config)
    assert not config.cache.exists()


def test_a_model_being_pulled_is_not_removed(config: Config) -> None:
    place = put(config, "org/name", mlx_folder())
    before = everything(config.cache)
    for path in (place.pull_lock, place.blob_lock("e" * 64)):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path), pytest.raises(InUse):
            remove("org/name", config)
    assert everything(config.cache) == before
    remove("org/name", config)
    assert everything(config.cache) == {}


def test_a_cache_that_may_not_be_written_is_left_as_it_is(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    before = everything(config.cache)
    with ordinary_user(config), pytest.raises(NoPermission):
        remove("org/name", config)
    assert everything(config.cache) == before


def test_a_second_removal_of_the_same_model_finds_nothing(config: Config) -> None:
    put(config, "org/name", mlx_folder())
    remove("org/name", config)
    with pytest.raises(NotDownloaded):
        remove("org/name", config)
