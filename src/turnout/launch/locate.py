"""Finds the `claude` program: on PATH, else in the places where its installers put it. Starts nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGE = "@anthropic-ai/claude-code"
HOW_TO_INSTALL = f"Install it with `npm install -g {PACKAGE}` (Node.js 22 or newer)."


def claude(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path | None:
    """The path of `claude`, None if it is nowhere."""
    on_path = shutil.which("claude", path=environ.get("PATH", ""))
    if on_path:
        return Path(on_path)
    return next((place for place in usual_places(environ, platform) if place.is_file()), None)


def usual_places(environ: Mapping[str, str], platform: str) -> Iterator[Path]:
    """Where installers put `claude` besides PATH: its own ones first, then the global folders of package managers.

    A folder may be missing from PATH because the shell's start file was not read (an editor, a service, an old window).
    """
    windows = platform == "win32"
    home = Path(environ.get("USERPROFILE" if windows else "HOME") or Path.home())
    native = "claude.exe" if windows else "claude"
    yield home / ".local" / "bin" / native
    yield home / ".claude" / "local" / ("claude.cmd" if windows else "claude")
    if windows:
        if roaming := environ.get("APPDATA"):
            yield Path(roaming) / "npm" / "claude.cmd"
        if local := environ.get("LOCALAPPDATA"):
            yield Path(local) / "Volta" / "bin" / "claude.exe"
            yield Path(local) / "pnpm" / "claude.cmd"
        yield home / ".bun" / "bin" / "claude.exe"
        return
    if prefix := environ.get("NPM_CONFIG_PREFIX"):
        yield Path(prefix) / "bin" / "claude"
    if nvm := environ.get("NVM_BIN"):
        yield Path(nvm) / "claude"
    for folder in (".npm-global/bin", ".volta/bin", ".bun/bin", ".local/share/pnpm", "Library/pnpm"):
        yield home / folder / "claude"
    for folder in ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"):
        yield Path(folder) / "claude"


def version(program: Path) -> str:
    """Its version as its installer wrote it down, empty if that is not found: asking the program takes a while."""
    try:
        real = program.resolve(strict=True)
    except OSError:
        return ""
    if re.fullmatch(r"\d+\.\d+\.\d+", real.name):
        return real.name  # the native installer keeps each version in a file of that name
    for folder in (*list(real.parents)[:3], real.parent / "node_modules" / PACKAGE):
        try:
            described = json.loads((folder / "package.json").read_text("utf-8"))
            if str(described["name"]).startswith(PACKAGE):
                return str(described["version"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a package of Claude Code's
    return ""


def command(program: Path) -> Sequence[str]:
    """What to run for a found program.

    A Windows `.cmd` shim goes through the command interpreter, which would take quotes, `%` and `&` in a prompt for its
    own: the program that npm's shim stands for is run instead.
    """
    if program.suffix.lower() not in {".cmd", ".bat"}:
        return [str(program)]
    package = program.parent / "node_modules" / PACKAGE
    try:
        target = json.loads((package / "package.json").read_text("utf-8"))["bin"]["claude"]
    except (OSError, ValueError, KeyError, TypeError):
        return [str(program)]  # a shim of another kind: Windows can start it, if less safely
    script = package / target
    return [str(script)] if script.suffix.lower() == ".exe" else [shutil.which("node") or "node", str(script)]
