"""Settings of the allocator and the garbage collector for a process that handles one large request after the other."""

from __future__ import annotations

import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
MIB = 1024 * 1024

COLLECT_AFTER = (50_000, 20, 50)
"""Thresholds of the three generations. A request of 250 KB decodes into thousands of records, none of them in a cycle:
at Python's 700 the collector would walk through them several times per request, a third of its cost."""


def tune() -> None:
    """Tunes this process. To be called once, when everything is imported."""
    gc.collect()
    gc.freeze()  # what is here now stays: modules, classes
    gc.set_threshold(*COLLECT_AFTER)
    tune_malloc()


def tune_malloc() -> bool:
    """Keeps glibc from giving the top of the heap back to the system and taking it again for each request
    (performance.md 2). False where there is no glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return all(
        mallopt(option, value)
        for option, value in (
            (M_MMAP_THRESHOLD, 32 * MIB),
            (M_TRIM_THRESHOLD, 64 * MIB),
            (M_TOP_PAD, 4 * MIB),
        )
    )
