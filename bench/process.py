"""Processes under measurement: started on one core, stopped by their own group, read through /proc (Linux only).

Knows nothing of what the processes do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

START_LIMIT = 20.0
"""Seconds that a server may take until it listens."""

CORES = sorted(os.sched_getaffinity(0))
GATEWAY_CORE = CORES[0]
"""Where the gateway under test runs, alone."""
LOAD_CORE = CORES[1] if len(CORES) > 1 else CORES[0]
"""Where stub, load generator and this script run."""


class StartError(RuntimeError):
    """A server ended, or did not listen, before it could be measured; the message ends with its last words."""


class Times(NamedTuple):
    """Nanoseconds on a core, and nanoseconds ready to run while somebody else was on it."""

    running: int
    waiting: int


class Process:
    """A child in its own process group, pinned to one core, its output in a file."""

    def __init__(self, command: Sequence[str], *, core: int, log: Path, env: Mapping[str, str]) -> None:
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env),
                start_new_session=True,
            )
        # Before the program has a second thread; threads and children inherit it.
        os.sched_setaffinity(self.child.pid, {core})

    def wait_listening(self, port: int) -> float:
        """Seconds from the start until `port` accepts; StartError when it never does."""
        while time.monotonic() - self.started < START_LIMIT:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return time.monotonic() - self.started
            if self.child.poll() is not None:
                raise StartError(f"ended with status {self.child.returncode} before it listened: {self.last_words()}")
            time.sleep(0.002)
        raise StartError(f"did not listen on port {port} within {START_LIMIT:.0f} s: {self.last_words()}")

    def last_words(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace").strip()[-600:] or "(it printed nothing)"

    def stop(self) -> None:
        """End the group: asked first, killed after 5 s."""
        for sign, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(patience)
                return

    def times(self) -> Times:
        """What the kernel counted so far for all threads of the tree."""
        running = waiting = 0
        for pid in self._tree():
            for schedstat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):  # the thread ended meanwhile
                    on_core, in_queue, _ = schedstat.read_text().split()
                    running += int(on_core)
                    waiting += int(in_queue)
        return Times(running, waiting)

    def rss_mib(self) -> float:
        """Resident memory of the tree now."""
        return self._sum_kib("smaps_rollup", "Rss:") / 1024

    def peak_rss_mib(self) -> float:
        """Most resident memory of the tree since its start or since `forget_peak`."""
        return self._sum_kib("status", "VmHWM:") / 1024

    def forget_peak(self) -> None:
        for pid in self._tree():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # 5: reset the high-water mark, proc(5)

    def _sum_kib(self, file: str, field: str) -> int:
        total = 0
        for pid in self._tree():
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
                    if line.startswith(field):
                        total += int(line.split()[1])
        return total

    def _tree(self) -> Iterator[int]:
        waiting = [self.child.pid]
        while waiting:
            pid = waiting.pop()
            yield pid
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    waiting += map(int, children.read_text().split())


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port
