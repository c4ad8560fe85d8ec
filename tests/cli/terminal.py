"""`turnout` in a terminal, to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.cli.command import environment
from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Command(Terminal):
    """The real command, with a home of its own."""

    def __init__(self, home: Path, *arguments: str, variables: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "turnout", *arguments]
        super().__init__(command, cwd=home, environment=environment(home, variables))

    def ended(self) -> int:
        """Waits for the end, and gives the exit code."""
        code: int = self._child.wait()
        return code
