"""What is told of this machine to upstreams whose profile asks for it: system, shell, date, and nothing else."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from html import escape
from pathlib import PurePath


def describe() -> str:
    """The machine in the form in which the Codex CLI tells of its own. No folder, no name of a user or a machine."""
    now = datetime.now().astimezone()
    shell = PurePath(os.environ.get("SHELL") or os.environ.get("COMSPEC") or "").stem
    said = {
        "operating_system": platform.system(),
        "shell": shell,
        "current_date": f"{now:%Y-%m-%d}",
        "timezone": f"UTC{now:%z}",
    }
    lines = (f"  <{name}>{escape(value, quote=False)}</{name}>" for name, value in said.items() if value)
    return "\n".join(("<environment_context>", *lines, "</environment_context>"))
