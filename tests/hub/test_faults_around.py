"""Trouble that is not the hub's: disks that give out midway, closed caches, pulls cut short and raced."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from ingle.errors import NoPermission
from ingle.hub.pieces import PIECE
from ingle.hub.progress import Phase
from ingle.hub.transfer import Tuning
from tests.fakes.content import weights
from tests.fakes.faults import Faults
from tests.fakes.gate import Gate
from tests.fakes.hub import FakeHub
from tests.hub.child import ROOT, start_child
from tests.hub.hf_cache import hf, ordinary_user
from tests.hub.promises import MODEL, REPO, Outcome, Scene, check_five, check_promises

pytestmark = pytest.mark.slow
BIG = "model.safetensors"

GIVES_OUT = """
import resource, signal, sys
from pathlib import Path
from ingle.catalog.model import ModelRef
from ingle.config import load_config
from ingle.errors import IngleError
from ingle.hub.pull import pull
folder, endpoint, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(folder / "cache")}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    for event in pull(ModelRef(name="org/name", repo_id="org/name"), load_config(environ, endpoints=(endpoint,))):
        if event.bytes_done > 9_000_000 and limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            print("lowered", flush=True)
            limit = 0
    print("done")
except IngleError as exc:
    print(type(exc).__name__)
"""

FULL_AT = """
import errno, sys
from pathlib import Path
from ingle.catalog.model import ModelRef
from ingle.config import load_config
from ingle.errors import IngleError
from ingle.hub.pull import pull
folder, endpoint, what, where, left = Path(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])

def full(event, arguments):
    # The interpreter tells of each of these steps before it happens, and an error raised here is the step's.
    global left
    path = str(arguments[1 if what == "os.rename" else 0]) if event == what else ""
    if where in path:
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device", path)

sys.addaudithook(full)
environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(folder / "cache")}
try:
    for event in pull(ModelRef(name="org/name", repo_id="org/name"), load_config(environ, endpoints=(endpoint,))):
        pass
    print("done")
except IngleError as exc:
    print(type(exc).__name__)
"""


@pytest.mark.parametrize("limit", [6_000_000, 30], ids=["for the data", "for the journal too"])
def test_a_disk_that_gives_out_in_the_middle_is_a_full_disk_and_the_next_pull_goes_on(
    hub: FakeHub, scene: Scene, limit: int
) -> None:
    """The largest file size a process may write, lowered while bytes arrive, stands in for the end of the disk."""
    command = [sys.executable, "-c", GIVES_OUT, str(scene.folder), hub.url, str(limit)]
    with Gate(hub, BIG, 2 * PIECE):
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "lowered\n"
    assert child.communicate(timeout=240)[0] == "DiskFull\n"
    check_five(scene, Outcome())


@pytest.mark.parametrize(
    ("where", "left"),
    [("blobs", 0), ("blobs", 2), ("blobs", 4), ("snapshots", 0), ("refs", 0), ("receipts", 0)],
)
def test_a_disk_that_is_full_at_a_rename_is_a_full_disk_and_the_next_pull_goes_on(
    hub: FakeHub, scene: Scene, where: str, left: int
) -> None:
    """`left` renames into that folder still find room."""
    where = f"/models--org--name/{where}/"
    command = [sys.executable, "-c", FULL_AT, str(scene.folder), hub.url, "os.rename", where, str(left)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert said.stdout.strip() == "DiskFull", said.stderr
    check_five(scene, Outcome())


@pytest.mark.parametrize("left", [0, 1])
def test_a_disk_that_takes_no_journal_is_a_full_disk_and_the_next_pull_goes_on(
    hub: FakeHub, tmp_path: Path, left: int
) -> None:
    """With the data of two large files it has no trouble: `left` of their journals still find room."""
    scene = Scene(tmp_path, hub, {**MODEL, "vocab.txt": weights(PIECE + 1000, 5)})
    opened = [str(scene.folder), hub.url, "open", ".journal", str(left)]
    said = subprocess.run(
        [sys.executable, "-c", FULL_AT, *opened], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert said.stdout.strip() == "DiskFull", said.stderr
    check_five(scene, Outcome())


def test_a_cache_that_may_not_be_written_is_said_and_left_as_it_is(scene: Scene) -> None:
    with ordinary_user(scene.config):
        outcome = scene.pull()
    assert isinstance(outcome.error, NoPermission)
    check_five(scene, outcome)


def test_a_truncated_blob_left_by_someone_else_is_replaced_whole(hub: FakeHub, scene: Scene) -> None:
    entry = scene.entries[BIG]
    scene.place.blob(entry.digest).write_bytes(entry.content.read(0, PIECE + 5))
    hub.before = None  # what another program left half-made is not ours
    outcome = scene.pull()
    assert outcome.error is None
    check_five(scene, outcome)


def test_pulls_that_are_cut_short_and_begun_again_at_once_break_no_promise(
    hub: FakeHub, scene: Scene
) -> None:
    hub.faults = Faults(rate=20e6, only=BIG)
    for _ in range(3):
        with Gate(hub, BIG, PIECE):
            events = scene.events()
            while next(events).phase is not Phase.FETCHING:
                pass
            events.close()
        check_promises(scene, Outcome())
    check_five(scene, Outcome())


def test_two_processes_at_the_same_model_break_no_promise(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(rate=10e6, only=BIG)
    children = [start_child(scene.folder, hub.url) for _ in range(2)]
    assert [child.communicate(timeout=240)[0] for child in children] == ["done\n", "done\n"]
    assert hub.bytes_sent(BIG) < scene.entries[BIG].content.size * 1.2
    check_five(scene, Outcome())


def test_huggingface_hub_pulling_the_same_files_at_once_breaks_no_promise(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(rate=10e6, only=BIG)
    found: list[str] = []

    def theirs() -> None:
        at, cache = scene.commit, scene.config.cache
        found.append(
            snapshot_download(REPO, revision=at, cache_dir=cache, endpoint=hub.url, etag_timeout=240)
        )

    other = threading.Thread(target=theirs)
    hub.before = None  # what they show half-made is not ours
    other.start()
    outcome = scene.pull(tuning=Tuning(patience=60.0))
    other.join(240)
    assert outcome.error is None
    assert found == [str(scene.place.snapshot(scene.commit))]
    check_five(scene, outcome)


def test_a_prune_by_hf_in_between_breaks_no_promise(hub: FakeHub, scene: Scene) -> None:
    hub.faults = Faults(rate=10e6, only=BIG)
    outcome = Outcome()
    with Gate(hub, BIG, 2 * PIECE) as gate:
        for event in scene.events():
            outcome.events.append(event)
            if event.bytes_done > PIECE and not gate.is_open:
                assert hf(scene.config.cache, "cache", "prune", "--yes").returncode == 0
                gate.open()
    outcome.snapshot = outcome.events[-1].snapshot
    # A prune takes what another program left unfinished: that is its doing, not ours.
    scene.foreign = {name: was for name, was in scene.foreign.items() if not name.endswith(".incomplete")}
    check_five(scene, outcome)
