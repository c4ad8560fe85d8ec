"""The ports 1455 and 1457, to which browsers come back: there is one pair on a machine, so that tests take turns."""

from __future__ import annotations

import tempfile
from pathlib import Path

from filelock import FileLock


def held() -> FileLock:
    """Keeps other test runs away from them, as long as the block lasts."""
    return FileLock(Path(tempfile.gettempdir()) / "turnout-tests-callback-ports.lock", timeout=120)
