"""Waits for the end of processes that are nobody's children here, whoever reaps them, and however late."""

from __future__ import annotations

import os
import select

import psutil


def wait_ended(process: psutil.Process, limit: float = 60.0) -> None:
    """Returns when `process` has ended; one that ended and was not reaped yet has. After `limit` seconds it
    is an `AssertionError`.

    psutil's own wait is over only when the number is free again, and that is up to the process that inherited
    the orphan: in a container it may be one that never reaps.
    """
    try:
        ending = os.pidfd_open(process.pid)  # readable from the end of the process on (pidfd_open(2))
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # another system than Linux, or a sandbox that forbids it
        process.wait(limit)
        return
    try:
        assert select.select([ending], [], [], limit)[0], f"{process} lives on"
    finally:
        os.close(ending)
