"""Models beside the shared cache: LM Studio's, `~/.mlx/models`, and whatever path a person names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingle.catalog.model import DiskState, Origin
from ingle.config import Config
from ingle.errors import Incomplete, MalformedModel, StoreError
from ingle.hub.cache import Store
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import found, lay, lay_all, make_config, names, parts, ref


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def test_lm_studio_and_mlx_folders_are_recognised(config: Config) -> None:
    lay_all(config.mlx_models / "mine", mlx_folder())
    lay_all(config.lmstudio / "org" / "name", {"m.Q4_0.gguf": llama(file_type=2)})
    by_name = {snapshot.ref.name: snapshot for snapshot in Store(config).scan()}
    assert {name: one.origin for name, one in by_name.items()} == {
        "~/.lmstudio/models/org/name": Origin.LM_STUDIO,
        "~/.mlx/models/mine": Origin.MLX_FOLDER,
    }


def test_what_lm_studio_has_need_not_be_pulled_again(config: Config) -> None:
    lay_all(config.lmstudio / "org" / "name", {"m.gguf": llama()})
    snapshot = found("org/name", config)
    assert (snapshot.origin, snapshot.state) == (Origin.LM_STUDIO, DiskState.COMPLETE)


def test_a_linked_models_folder_is_followed(config: Config, tmp_path: Path) -> None:
    target = lay_all(tmp_path / "elsewhere", mlx_folder())
    config.mlx_models.mkdir(parents=True)
    (config.mlx_models / "linked").symlink_to(target)
    assert names(config) == ["~/.mlx/models/linked"]


def test_any_folder_or_file_can_be_named(config: Config, tmp_path: Path) -> None:
    folder = lay_all(tmp_path / "folder", mlx_folder())
    file = lay_all(tmp_path / "files", {"a.gguf": llama("a"), "b.gguf": llama("b")}) / "b.gguf"
    assert found(str(folder), config).origin is Origin.FOLDER
    assert found(str(folder), config).path == folder
    snapshot = found(str(file), config)
    assert (snapshot.origin, snapshot.path, snapshot.files) == (Origin.FILE, file, ("b.gguf",))


def test_any_part_of_a_split_file_means_the_whole(config: Config, tmp_path: Path) -> None:
    folder = lay_all(tmp_path / "files", parts(3))
    snapshot = found(str(folder / "m-00003-of-00003.gguf"), config)
    assert (snapshot.path.name, snapshot.state) == ("m-00001-of-00003.gguf", DiskState.COMPLETE)
    assert len(snapshot.files) == 3


def test_a_gguf_is_known_by_its_bytes_not_by_its_name(config: Config, tmp_path: Path) -> None:
    lay_all(tmp_path, {"weights": llama(), "text.gguf": b"words" * 20})
    assert found(str(tmp_path / "weights"), config).state is DiskState.COMPLETE
    with pytest.raises(MalformedModel):
        Store(config).require(ref(str(tmp_path / "text.gguf"), config))
    lay_all(tmp_path, {"notes.txt": b"words"})
    with pytest.raises(MalformedModel):
        Store(config).require(ref(str(tmp_path / "notes.txt"), config))


def test_a_path_that_is_not_whole_is_not_said_to_be_pulled_or_repaired(tmp_path: Path) -> None:
    config = make_config(tmp_path)
    whole = llama()
    cut = lay(tmp_path / "cut.gguf", whole[:-100])
    header = lay(tmp_path / "header.gguf", whole[:40])
    for path in (cut, header):
        with pytest.raises(StoreError) as caught:
            Store(config).require(ref(str(path), config))
        assert caught.value.hint == "Ingle only reads there: get the files again from where they came."
    lay(config.lmstudio / "org" / "name" / "m.gguf", whole[:-100])
    with pytest.raises(Incomplete) as told:
        Store(config).require(ref("hf:org/name", config))
    assert told.value.hint == "`ingle pull hf:org/name` gets a whole one into the cache."
