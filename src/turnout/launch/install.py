"""Installs Claude Code into a folder of Turnout's own, with npm. Touches nothing outside that folder.

The tests install the other clients that they drive the same way: they are `Program`s too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout import paths
from turnout.launch.locate import PACKAGE
from turnout.scratch import ScratchFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

VERSION = "2.1.328"
"""The version that is installed: the newest one that the tests drive."""


class InstallError(Exception):
    """A client could not be installed; the text says why and what to do."""


class Program(msgspec.Struct, frozen=True):
    """A client as npm has it. npm installs the one platform package that fits this machine."""

    name: str
    """What its folder is called, before the version."""
    package: str
    place: str
    """Where the platform package keeps the native program, as a pattern below ``node_modules``, without ``.exe``."""


CLAUDE_CODE = Program("claude-code", PACKAGE, f"{PACKAGE}-*/claude")


def installed(version: str = VERSION, folder: Path | None = None, client: Program = CLAUDE_CODE) -> Path | None:
    """The program in Turnout's own folder, None if this version is not there."""
    suffix = ".exe" if sys.platform == "win32" else ""
    home = _home(client, version, folder)
    return next(iter(sorted(home.glob(f"node_modules/{client.place}{suffix}"))), None)


def install(
    say: Callable[[str], None],
    version: str = VERSION,
    folder: Path | None = None,
    client: Program = CLAUDE_CODE,
    npm: Sequence[str] = (),
) -> Path:
    """The program in Turnout's own folder, installed first if need be; ``say`` gets npm's progress, line by line.

    ``npm`` is the command of npm, by default the one on PATH. Raises `InstallError`.
    """
    if found := installed(version, folder, client):
        return found
    from filelock import FileLock  # 20 ms, for those alone who install something

    home = _home(client, version, folder)
    home.parent.mkdir(parents=True, exist_ok=True)
    # Two may start at once: one installs, the other waits here and then finds its work.
    with FileLock(home.with_name(f"{home.name}.lock")):
        if found := installed(version, folder, client):
            return found
        command = npm or _npm_on_path(client)
        with new_folder(home) as staged:
            (staged / "package.json").write_text('{"private": true}\n', "utf-8")  # else npm looks for one further up
            _run_npm(command, staged, f"{client.package}@{version}", say)
    found = installed(version, folder, client)
    if found is None:
        raise InstallError(
            f"npm installed {client.package}@{version}, but there is no program for this system in it. If `npm config "
            "get omit` says `optional`, allow npm optional packages and try again."
        )
    return found


@contextmanager
def new_folder(home: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``home`` once that has gone well: a broken download leaves nothing half-made."""
    with ScratchFolder(f".{home.name}-", home.parent) as scratch:
        staged = Path(scratch) / home.name
        staged.mkdir()
        yield staged
        if home.exists():  # one without the program
            shutil.rmtree(home)
        staged.rename(home)


def _npm_on_path(client: Program) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError(
            f"npm is needed to install {client.package} and is not on PATH. Install Node.js 22 or newer first."
        )
    return [npm]


def _run_npm(npm: Sequence[str], where: Path, package: str, say: Callable[[str], None]) -> None:
    # No package's own script needs to run: Claude Code's only copies the system's program to another name.
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=http"]
    last = ""
    with subprocess.Popen(
        [*npm, "install", *options, package],
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as npm_run:
        assert npm_run.stdout is not None
        for line in npm_run.stdout:
            last = line.strip() or last
            say(last)
    if npm_run.returncode != 0:
        raise InstallError(f"npm could not install {package}: {last or 'it gave no reason'}")


def _home(client: Program, version: str, folder: Path | None) -> Path:
    return (folder or paths.clients_dir()) / f"{client.name}-{version}"
