"""What a service is made of on any system, as values: a file, and the commands that make the system know it."""

from __future__ import annotations

from pathlib import Path

import msgspec

NAME = "turnout"
DESCRIPTION = "Turnout: a gateway from Claude Code to OpenAI's models"
RESTART_SECONDS = 5
"""What a service manager waits before it starts a gateway again that has failed."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be run."""

    command: tuple[str, ...]
    """The program and its arguments, without a secret."""
    variables: dict[str, str]
    """Its environment beside the usual one; no secret."""
    folder: Path
    """Its working folder."""
    log: Path
    """Where what it says goes, where the system keeps no log of its own."""
    stop_seconds: float
    """How long it may take to end."""
    user: str
    """The user's name, or number where the system goes by that."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What one service manager is given. Nothing of it has happened yet."""

    manager: str
    """``systemd``, ``launchd`` or ``task-scheduler``."""
    tool: str
    """The program that must be there."""
    file: Path
    content: bytes
    install: tuple[tuple[str, ...], ...]
    """Commands after the file has been written."""
    uninstall: tuple[tuple[str, ...], ...]
    """Commands before the file is removed; a service that is not running is no failure."""
    forget: tuple[tuple[str, ...], ...]
    """Commands after the file has been removed."""
    query: tuple[str, ...]
    """Its exit code is 0 while the service runs."""
    restart: tuple[tuple[str, ...], ...]
    hint: str = ""
    """What else a user should know once it is installed."""
