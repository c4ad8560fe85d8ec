"""The demo's two tools, really executed, on a scratch copy of a tiny project and nowhere else."""

from __future__ import annotations

import shlex
import subprocess
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any

from turnout.demo.events import ToolResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT_SECONDS = 20

DEFINITIONS: list[dict[str, Any]] = [
    {
        "name": "read_file",
        "description": "Gives the text of one file of the project.",
        "input_schema": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "Path relative to the project's folder."}},
            "required": ["path"],
        },
    },
    {
        "name": "run_command",
        "description": "Runs one Python command in the project's folder, without a shell.",
        "input_schema": {
            "type": "object",
            "properties": {"command": {"type": "string", "description": "For example: python -m unittest -q"}},
            "required": ["command"],
        },
    },
]
"""The tools as a Messages request declares them."""


def make_project(folder: Path) -> None:
    """Copies the demo's project into an empty folder."""
    for source in (resources.files("turnout.demo") / "project").iterdir():
        # Kept as texts in the package: they are data, one of them with a mistake that is meant to be there.
        (folder / source.name.removesuffix(".txt")).write_text(source.read_text("utf-8"), "utf-8")


def execute(name: str, arguments: Mapping[str, object], project: Path) -> ToolResult:
    """Runs one tool call. What goes wrong is a failed result that the model can read."""
    match name, arguments:
        case "read_file", {"path": str(path)}:
            return _read_file(path, project)
        case "run_command", {"command": str(command)}:
            return _run_command(command, project)
        case _:
            return ToolResult(f"There is no tool {name} that takes {', '.join(arguments) or 'nothing'}.", failed=True)


def _read_file(path: str, project: Path) -> ToolResult:
    wanted = (project / path).resolve()
    if not wanted.is_relative_to(project.resolve()):
        return ToolResult(f"{path} is outside the project.", failed=True)
    try:
        return ToolResult(wanted.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return ToolResult(f"{path} cannot be read: {error}", failed=True)


def _run_command(command: str, project: Path) -> ToolResult:
    program, *arguments = shlex.split(command) or [""]
    if program not in {"python", "python3"}:
        return ToolResult(f"Only Python can be run here, not {program!r}.", failed=True)
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return ToolResult(f"The command took longer than {TIMEOUT_SECONDS} seconds.", failed=True)
    # A command that ends with an error has told something: to the model it is a result, not a broken tool.
    return ToolResult(f"{done.stdout.strip()}\n(exit code {done.returncode})".strip())
