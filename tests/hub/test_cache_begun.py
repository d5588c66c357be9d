"""What our own unfinished pulls look like from outside: partial, named, removable."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import DiskState, Format, ModelRef
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import Incomplete
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.receipt import Asked, Receipt, read_receipt, write_receipt
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import COMMIT, everything, make_config, put

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def ref(text: str, config: Config) -> ModelRef:
    return parse_name(text, Store(config).catalog)


def listed(files: dict[str, bytes]) -> tuple[ListedFile, ...]:
    return tuple(
        ListedFile(path, len(content), hashlib.sha256(content).hexdigest(), DigestKind.SHA256)
        for path, content in files.items()
    )


def begin(config: Config, name: str, files: dict[str, bytes], wanted: tuple[str, ...] = ()) -> RepoPlace:
    """The receipt of a pull that has not shown anything yet."""
    asked = ref(name, config)
    place = RepoPlace(config.cache, str(asked.repo_id))
    listing = Listing(place.repo_id, "main", COMMIT, listed(files))
    receipt = read_receipt(place, COMMIT) or Receipt(listing=listing)
    write_receipt(place, receipt.plus(Asked(asked, wanted or tuple(files))))
    return place


def test_a_begun_pull_is_partial_and_says_what_is_missing(config: Config) -> None:
    files = mlx_folder()
    place = begin(config, "qwen3", files)
    blob = place.blob(hashlib.sha256(files["tokenizer.json"]).hexdigest())
    blob.parent.mkdir(parents=True)
    blob.write_bytes(files["tokenizer.json"])
    (snapshot,) = Store(config).scan()
    assert (snapshot.ref.name, snapshot.state, snapshot.format) == (
        "qwen3:1.7b",
        DiskState.PARTIAL,
        Format.MLX,
    )
    assert snapshot.missing == ("config.json", "model.safetensors")
    assert Store(config).find(ref("mlx-community/Qwen3-1.7B-4bit", config)) == snapshot
    with pytest.raises(Incomplete):
        Store(config).require(ref("qwen3", config))


def test_a_begun_pull_can_be_removed_with_everything_it_left(config: Config) -> None:
    files = {"m.gguf": llama(), "config.json": b"{}"}
    place = begin(config, "org/name:m.gguf", files)
    digest = hashlib.sha256(files["m.gguf"]).hexdigest()
    place.partial(digest).parent.mkdir(parents=True)
    place.partial(digest).write_bytes(bytes(5000))
    place.journal(digest).write_bytes(b"journal")
    small = place.blob(hashlib.sha256(b"{}").hexdigest())
    small.parent.mkdir(parents=True)
    small.write_bytes(b"{}")
    assert Store(config).remove(ref("org/name:m.gguf", config)).freed >= 5000
    assert everything(config.cache) == {}
    assert [path.name for path in place.work.rglob("*")] == ["pull.lock"]
    assert Store(config).scan() == []


def test_a_published_snapshot_that_lacks_a_wanted_file_is_partial(config: Config) -> None:
    files = mlx_folder(**{"special_tokens_map.json": b"{}"})
    begin(config, "org/name", files)
    put(config, "org/name", {path: it for path, it in files.items() if path != "special_tokens_map.json"})
    (snapshot,) = Store(config).scan()
    assert snapshot.missing == ("special_tokens_map.json",)


def test_a_second_quantisation_that_was_begun_is_listed_beside_the_whole_one(config: Config) -> None:
    files = {"a.gguf": llama("a"), "b.gguf": llama("b")}
    begin(config, "org/many:a.gguf", files, ("a.gguf",))
    begin(config, "org/many:b.gguf", files, ("b.gguf",))
    place = put(config, "org/many", {"a.gguf": files["a.gguf"]})
    assert len(Store(config).scan()) == 1
    partial = place.partial(hashlib.sha256(files["b.gguf"]).hexdigest())
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(10))
    states = {snapshot.ref.name: snapshot.state for snapshot in Store(config).scan()}
    assert states == {"org/many": DiskState.COMPLETE, "org/many:b.gguf": DiskState.PARTIAL}
    found = Store(config).find(ref("org/many:b.gguf", config))
    assert found is not None and found.missing == ("b.gguf",)


def test_removing_what_was_begun_beside_a_whole_model_leaves_that_one_whole(config: Config) -> None:
    files = {"a.gguf": llama("a"), "b.gguf": llama("b"), "config.json": b"{}"}
    begin(config, "org/many:a.gguf", files, ("a.gguf", "config.json"))
    begin(config, "org/many:b.gguf", files, ("b.gguf", "config.json"))
    place = put(config, "org/many", {path: files[path] for path in ("a.gguf", "config.json")})
    before = everything(config.cache)
    partial = place.partial(hashlib.sha256(files["b.gguf"]).hexdigest())
    partial.parent.mkdir(parents=True)
    partial.write_bytes(bytes(10))
    assert len(Store(config).scan()) == 2
    Store(config).remove(ref("org/many:b.gguf", config))
    assert not partial.exists()
    assert everything(config.cache) == before
    (left,) = Store(config).scan()
    assert (left.ref.name, left.state) == ("org/many", DiskState.COMPLETE)


def test_the_old_version_stays_usable_while_the_new_one_is_begun(config: Config) -> None:
    put(config, "org/name", mlx_folder(), commit="d" * 40)
    place = begin(config, "org/name", mlx_folder(**{"extra.json": b'{"new": 1}'}))
    extra = place.partial(hashlib.sha256(b'{"new": 1}').hexdigest())
    extra.parent.mkdir(parents=True)
    extra.write_bytes(b"{")
    listed = {one.ref.name: one.state for one in Store(config).scan()}
    assert listed == {"org/name": DiskState.COMPLETE, f"org/name@{COMMIT}": DiskState.PARTIAL}
    for name, commit in (("org/name", "d" * 40), (f"org/name@{COMMIT}", COMMIT)):
        found = Store(config).find(ref(name, config))
        assert found is not None and (found.commit, found.state) == (commit, listed[name])
