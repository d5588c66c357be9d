"""Ends this process when its parent is gone, however it went, also while a load holds the interpreter.

Linux: the kernel sends SIGKILL when the thread that spawned us ends (`PR_SET_PDEATHSIG`), so workers
must be spawned from a thread that lives as long as the daemon. Elsewhere: a shell of a few hundred
kilobytes waits for the end of a pipe whose other end only the parent holds, and kills us; it is a
process, not a Python thread, because a load keeps every Python thread from running.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1

_WATCH = """
trap '' INT TERM HUP
read -r _
[ "$(ps -o ppid= -p $$ | tr -d ' ')" = "$1" ] && kill -9 "$1"
"""
"""`read` returns when the pipe closes. A worker that left before is no longer our parent: then its
process id may belong to somebody else, and nothing is killed."""


def tie_to_parent(parent: int, lifeline: int) -> None:
    """From now on this process dies within moments of `parent`.

    `lifeline` is the reading end of a pipe whose writing end only the parent holds. Leaves at once
    when the parent is gone already.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            start_watcher(lifeline)
    else:
        start_watcher(lifeline)
    if os.getppid() != parent:
        os._exit(1)


def start_watcher(lifeline: int) -> subprocess.Popen[bytes]:
    """Start the shell that kills this process when `lifeline` closes."""
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCH, "ingle-watch", str(os.getpid())],
        stdin=lifeline,  # not by number: some shells know no descriptor above 9
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
