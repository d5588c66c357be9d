"""What the tests of pulls share: a small real model folder in a fake hub, and the five promises as checks."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
from pathlib import Path
from typing import Any

from huggingface_hub import scan_cache_dir

from ingle.catalog.listing import DigestKind, ListedFile, Listing
from ingle.catalog.model import DiskState, ModelRef, Snapshot
from ingle.config import Config
from ingle.hub.layout import RepoPlace
from ingle.hub.progress import Progress
from ingle.hub.pull import PullOptions, pull
from ingle.hub.receipt import receipts
from ingle.hub.transfer import Tuning
from ingle.hub.verify import file_digest
from tests.fakes.content import Noise

NAME = "org/name"
REF = ModelRef(name=NAME, repo_id=NAME)


def weights(size: int, seed: int = 0) -> bytes:
    """A safetensors file of one tensor with `size` bytes of noise."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(header)) + header + Noise(size, seed).read(0, size)


def model_files(size: int = 9_000_000, seed: int = 0) -> dict[str, bytes]:
    """A folder that counts as a whole model, its weights in two pieces by default."""
    return {
        "config.json": b'{"model_type": "llama"}',
        "tokenizer.json": b'{"version": "1.0"}',
        "model.safetensors": weights(size, seed),
    }


def settings(folder: Path, url: str, **more: Any) -> Config:
    """Settings whose home and cache lie in `folder` and whose hub is `url`."""
    return Config(
        home=folder / "home",
        cache=folder / "hub",
        user_home=folder,
        endpoints=(url,),
        lmstudio=folder / "lmstudio",
        mlx_models=folder / "mlx",
        **more,
    )


def pull_all(
    config: Config,
    ref: ModelRef = REF,
    *,
    cancel: threading.Event | None = None,
    tuning: Tuning | None = None,
) -> list[Progress]:
    """Every event of a pull to its end."""
    options = PullOptions(tuning=tuning or Tuning(seed=1, patience=60.0))
    return list(pull(ref, config, cancel=cancel, options=options))


def snapshot_of(events: list[Progress]) -> Snapshot:
    snapshot = events[-1].snapshot
    assert snapshot is not None
    return snapshot


def listed(path: str, data: bytes, *, large: bool = False) -> ListedFile:
    """What a hub would list for these bytes."""
    if large:
        return ListedFile(path, len(data), hashlib.sha256(data).hexdigest(), DigestKind.SHA256)
    digest = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return ListedFile(path, len(data), digest, DigestKind.GIT_SHA1)


def listing_of(*files: ListedFile, commit: str = "1" * 40, revision: str = "main") -> Listing:
    return Listing(repo_id=NAME, revision=revision, commit=commit, files=files)


def weights_blob(config: Config, files: dict[str, bytes]) -> Path:
    """Where the weights of a model belong in the shared cache. Its folder is there, as another program leaves it."""
    blobs = RepoPlace(config.cache, NAME).blobs
    blobs.mkdir(parents=True, exist_ok=True)
    return blobs / listed("model.safetensors", files["model.safetensors"], large=True).digest


def assert_promises(config: Config, repo_id: str = NAME) -> None:
    """What holds after every pull, however it ended.

    No tool sees anything half-made; what is called complete has the right bytes; nothing of ours lies in
    the shared tree beside finished artefacts.
    """
    place = RepoPlace(config.cache, repo_id)
    if place.folder.exists():
        found = scan_cache_dir(config.cache)
        about_us = [str(warning) for warning in found.warnings if place.name in str(warning)]
        assert about_us == []
    for receipt in receipts(place):
        snapshot = place.snapshot(receipt.listing.commit)
        if not snapshot.exists():
            continue
        by_path = {file.path: file for file in receipt.listing.files}
        for folder, _, names in os.walk(snapshot):
            for name in names:
                path = Path(folder, name)
                file = by_path[path.relative_to(snapshot).as_posix()]
                assert path.stat().st_size == file.size
                assert file_digest(path, file.kind) == file.digest
    if place.blobs.exists():
        assert [blob.name for blob in place.blobs.iterdir() if len(blob.name) not in (40, 64)] == []


def assert_whole(config: Config, snapshot: Snapshot, files: dict[str, bytes]) -> None:
    """The snapshot holds exactly these files."""
    assert snapshot.state is DiskState.COMPLETE
    for path, data in files.items():
        assert (snapshot.root / path).read_bytes() == data
    assert_promises(config)
