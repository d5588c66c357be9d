"""Memory of a process is a number for the living and 0 for the gone."""

from __future__ import annotations

import subprocess
import sys

from ingle.worker.memory import process_memory

HELD = 64 * 1024 * 1024
HOLDS = f"""
print("small", flush=True)
input()
held = b"x" * {HELD}
print("large", flush=True)
input()
"""


def test_memory_grows_with_what_is_held() -> None:
    """Of a process that does nothing else: what this one holds also changes with other tests and their libraries."""
    command = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "small\n"
        before = process_memory(child.pid)
        print(file=child.stdin, flush=True)
        assert child.stdout.readline() == "large\n"
        after = process_memory(child.pid)
        print(file=child.stdin, flush=True)
    assert after - before > 48 * 1024 * 1024


def test_a_process_that_is_gone_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as child:
        child.wait()
    assert process_memory(child.pid) == 0
