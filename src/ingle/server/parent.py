"""Tells when another process ends: at once and without polling where the system can say so."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import threading
from typing import Any

import psutil

POLL = 0.5
"""Seconds between two looks where the system cannot tell by itself."""


async def parent_gone(pid: int) -> None:
    """Returns when process `pid` has ended; at once when there is none."""
    try:
        born = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        born = None
    if sys.platform == "linux":
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        except OSError:  # an old kernel, or a sandbox that forbids it
            await _polled(pid, born)
        else:
            await _readable(fd)
    elif hasattr(select, "kqueue"):
        await _kqueue(pid)
    else:
        await _polled(pid, born)


async def _readable(fd: int) -> None:
    """A pidfd becomes readable when its process ends (pidfd_open(2))."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)


async def _polled(pid: int, born: float | None) -> None:
    """The birth time tells a process from a later one with the same number."""
    while True:
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or born not in (None, process.create_time()):
                return
        except psutil.NoSuchProcess:
            return
        except psutil.AccessDenied:
            pass
        await asyncio.sleep(POLL)


async def _kqueue(pid: int) -> None:
    """On BSD and macOS the kernel queues NOTE_EXIT; a thread waits for it, since it may wait for ever."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    system: Any = select  # which on Linux has none of this, and so no types

    def wait() -> None:
        queue = system.kqueue()
        note = system.kevent(
            pid,
            filter=system.KQ_FILTER_PROC,
            flags=system.KQ_EV_ADD | system.KQ_EV_ONESHOT,
            fflags=system.KQ_NOTE_EXIT,
        )
        try:
            queue.control([note], 1)
        except ProcessLookupError:
            pass
        finally:
            queue.close()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
    await ended.wait()
