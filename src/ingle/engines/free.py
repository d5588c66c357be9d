"""How many bytes the system, and the control group we run in, can still give; looks, never acts."""

from __future__ import annotations

from pathlib import Path

import psutil


def total_memory() -> int:
    """Bytes this process could ever use: the machine's, or the control group's limit."""
    total = int(psutil.virtual_memory().total)
    limit = _cgroup_limit()
    return total if limit is None else min(total, limit)


def free_memory() -> int:
    """Bytes a new process can take without pushing others out (about 0.1 ms)."""
    available = int(psutil.virtual_memory().available)
    limit = _cgroup_limit()
    if limit is None:
        return available
    return max(0, min(available, limit - _cgroup_used()))


def _cgroup() -> Path:
    return Path("/sys/fs/cgroup")


def _cgroup_limit() -> int | None:
    try:
        text = (_cgroup() / "memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _cgroup_used() -> int:
    """What the group holds and cannot give back at once: its charge less clean file pages."""
    try:
        used = int((_cgroup() / "memory.current").read_text())
        lines = (_cgroup() / "memory.stat").read_text().splitlines()
    except (OSError, ValueError):
        return 0
    clean = next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
    return max(0, used - clean)
