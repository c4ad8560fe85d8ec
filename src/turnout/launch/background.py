"""Starts the gateway in the background, and knows when it listens or why it does not.

It is the same `turnout serve` that a user runs, cut loose from the terminal, its output in the log file. It runs in the
folder of its own state: it is for all of the user's projects, so that no project's settings count.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from turnout import log, paths
from turnout.launch import process
from turnout.launch.running import find_running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.launch.running import RunningGatewayInfo

START_SECONDS = 60.0
"""How long a gateway may take until it listens."""
TURNOUT = (sys.executable, "-P", "-m", "turnout")
"""How the command is run whatever is on PATH. ``-P``: no module is taken from the folder that the user is in."""


class NotStartedError(Exception):
    """The gateway did not come to listen."""

    def __init__(self, said: str, log_file: Path) -> None:
        super().__init__(said or "It said nothing.")
        self.said = said
        """What it printed."""
        self.log_file = log_file


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway is started with."""

    arguments: tuple[str, ...] = ()
    """Arguments of `turnout serve`. No secret may be among them: everybody can read them."""
    variables: dict[str, str] = {}
    """Variables beside those of the caller."""


def start(
    launch: Launch, environ: Mapping[str, str] = os.environ, seconds: float = START_SECONDS
) -> RunningGatewayInfo:
    """Starts it and waits until it listens. Raises `NotStartedError`, and OSError where it cannot write its log."""
    file = paths.log_file(environ)
    folder = paths.state_dir(environ)
    folder.mkdir(parents=True, exist_ok=True)
    with log.open_file(file) as output:
        before = file.stat().st_size
        began = time.time()
        command = [*TURNOUT, "serve", "--log-file", str(file), *launch.arguments]
        child = process.start(command, {**environ, **launch.variables}, folder, output.buffer)
    info = _wait(child, began, environ, seconds)
    if info is None:
        child.kill()
        raise NotStartedError(_since(file, before), file)
    return info


def _wait(
    child: subprocess.Popen[bytes], began: float, environ: Mapping[str, str], seconds: float
) -> RunningGatewayInfo | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended = child.poll() is not None
        info = find_running(environ)
        # Told by the time, not by the process: in a virtual environment on Windows python.exe only starts another one.
        if info is not None and info.started >= began:
            child.returncode = 0  # it stays: whoever forgets it here need not be warned of that
            return info
        if ended:
            return None
        time.sleep(process.LOOK_SECONDS)
    return None


def _since(file: Path, place: int) -> str:
    with file.open("rb") as content:
        content.seek(place)
        return content.read().decode("utf-8", "replace").strip()
