"""Our readers on the real starter, as GGUF and as the MLX folder made of it."""

from __future__ import annotations

import pytest

from ingle.catalog.curated import load_catalog
from ingle.catalog.gguf import read_header
from ingle.catalog.model import DiskState, Format
from ingle.catalog.names import parse_name
from ingle.config import load_config
from ingle.hub.cache import Store
from ingle.hub.health.audit import audit
from tests.models import starter_gguf, starter_mlx, starter_snapshot


@pytest.mark.model
def test_the_header_of_the_starter_says_what_the_catalogue_says() -> None:
    path = starter_gguf()
    with path.open("rb", buffering=0) as file:
        header = read_header(file, path=path, size=path.stat().st_size)
    entry = load_catalog().find("starter")
    assert entry is not None and entry.wheel is not None
    assert (header.parameters, header.quantization) == (entry.parameters, entry.quantization)
    assert (header.context, header.vocabulary) == (entry.context, 49_152)
    # Every tensor is accounted for to the last byte, so the table of ggml types is right for these.
    assert header.needed == path.stat().st_size == entry.wheel.file_size
    assert header.chat_template is not None and header.kind == "model"


@pytest.mark.model
def test_the_starter_in_the_store_is_right_byte_for_byte() -> None:
    snapshot = starter_snapshot()
    cache = snapshot.root.parent.parent.parent
    report = audit(load_config(cache=cache, home=cache.parent / "home"), snapshot)
    assert report.ok and not report.unknown
    assert report.read == 98_362_432


@pytest.mark.model
def test_the_mlx_folder_of_the_same_weights_is_known_as_such() -> None:
    folder = starter_mlx()
    config = load_config(cache=folder.parent / "no-cache", home=folder.parent / "home")
    store = Store(config)
    found = store.find(parse_name(str(folder), store.catalog))
    assert found is not None
    assert (found.state, found.format, found.architecture) == (DiskState.COMPLETE, Format.MLX, "llama")
    assert (found.quantization, found.parameters) == ("4-bit", 134_515_008)
