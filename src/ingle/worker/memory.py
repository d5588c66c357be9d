"""How much memory a process really holds: PSS on Linux, physical footprint on macOS, in bytes.

Summed RSS counts shared pages many times; these two do not, so that "memory came back" is a fact.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

_RUSAGE_INFO_V4 = 4
_FOOTPRINT_AT = 9
"""Index of `ri_phys_footprint` among the 64-bit words of `rusage_info_v0..v4` after the 16-byte uuid
(user time, system time, package wakeups, interrupt wakeups, pageins, wired, resident, footprint;
source: XNU `bsd/sys/resource.h`)."""


def process_memory(pid: int) -> int:
    """Bytes held by process `pid`; 0 when it is gone or may not be looked at."""
    if sys.platform == "darwin":
        return _footprint(pid)
    return _pss(Path(f"/proc/{pid}/smaps_rollup"))


def _pss(path: Path) -> int:
    try:
        text = path.read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _footprint(pid: int) -> int:
    words = (ctypes.c_uint64 * 64)()
    libproc = ctypes.CDLL("/usr/lib/libproc.dylib")
    if libproc.proc_pid_rusage(pid, _RUSAGE_INFO_V4, ctypes.byref(words)) != 0:
        return 0
    return int(words[_FOOTPRINT_AT])
