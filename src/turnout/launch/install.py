"""Installs Claude Code into a folder of Turnout's own, with npm. Touches nothing outside that folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import paths
from turnout.launch.locate import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "2.1.328"
"""The version that is installed: the newest one that the tests drive."""


class InstallError(Exception):
    """Claude Code could not be installed; the text says why and what to do."""


def installed(version: str = VERSION, folder: Path | None = None) -> Path | None:
    """The program in Turnout's own folder, None if this version is not there."""
    name = "claude.exe" if sys.platform == "win32" else "claude"
    home = _home(version, folder)
    return next(iter(sorted(home.glob(f"node_modules/{PACKAGE}-*/{name}"))), None)


def install(say: Callable[[str], None], version: str = VERSION, folder: Path | None = None) -> Path:
    """The program in Turnout's own folder, installed first if need be; ``say`` gets npm's progress, line by line.

    It is installed beside its place and moved there whole, so that a broken download leaves nothing behind.
    Raises `InstallError`.
    """
    if found := installed(version, folder):
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError(
            "npm is needed to install Claude Code and is not on PATH. Install Node.js 22 or newer first."
        )
    home = _home(version, folder)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{home.name}-", dir=home.parent) as scratch:
        staged = Path(scratch) / home.name
        staged.mkdir()
        (staged / "package.json").write_text('{"private": true}\n', "utf-8")  # else npm looks for one further up
        _run_npm(npm, staged, version, say)
        if home.exists():
            shutil.rmtree(home)
        staged.rename(home)
    found = installed(version, folder)
    if found is None:
        raise InstallError(f"npm installed {PACKAGE}@{version}, but there is no program for this system in it.")
    return found


def _run_npm(npm: str, where: Path, version: str, say: Callable[[str], None]) -> None:
    # The package's own script only copies the system's program to another name: no script needs to run.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=http"]
    command = [npm, "install", *options, f"{PACKAGE}@{version}"]
    last = ""
    with subprocess.Popen(
        command, cwd=where, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as npm_run:
        assert npm_run.stdout is not None
        for line in npm_run.stdout:
            last = line.strip() or last
            say(last)
    if npm_run.returncode != 0:
        raise InstallError(f"npm could not install {PACKAGE}@{version}: {last or 'it gave no reason'}")


def _home(version: str, folder: Path | None) -> Path:
    return (folder or paths.clients_dir()) / f"claude-code-{version}"
