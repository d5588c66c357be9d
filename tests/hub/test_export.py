"""An exported model is a plain, checked folder; it costs no second copy where the disk can share."""

from __future__ import annotations

import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from ingle.catalog.model import DiskState, Snapshot
from ingle.catalog.names import parse_name
from ingle.config import Config
from ingle.errors import Cancelled, DigestMismatch, DiskFull, Incomplete, InvalidRequest
from ingle.hub.cache import Store
from ingle.hub.copies import EDITABLE, How, place_copy
from ingle.hub.export import Exported, export_model
from tests.catalog.gguf_writer import llama
from tests.catalog.shelf import mlx_folder
from tests.hub.hf_cache import COMMIT, everything, make_config, put

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def finish(steps: Generator[Any, None, Exported]) -> Exported:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Exported = done.value
            return result


def found(config: Config, name: str = "org/name") -> Snapshot:
    snapshot = Store(config).find(parse_name(name, Store(config).catalog))
    assert snapshot is not None
    return snapshot


def export(config: Config, folder: Path, name: str = "org/name") -> Exported:
    return finish(export_model(config, found(config, name), folder))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_plain_files_that_any_app_opens(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder(**{"sub/extra.json": b"{}"}))
    exported = export(config, tmp_path / "out" / "name")
    assert contents(exported.folder) == mlx_folder(**{"sub/extra.json": b"{}"})
    assert not any(path.is_symlink() for path in exported.folder.rglob("*"))
    assert exported.known and sum(exported.how.values()) == 4
    assert found(config, str(exported.folder)).state is DiskState.COMPLETE
    assert [path.name for path in exported.folder.parent.iterdir()] == ["name"]


def test_a_copy_shares_no_file_with_the_cache(config: Config, tmp_path: Path) -> None:
    weights = llama() + bytes(EDITABLE)
    place = put(config, "org/name", {"m.gguf": weights})
    blob = place.snapshot(COMMIT) / "m.gguf"
    made = finish(export_model(config, found(config), tmp_path / "out", link=False))
    assert set(made.how) <= {How.CLONE, How.COPY} and not (made.folder / "m.gguf").samefile(blob)
    again = finish(export_model(config, found(config), tmp_path / "out", link=False))
    assert again.how == {} and (made.folder / "m.gguf").read_bytes() == weights
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "m.gguf").hardlink_to(blob.resolve())
    with pytest.raises(InvalidRequest, match="hard-linked"):
        finish(export_model(config, found(config), tmp_path / "linked", link=False))


def test_large_weights_cost_no_second_copy_and_small_files_are_no_links(
    config: Config, tmp_path: Path
) -> None:
    weights = llama() + bytes(EDITABLE)
    place = put(config, "org/name", {"m.gguf": weights})
    exported = export(config, tmp_path / "out")
    how = set(exported.how)
    assert how <= {How.CLONE, How.LINK}
    if How.LINK in how:
        assert (exported.folder / "m.gguf").samefile(place.snapshot(COMMIT) / "m.gguf")
    put(config, "org/small", mlx_folder())
    small = export(config, tmp_path / "small", "org/small")
    (small.folder / "config.json").write_bytes(b"edited")
    assert found(config, "org/small").state is DiskState.COMPLETE


def test_only_the_named_quantisation_is_exported(config: Config, tmp_path: Path) -> None:
    put(config, "org/many", {"a.gguf": llama("a"), "b.gguf": llama("b")})
    assert set(contents(export(config, tmp_path / "out", "org/many:a.gguf").folder)) == {"a.gguf"}


def test_a_damaged_model_is_not_exported_and_nothing_is_left(config: Config, tmp_path: Path) -> None:
    place = put(config, "org/name", mlx_folder())
    blob = (place.snapshot(COMMIT) / "tokenizer.json").resolve()
    blob.write_bytes(b"[]")
    with pytest.raises(DigestMismatch):
        export(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out*")) == []


def test_where_it_has_to_be_copied_a_disk_too_small_is_said_before_the_first_byte(
    config: Config, tmp_path: Path
) -> None:
    place = put(config, "org/name", mlx_folder())
    snapshot = found(config)
    os.truncate(place.snapshot(COMMIT) / "model.safetensors", 1 << 43)
    with pytest.raises(DiskFull) as caught:
        finish(export_model(config, snapshot, tmp_path / "out", shares=lambda _source, _folder: False))
    assert caught.value.details["needed"] > 1 << 43
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out*")) == []


def test_a_partial_model_is_not_exported(config: Config, tmp_path: Path) -> None:
    files = mlx_folder()
    del files["model.safetensors"]
    put(config, "org/name", files)
    with pytest.raises(Incomplete):
        export(config, tmp_path / "out")


def test_a_folder_with_other_things_in_it_is_refused_and_left(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"")
    for target in ("out", "file"):
        with pytest.raises(InvalidRequest):
            export(config, tmp_path / target)
    assert contents(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.parametrize("there", [True, False], ids=["to an empty folder", "to nothing yet"])
def test_a_link_to_a_folder_is_followed_and_stays(config: Config, tmp_path: Path, there: bool) -> None:
    put(config, "org/name", mlx_folder())
    real, link = tmp_path / "large disk" / "name", tmp_path / "name"
    real.parent.mkdir()
    if there:
        real.mkdir()
    link.symlink_to(real)
    export(config, link)
    assert link.is_symlink() and contents(real) == mlx_folder()
    assert export(config, link).how == {}
    assert [path.name for path in real.parent.iterdir()] == ["name"]


def test_a_place_below_a_file_is_said_to_be_one(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(InvalidRequest, match="is a file"):
        export(config, tmp_path / "file" / "below" / "name")


def test_an_empty_folder_is_filled_and_a_second_export_only_checks(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    (tmp_path / "out").mkdir()
    first = export(config, tmp_path / "out")
    stamps = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert export(config, tmp_path / "out").how == {}
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == stamps


def test_a_second_export_over_a_changed_copy_says_so(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    export(config, tmp_path / "out")
    (tmp_path / "out" / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(DigestMismatch):
        export(config, tmp_path / "out")


def test_a_cancelled_export_leaves_nothing(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        finish(export_model(config, found(config), tmp_path / "out", cancel))
    assert list(tmp_path.glob("*out*")) == []


def test_exporting_leaves_the_cache_as_it_is(config: Config, tmp_path: Path) -> None:
    put(config, "org/name", mlx_folder())
    before = everything(config.cache)
    export(config, tmp_path / "out")
    assert everything(config.cache) == before


def test_a_copy_of_a_read_only_file_can_be_written(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100)
    source.chmod(0o444)
    list(place_copy(source, tmp_path / "target", link=False))
    assert (tmp_path / "target").stat().st_mode & 0o200
