"""An import that the disk has no room for: said, nothing half-made to be seen, and done by a second try."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingle.catalog.model import DiskState
from ingle.config import Config
from ingle.errors import DiskFull
from ingle.hub.cache import Store
from ingle.hub.layout import RepoPlace
from ingle.hub.pieces import PIECE
from tests.catalog.shelf import mlx_folder
from tests.fakes.disk import FullDisk, full_disk
from tests.hub.hf_cache import COMMIT, damage, everything, make_config, their_files
from tests.hub.pulling import weights
from tests.hub.test_bring import bring, lay, listing

pytestmark = pytest.mark.slow
FILES = mlx_folder(**{"model.safetensors": weights(PIECE)})
NAME = "models--org--name"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path)


def _stamps(source: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}


def _nothing_half_made(config: Config) -> None:
    """Blobs are whole, what is shown is complete for every tool, and no draft is left."""
    place = RepoPlace(config.cache, "org/name")
    right = {file.digest: file.size for file in listing(FILES).files}
    blobs = list(place.blobs.iterdir()) if place.blobs.is_dir() else []
    assert [blob.name for blob in blobs if right.get(blob.name) != blob.stat().st_size] == []
    assert damage(config) == []
    assert their_files(config).get("org/name", set()) in (set(), {f"{COMMIT}/{path}" for path in FILES})
    shown = [one for one in Store(config).scan() if one.state is DiskState.COMPLETE]
    assert all((one.root / path).read_bytes() == FILES[path] for one in shown for path in FILES)
    assert not place.stage.exists() or list(place.stage.iterdir()) == []


@pytest.mark.parametrize(
    "fill",
    [
        lambda disk: disk.no_bytes(beyond=1000),
        lambda disk: disk.no_bytes(beyond=PIECE),
        lambda disk: disk.no_names("os.rename", f"/{NAME}/blobs/"),
        lambda disk: disk.no_names("os.rename", f"/{NAME}/blobs/", 2),
        lambda disk: disk.no_names("os.rename", f"/{NAME}/receipts/"),
        lambda disk: disk.no_names("os.rename", f"/{NAME}/snapshots/"),
        lambda disk: disk.no_names("os.rename", f"/{NAME}/refs/"),
    ],
    ids=["bytes", "the last bytes", "first blob", "third blob", "receipt", "snapshot", "ref"],
)
def test_an_import_that_fills_the_disk_is_a_full_disk_and_a_second_try_ends_whole(
    config: Config, tmp_path: Path, fill: Callable[[FullDisk], None]
) -> None:
    source = lay(tmp_path / "usb", FILES)
    before = _stamps(source)
    with full_disk() as disk, pytest.raises(DiskFull):
        fill(disk)
        bring(config, source, listing=listing(FILES))
    _nothing_half_made(config)
    assert _stamps(source) == before
    brought = bring(config, source, listing=listing(FILES))
    assert brought.snapshot.state is DiskState.COMPLETE
    assert {path: (brought.snapshot.root / path).read_bytes() for path in FILES} == FILES
    _nothing_half_made(config)
    assert _stamps(source) == before


def test_an_import_that_the_disk_cannot_hold_is_refused_before_the_first_byte(
    config: Config, tmp_path: Path
) -> None:
    source = lay(tmp_path / "usb", FILES)
    with pytest.raises(DiskFull) as caught:
        bring(config, source, repo_id="org/name", free=lambda _path: PIECE)
    assert caught.value.details["needed"] > PIECE
    assert everything(config.cache) == {}
    assert bring(config, source, repo_id="org/name").snapshot.state is DiskState.COMPLETE
