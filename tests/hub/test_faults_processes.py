"""What happens around a pull: it is killed, lock holders die, bits flip, the disk is too small.

Other tools at the same files are in test_pull_others.py, disks that fill up in test_pull_disk.py.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from ingle.errors import DiskFull
from ingle.hub.pieces import PIECE
from tests.fakes.content import Many, weights
from tests.fakes.faults import ALWAYS, Faults
from tests.fakes.hub import FakeHub
from tests.fakes.repos import Given
from tests.hub.child import ROOT, start_child
from tests.hub.kills import kill_once
from tests.hub.promises import HEAD, MODEL, WEIGHTS, After, Outcome, Scene, check_five

pytestmark = pytest.mark.slow
BIG = "model.safetensors"

DIES_AFTER_A_RENAME = """
import os, sys
from pathlib import Path
from ingle.catalog.model import ModelRef
from ingle.config import load_config
from ingle.hub.pull import pull
folder, endpoint, left = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def watch(event, arguments):
    # The interpreter tells of what it is about to do: the first thing after a rename is never done.
    global left
    if left < 0:
        os._exit(9)
    if event == "os.rename" and "progress" not in str(arguments[1]):
        left -= 1

sys.addaudithook(watch)
environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(folder / "cache")}
for event in pull(ModelRef(name="org/name", repo_id="org/name"), load_config(environ, endpoints=(endpoint,))):
    pass
"""
FEW: Given = {
    "config.json": b'{"model_type": "llama"}',  # says less than the header of the weights, which is read too
    "tokenizer.json": MODEL["tokenizer.json"],
    BIG: weights(PIECE + 1000),
}


def test_a_pull_killed_at_random_moments_goes_on_and_shows_nothing_half_made(scene: Scene) -> None:
    luck = random.Random(11)
    for _ in range(5):
        kill_once(scene, luck)
    check_five(scene, Outcome())


def test_a_pull_of_many_small_files_killed_at_random_moments_fetches_none_of_them_again(
    hub: FakeHub, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, hub, {**MODEL, **Many(300)})
    luck = random.Random(5)
    for _ in range(4):
        kill_once(scene, luck)
    check_five(scene, Outcome())


@pytest.mark.parametrize("left", range(7))
def test_a_pull_that_ends_right_after_any_of_its_renames_goes_on(
    hub: FakeHub, tmp_path: Path, left: int
) -> None:
    """After that many renames: the receipt, what is known of the large blob, the blobs, the snapshot, the ref."""
    scene = Scene(tmp_path, hub, FEW)
    command = [sys.executable, "-c", DIES_AFTER_A_RENAME, str(scene.folder), hub.url, str(left)]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert died.returncode == 9, died.stderr
    hub.settle()
    check_five(scene, Outcome())


def test_a_lock_whose_holder_was_killed_is_no_obstacle(hub: FakeHub, scene: Scene) -> None:
    locks = [scene.place.blob_lock(scene.entries[BIG].digest), scene.place.pull_lock]
    for lock in locks:
        holder = start_child(scene.folder, hub.url, str(lock))
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.communicate()
    outcome = scene.pull()
    assert outcome.error is None
    check_five(scene, outcome)


def test_a_bit_that_flips_after_the_publishing_is_found_and_mended_by_the_next_pull(
    hub: FakeHub, scene: Scene
) -> None:
    outcome = scene.pull()
    assert outcome.error is None
    blob = scene.place.blob(scene.entries[BIG].digest)
    hub.forget_requests()
    with blob.open("r+b") as file:
        file.seek(WEIGHTS // 2)
        byte = file.read(1)
        file.seek(WEIGHTS // 2)
        file.write(bytes([byte[0] ^ 1]))
    now = blob.stat().st_mtime_ns
    os.utime(blob, ns=(now, now + 10**9))  # a clock of files may tick only a hundred times a second
    scene.seen_half_made.clear()
    outcome = scene.pull()
    assert outcome.error is None
    assert 0 < hub.bytes_sent(BIG) <= PIECE + HEAD
    check_five(scene, outcome)


def test_a_file_that_was_whole_before_its_publishing_is_published_without_asking_for_a_range(
    hub: FakeHub, scene: Scene
) -> None:
    assert scene.pull().error is None
    entry = scene.entries[BIG]
    scene.place.partial(entry.digest).parent.mkdir(parents=True, exist_ok=True)
    scene.place.blob(entry.digest).rename(scene.place.partial(entry.digest))
    scene.place.pieces(entry.digest).rename(scene.place.journal(entry.digest))
    (scene.place.snapshot(scene.commit) / BIG).unlink()
    hub.forget_requests()
    hub.faults = Faults(only=BIG, refuse_range_times=ALWAYS)
    scene.seen_half_made.clear()
    hub.before = None  # the snapshot that lacks a file is this test's own doing
    outcome = scene.pull()
    assert outcome.error is None
    assert hub.bytes_sent(BIG) == 0
    check_five(scene, outcome)


def test_a_disk_that_cannot_hold_the_model_is_said_before_the_first_byte(
    hub: FakeHub, tmp_path: Path
) -> None:
    size = 1 << 47
    scene = Scene(tmp_path, hub, {**MODEL, "huge.txt": b"h"}, changes={"huge.txt": {"size": size}})
    outcome = scene.pull()
    assert isinstance(outcome.error, DiskFull)
    assert outcome.error.details["needed"] > size
    assert hub.bytes_sent(BIG) == 0
    check_five(scene, outcome, After.REFUSED)
