"""Settings of glibc's allocator for a process that handles bodies of hundreds of kilobytes one after the other.

By default glibc gives the top of the heap back to the system and takes it again for each request (performance.md 2).
"""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MIB = 1024 * 1024


def tune() -> bool:
    """Tunes malloc for this process; False where there is no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    mallopt(M_MMAP_THRESHOLD, 32 * MIB)
    mallopt(M_TRIM_THRESHOLD, 64 * MIB)
    mallopt(M_TOP_PAD, 4 * MIB)
    return True
