"""A fake hub, and the scene of a pull from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub
from tests.hub.promises import Scene


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def scene(hub: FakeHub, tmp_path: Path) -> Scene:
    return Scene(tmp_path, hub)
