"""Memory of a process is a number for the living and 0 for the gone."""

from __future__ import annotations

import os
import subprocess
import sys

from ingle.worker.memory import process_memory


def test_memory_grows_with_what_is_held() -> None:
    before = process_memory(os.getpid())
    held = bytearray(os.urandom(1)) * (64 * 1024 * 1024)
    after = process_memory(os.getpid())
    assert after - before > 48 * 1024 * 1024
    assert len(held) > 0


def test_a_process_that_is_gone_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
    assert process_memory(child.pid) == 0
