"""Trouble on the lines: every connection silent at once, and a hub behind certificates of one's own under a limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ingle.errors import HubUnreachable
from ingle.hub.pieces import PIECE
from ingle.hub.transfer import Tuning
from tests.fakes.certificate import make_certificate
from tests.fakes.faults import Faults
from tests.fakes.hub import FakeHub
from tests.fakes.wire import Asked
from tests.hub.promises import WEIGHTS, After, Scene, check_five

pytestmark = pytest.mark.slow
BIG = "model.safetensors"
RATE = 16_000_000
"""Bytes a second."""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as hub:
        yield hub


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Scene, Path]]:
    """A scene whose hub speaks TLS, and the certificate to trust."""
    keys, folder = tmp_path / "keys", tmp_path / "scene"
    keys.mkdir()
    folder.mkdir()
    trusted, context = make_certificate(keys)
    with FakeHub(tls=context) as hub:
        yield Scene(folder, hub), trusted


def test_when_every_connection_falls_silent_at_once_new_ones_take_over(hub: FakeHub, tmp_path: Path) -> None:
    scene = Scene(tmp_path, hub)
    hub.faults = Faults(only=BIG, from_size=PIECE, stall_at=1 << 20, stall_times=4)
    look = hub.before
    silent = 0
    counting = threading.Lock()

    def count(asked: Asked) -> None:
        nonlocal silent
        assert look is not None
        look(asked)
        if asked.origin == "cdn":
            with counting:
                silent += 1

    hub.before = count
    outcome = scene.pull(tuning=Tuning(patience=60.0, stall=2.0, connections=4, seed=1))
    assert outcome.error is None
    assert silent > 4
    (log,) = scene.config.logs.glob("pull-*.log")
    assert "stalled" in log.read_text()
    assert hub.bytes_sent(BIG) < WEIGHTS + 8 * PIECE
    check_five(scene, outcome)


def test_a_pull_over_tls_with_certificates_of_ones_own_keeps_to_its_limit(
    secure: tuple[Scene, Path],
) -> None:
    scene, trusted = secure
    scene.config = msgspec.structs.replace(scene.config, ca_bundle=trusted, limit_rate=RATE)
    began = time.monotonic()
    outcome = scene.pull(tuning=Tuning(patience=20.0, seed=1))
    # A bound from below, not a speed: so many bytes at such a rate, less what may come in a burst.
    assert time.monotonic() - began > 0.9 * (WEIGHTS / RATE - 0.1)
    assert outcome.error is None
    check_five(scene, outcome, tuning=Tuning(patience=20.0))


def test_a_hub_whose_certificate_nobody_vouches_for_is_asked_for_nothing(secure: tuple[Scene, Path]) -> None:
    scene, trusted = secure
    outcome = scene.pull(tuning=Tuning(patience=1.0))
    assert isinstance(outcome.error, HubUnreachable)
    assert "certificate" in outcome.error.message
    assert scene.hub.requests() == []
    scene.config = msgspec.structs.replace(scene.config, ca_bundle=trusted)
    check_five(scene, outcome, After.REFUSED, tuning=Tuning(patience=20.0))


def test_a_hub_over_tls_whose_every_connection_is_cut_is_lived_through(secure: tuple[Scene, Path]) -> None:
    scene, trusted = secure
    scene.config = msgspec.structs.replace(scene.config, ca_bundle=trusted)
    scene.hub.faults = Faults(only=BIG, cut_between=(1_000_000, 9_000_000))
    outcome = scene.pull(tuning=Tuning(patience=20.0, seed=1))
    assert outcome.error is None
    assert len(scene.hub.requests(path=BIG)) > 3
    check_five(scene, outcome, tuning=Tuning(patience=20.0))
