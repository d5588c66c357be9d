"""Runs one seeded round: a model, one to three troubled pulls, a healthy one, every promise after each."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ingle.hub.pieces import PIECE
from ingle.hub.transfer import Tuning
from tests.fakes.content import weights
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.hub.promises import REPO, TOKEN, Scene, check_not_again, check_promises, check_resume
from tests.soak.acts import Acts
from tests.soak.mixes import Mix, draw

TUNING = Tuning(patience=6.0)


@dataclass
class Round:
    """What one round came to. `outcomes` are `done` or error codes, one a pull; `broken` names a promise.

    `acts` are those that happened: a pull may end before the request at which one was to come.
    """

    seed: int
    labels: list[str] = field(default_factory=list)
    acts: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    fetched: int = 0
    needed: int = 0
    seconds: float = 0.0
    broken: str = ""


def run_round(seed: int) -> Round:
    """Never raises for a broken promise: it is in the result."""
    luck = random.Random(seed)
    result = Round(seed)
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    started = time.monotonic()
    try:
        with FakeHub() as hub:
            hub.tokens.add(TOKEN)
            files = _model(luck)
            scene = Scene(folder, hub, files, token=luck.choice((None, TOKEN)))
            result.needed = sum(entry.content.size for entry in scene.entries.values())
            _rounds(scene, files, luck, result)
    except AssertionError as exc:
        result.broken = str(exc) or "an assertion without words"
    except Exception as exc:  # noqa: BLE001 - an error without a type of ours is a broken promise too
        result.broken = f"{type(exc).__name__}: {exc}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result.seconds = time.monotonic() - started
    return result


def _rounds(scene: Scene, files: Given, luck: random.Random, result: Round) -> None:
    spoiled = False
    for _ in range(luck.choice((1, 1, 2, 3))):
        mix = draw(luck)
        spoiled = spoiled or mix.spoils
        result.labels.append(mix.label)
        troubled(scene, files, mix, result, spoiled)
    scene.commit = scene.hub.repos[REPO].refs["main"]
    check_resume(scene, tuning=TUNING, spoiled=spoiled)
    result.fetched += scene.hub.bytes_sent()


def troubled(scene: Scene, files: Given, mix: Mix, result: Round, spoiled: bool) -> None:
    """One pull in a mix of trouble, and the promises after it. Raises `AssertionError` for a broken one."""
    hub = scene.hub
    scene.commit = hub.repos[REPO].refs["main"]
    hub.settle()  # or a request of the pull before would be counted for this one
    recorded = scene.recorded()
    hub.forget_requests()
    hub.faults = mix.faults
    cancel = threading.Event()
    with Acts(mix, scene, files, cancel) as acts:
        outcome = scene.pull(cancel=cancel, tuning=TUNING)
    if acts.happened:
        result.acts.append(str(mix.act))
    result.outcomes.append(outcome.error.code if outcome.error else "done")
    result.fetched += hub.bytes_sent()
    if outcome.snapshot is not None and outcome.snapshot.commit in hub.repos[REPO].commits:
        scene.commit = outcome.snapshot.commit  # the branch may have moved before it was listed
    check_promises(scene, outcome)
    if not spoiled and not mix.sends_again and not acts.took:
        check_not_again(scene, recorded)


def _model(luck: random.Random) -> Given:
    """A model folder with weights of some bytes, or of up to four pieces, and some small files."""
    size = luck.choice((1000, 900_000, PIECE, PIECE + 1, 2 * PIECE, luck.randint(PIECE, 4 * PIECE)))
    small = {
        f"extra/{n}.json": json.dumps({"n": n, "pad": "x" * luck.randrange(5000)}).encode()
        for n in range(luck.randrange(8))
    }
    return {
        "config.json": b'{"model_type": "llama"}',
        "empty.txt": b"",
        "tokenizer.json": b'{"version": "1.0"}',
        "model.safetensors": weights(size, luck.randrange(1 << 20)),
        **small,
    }
