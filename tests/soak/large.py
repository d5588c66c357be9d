"""The two extremes: a repo of very many files, and one file of more than 4 GiB."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from ingle.errors import Cancelled
from ingle.hub.pieces import PIECE
from ingle.hub.transfer import Tuning
from tests.fakes.content import Held, Joined, Many, Sparse, safetensors_header
from tests.fakes.hub import FakeHub
from tests.hub.child import ROOT
from tests.hub.promises import MODEL, Outcome, Scene, check_five, check_promises

PATIENT = Tuning(patience=60.0)
PLAN = """
import resource, sys, time
from pathlib import Path
from ingle.catalog.model import ModelRef
from ingle.config import load_config
from ingle.hub.pull import plan
folder, endpoint = Path(sys.argv[1]), sys.argv[2]
environ = {"HOME": str(folder), "INGLE_HOME": str(folder / "ingle"), "HF_HUB_CACHE": str(folder / "cache")}
config = load_config(environ, endpoints=(endpoint,))
started = time.monotonic()
found = plan(ModelRef(name="org/name", repo_id="org/name"), config)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
if sys.platform == "linux":  # where that number begins with the parent's
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) * 1024
print(len(found.files), time.monotonic() - started, peak)
"""


def many_files(count: int) -> str:
    """Plans in a process of its own, whose memory is told, then pulls; gives a sentence with the numbers."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, FakeHub() as hub:
        scene = Scene(Path(folder), hub, {**MODEL, **Many(count)})
        hub.before = None  # looking at every file at every request would be all that happens
        told = subprocess.run(
            [sys.executable, "-c", PLAN, folder, hub.url],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        files, seconds, peak = int(told[0]), float(told[1]), int(told[2])
        started = time.monotonic()
        outcome = scene.pull(tuning=PATIENT)
        took = time.monotonic() - started
        assert outcome.error is None, outcome.error
        check_five(scene, outcome, tuning=PATIENT)
    return (
        f"{files} files: planned in {seconds:.1f} s with {peak / 1e6:.0f} MB at most; pulled in {took:.0f} s; "
        "no promise broken"
    )


def huge_file(size: int) -> str:
    """Pulls a file of `size` bytes, cancelled in the middle and gone on with."""
    header = safetensors_header(size)
    islands = {0: b"first", size // 2: b"middle", (4 << 30) - 3: b"across", size - 4: b"last"}
    content = Joined(Held(header), Sparse(size, islands))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, FakeHub() as hub:
        scene = Scene(Path(folder), hub, {**MODEL, "model.safetensors": content})
        assert len(scene.entries) > 1  # computes the digest now rather than while the first request waits
        started = time.monotonic()
        cancel = threading.Event()
        outcome = Outcome()
        try:
            for event in scene.events(cancel=cancel, tuning=PATIENT):
                outcome.events.append(event)
                if event.bytes_done > size // 2:
                    cancel.set()
        except Cancelled as exc:
            outcome.error = exc
        assert isinstance(outcome.error, Cancelled)
        check_promises(scene, outcome)
        outcome = scene.pull(tuning=PATIENT)
        took = time.monotonic() - started
        assert outcome.error is None, outcome.error
        sent = hub.bytes_sent()
        assert sent < size + 40 * PIECE, f"promise 2: {sent} bytes sent for {size}"
        check_five(scene, outcome, tuning=PATIENT)
    return (
        f"a file of {size / (1 << 30):.1f} GiB, cancelled in the middle: {sent / size:.3f} of its bytes sent, "
        f"{took:.0f} s with all checks; no promise broken"
    )
