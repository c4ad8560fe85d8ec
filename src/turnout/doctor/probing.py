"""Small questions to this machine: does something listen there, which version is a program of."""

from __future__ import annotations

import re
import socket
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from turnout.addresses import is_loopback
from turnout.scratch import ScratchFolder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANSWER_SECONDS = 1.0
"""What a program on this machine may take to accept a connection."""
VERSION_SECONDS = 15.0
"""What a program may take to say its version: the first start of a large one reads all of it from the disk."""


def listens(host: str, port: int, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=seconds):
            return True
    except OSError:
        return False


def local_port(url: str) -> tuple[str, int] | None:
    """Host and port of an address on this machine; None for any other one."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return (host, port) if is_loopback(host) else None


def version_of(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """The version that ``command --version`` says; empty if it says none.

    The program gets an empty folder for its own files: asking it changes nothing.
    """
    with ScratchFolder("turnout-doctor-", ignore_cleanup_errors=True) as scratch:
        try:
            done = subprocess.run(
                [*command, "--version"],
                env={**environ, "CLAUDE_CONFIG_DIR": scratch, "CODEX_HOME": scratch, "DISABLE_AUTOUPDATER": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=VERSION_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
    found = re.search(r"\d+\.\d+\.\d+[\w.-]*", done.stdout)
    return found[0] if found and done.returncode == 0 else ""


def number(version: str) -> tuple[int, ...]:
    """A version's numbers, for comparing: ``2.1.328`` → (2, 1, 328)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
