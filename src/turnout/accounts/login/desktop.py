"""Whether a browser can be opened here, and opening it; what to type where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
"""Variables that say that the user sits at another machine."""
OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
WSL_OPENER = "wslview"
"""Opens addresses in the browser of Windows, from Linux inside it."""


def can_open(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser that is opened here would be seen by the user."""
    if environ.get("BROWSER"):
        return True  # the user (or an editor that works remotely) has said how
    if any(environ.get(name) for name in REMOTE):
        return False
    if platform in ("win32", "darwin"):
        return True
    if environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"):
        return True
    return shutil.which(WSL_OPENER, path=environ.get("PATH", "")) is not None


def open_browser(url: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Opens the address in the user's browser. False if it is known that this did not work.

    In a process of its own, because browsers write to the terminal and some take their time.
    """
    opener = shutil.which(WSL_OPENER, path=environ.get("PATH", ""))
    in_wsl = opener and not environ.get("BROWSER") and not environ.get("DISPLAY")
    command = [opener, url] if opener and in_wsl else [sys.executable, "-c", OPEN, url]
    quiet = subprocess.DEVNULL
    try:
        started = subprocess.Popen(
            command, stdin=quiet, stdout=quiet, stderr=quiet, env=dict(environ), start_new_session=True
        )
    except OSError:
        return False
    try:
        return started.wait(timeout=1.0) == 0
    except subprocess.TimeoutExpired:
        return True  # it runs: a browser that was not open before may be this very process


def tunnel(port: int, user: str, host: str, environ: Mapping[str, str] = os.environ) -> str:
    """The command that, on the user's own machine, makes ``port`` there lead here."""
    connection = environ.get("SSH_CONNECTION", "").split()
    server_port = ""
    if len(connection) == 4:  # client's address and port, then the ones under which it has reached this machine
        host, server_port = connection[2], connection[3]
    option = f" -p {server_port}" if server_port not in ("", "22") else ""
    return f"ssh -L {port}:localhost:{port}{option} {user}@{host}"
