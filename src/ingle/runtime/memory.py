"""Whether the system is short of memory; looks, never acts.

Linux: PSI (`Documentation/accounting/psi.rst`) and what is free; macOS: the kernel's own pressure level.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from collections.abc import Callable
from pathlib import Path

from ingle.engines.free import free_memory, total_memory

STALLED_HIGH = 10.0
STALLED_LOW = 2.0
"""Percent of the last 10 s in which every task waited for memory (PSI `full avg10`): pressure begins
at the first figure and is over below the second."""
SCARCE = 0.15
"""PSI counts the stalls of other control groups too: only with less than this share free is it ours."""
MACOS_WARNING = 2
"""`kern.memorystatus_vm_pressure_level`: 1 normal, 2 warning, 4 critical (XNU `kern_memorystatus.h`)."""


PSI = Path("/proc/pressure/memory")


def _macos_level() -> int:
    """The kernel's own level of memory pressure (see `MACOS_WARNING`); 1 where it does not tell one."""
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    level, size = ctypes.c_int(0), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    name = b"kern.memorystatus_vm_pressure_level"
    if library.sysctlbyname(name, ctypes.byref(level), ctypes.byref(size), None, 0) != 0:
        return 1
    return level.value


MACOS_LEVEL = _macos_level if sys.platform == "darwin" else None


def under_pressure(
    was: bool = False,
    *,
    psi: Path = PSI,
    free_share: Callable[[], float] | None = None,
    macos_level: Callable[[], int] | None = MACOS_LEVEL,
) -> bool:
    """Whether the system is short of memory now; `was` gives the answer some inertia.

    `psi` and `free_share` (the part of all memory that is free) say where Linux tells it,
    `macos_level` where macOS does."""
    if macos_level is not None:
        return macos_level() >= MACOS_WARNING
    try:
        text = psi.read_text()
    except OSError:
        return False
    return judge_pressure(stalled(text), (free_share or _free_share)(), was)


def _free_share() -> float:
    return free_memory() / max(1, total_memory())


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
