"""Each thing that may happen beside a pull does happen in a mix, and bites."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ingle.hub.pieces import PIECE
from tests.fakes.content import weights
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.hub.promises import Scene, check_resume
from tests.soak.mixes import ACTS, Mix
from tests.soak.rounds import Round, troubled

pytestmark = pytest.mark.slow
FILES: Given = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": weights(2 * PIECE),
    "tokenizer.json": b'{"version": "1.0"}',
}
ENDS = {"cancel": "cancelled", "full disk": "disk_full", "no room for names": "disk_full"}
"""What a pull comes to by each act; by the others it is not kept from its end."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with FakeHub() as hub:
        yield Scene(tmp_path, hub, FILES)


@pytest.mark.parametrize(
    ("act", "limit"),
    [*((act, 0) for act in ACTS), ("full disk", PIECE + 1000), *(("no room for names", n) for n in (1, 2))],
)
def test_what_happens_beside_a_pull_is_met_and_breaks_no_promise(scene: Scene, act: str, limit: int) -> None:
    result = Round(0)
    mix = Mix(Faults(rate=16e6, only="model.safetensors"), act=act, act_at=6, limit=limit)
    troubled(scene, FILES, mix, result, spoiled=False)
    assert result.acts == [act]
    assert result.outcomes == [ENDS.get(act, "done")]
    scene.commit = scene.hub.repos["org/name"].refs["main"]
    check_resume(scene)
