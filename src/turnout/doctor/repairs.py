"""Mends what may be mended without asking: files of Turnout's own that are open to others, or of no use any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.doctor.finding import Repair


def carry_out(repair: Repair) -> str:
    """Does it and says what was done. Raises OSError."""
    path = Path(repair.path)
    match repair.action:
        case "private":
            path.chmod(0o600)
            return f"{path} can be read by you alone now."
        case "delete":
            path.unlink(missing_ok=True)
            return f"{path} is deleted."
