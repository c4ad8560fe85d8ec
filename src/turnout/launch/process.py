"""Processes of the system by their number: whether one is there, how one is ended, how one is started to stay.

Knows nothing of what a process does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LOOK_SECONDS = 0.02
CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW = 0x200, 0x8000000
"""Flags of Windows' CreateProcess (Microsoft: "Process Creation Flags")."""
SYNCHRONIZE, WAIT_TIMEOUT = 0x100000, 0x102
"""Right to wait for a process, and what waiting gives while the process runs (Windows)."""


class Detachment(TypedDict, total=False):
    """What `subprocess.Popen` is told, so that a process outlives its terminal."""

    start_new_session: bool
    creationflags: int


def detachment(platform: str = sys.platform) -> Detachment:
    """How a process is cut loose from the terminal on this system."""
    if platform == "win32":
        return {"creationflags": CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW}
    return {"start_new_session": True}


def start(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, output: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Starts a program that stays when this one ends; what it prints goes to ``output``. Raises OSError."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        **detachment(),
    )


def alive(pid: int) -> bool:
    """Whether the process runs. One that has ended and waits for its parent to notice does not."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
    except OSError:
        return True  # no /proc (macOS), or it ended just now: the next look tells
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_for_end(pid: int, seconds: float) -> bool:
    """Waits until the process has ended; False if it still runs after that time."""
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def kill(pid: int) -> None:
    """Ends the process at once. Raises OSError if that is not allowed."""
    try:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows SIGTERM is no signal but the end
    except ProcessLookupError:
        return


def _alive_on_windows(pid: int) -> bool:
    if sys.platform != "win32":
        raise RuntimeError("This is for Windows.")
    import ctypes

    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(SYNCHRONIZE, False, pid)
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == WAIT_TIMEOUT)
    finally:
        kernel.CloseHandle(handle)
