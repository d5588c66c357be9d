"""Each thing that may happen beside a pull does happen in a mix, and bites."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from ingle.hub.pieces import PIECE
from tests.fakes.content import weights
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.hub.promises import Outcome, Scene, check_promises, check_resume
from tests.soak.acts import Acts
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


def test_what_was_begun_beside_a_pull_is_over_when_the_mix_is(scene: Scene) -> None:
    """A pull may end before it: what another tool takes then is still that tool's doing."""
    (theirs,) = scene.place.blobs.glob("*.incomplete")
    with Acts(Mix(Faults(), act="prune"), scene, FILES, threading.Event()):
        asking = threading.Thread(target=_ask, args=(scene,))
        asking.start()
        while theirs.exists():
            asking.join(0.01)
    check_promises(scene, Outcome())
    asking.join()


def test_another_tool_that_fails_beside_us_is_a_broken_mix(scene: Scene) -> None:
    scene.hub.repos.clear()
    scene.hub.before = None  # there is no model any more whose files could be looked at
    with (
        pytest.raises(AssertionError, match="other tool"),
        Acts(Mix(Faults(), act="other tool"), scene, FILES, threading.Event()),
    ):
        _ask(scene)


def _ask(scene: Scene) -> None:
    urlopen(f"{scene.hub.url}/api/models").read()
