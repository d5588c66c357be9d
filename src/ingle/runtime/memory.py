"""How much memory a load may take, and whether the system is short of it; looks, never acts.

Linux: `MemAvailable`, the limit of our control group, and PSI (`Documentation/accounting/psi.rst`).
macOS: psutil's available bytes and the kernel's own pressure level.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # psutil ships no types

STALLED_HIGH = 10.0
STALLED_LOW = 2.0
"""Percent of the last 10 s in which every task waited for memory (PSI `full avg10`): pressure begins
at the first figure and is over below the second."""
SCARCE = 0.15
"""PSI counts the stalls of other control groups too: only with less than this share free is it ours."""
MACOS_WARNING = 2
"""`kern.memorystatus_vm_pressure_level`: 1 normal, 2 warning, 4 critical (XNU `kern_memorystatus.h`)."""


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


def under_pressure(was: bool = False) -> bool:
    """Whether the system is short of memory now; `was` gives the answer some inertia."""
    if sys.platform == "darwin":
        return _macos_level() >= MACOS_WARNING
    try:
        text = Path("/proc/pressure/memory").read_text()
    except OSError:
        return False
    return judge_pressure(stalled(text), free_memory() / max(1, total_memory()), was)


def judge_pressure(full_avg10: float, free_share: float, was: bool) -> bool:
    """Short of memory: everything stalls and little is free; once so, until the stalls are over."""
    return free_share < SCARCE and full_avg10 >= (STALLED_LOW if was else STALLED_HIGH)


def stalled(psi: str) -> float:
    """`full avg10` of a PSI file, in percent; 0 when it does not say."""
    for line in psi.splitlines():
        kind, *fields = line.split()
        if kind == "full":
            for item in fields:
                name, _, value = item.partition("=")
                if name == "avg10":
                    return float(value)
    return 0.0


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


def _macos_level() -> int:
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    level, size = ctypes.c_int(0), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    name = b"kern.memorystatus_vm_pressure_level"
    if library.sysctlbyname(name, ctypes.byref(level), ctypes.byref(size), None, 0) != 0:
        return 1
    return level.value
