"""The clients: Claude Code and the Codex CLI, where they are and whether their versions are ones that are tested."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import paths
from turnout.doctor import probing
from turnout.doctor.finding import ok, problem, warning
from turnout.launch import install, locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turnout.doctor.finding import Finding, Surroundings

OLDEST = "2.1.197"
"""The oldest version of Claude Code that the tests drive."""
OLDEST_NODE = 22


def claude_code(seen: Surroundings) -> Iterable[Finding]:
    """Claude Code: found, of a tested version, and only once."""
    found = locate.claude(seen.environ, seen.platform)
    program = found or install.installed(folder=paths.clients_dir(seen.environ))
    if program is None:
        yield problem("Claude Code is not installed, or not where it is looked for.", locate.HOW_TO_INSTALL)
        yield from _node(seen)
        return
    version = probing.version_of(locate.command(program), seen.environ)
    if not version:
        yield problem(
            f"{program} does not say its version, so most likely it does not start.", "Run it, or reinstall it."
        )
    elif probing.number(version) < probing.number(OLDEST):
        yield warning(f"Claude Code {version} ({program}) is older than {OLDEST}, the oldest tested.", "claude update")
    else:
        yield ok(f"Claude Code {version} at {program}.")
    if found is None:
        yield ok("It is Turnout's own copy, for `turnout claude` only.")
    elif shutil.which("claude", path=seen.environ.get("PATH", "")) is None:
        yield warning(f"{program.parent} is not on PATH; `turnout claude` finds it all the same.", "Add it to PATH.")
    if others := [other for other in on_path("claude", seen) if other.resolve() != program.resolve()]:
        yield warning(
            f"There are several Claude Codes on PATH; {program} is used, not {', '.join(map(str, others))}.",
            "Remove those that are not needed, if their versions differ.",
        )


def codex(seen: Surroundings) -> Iterable[Finding]:
    """The Codex CLI, which is not needed: its login is used if it is there."""
    program = find_codex(seen)
    if program is None:
        yield ok("The Codex CLI is not installed; it is not needed.")
        return
    version = probing.version_of([str(program)], seen.environ)
    said = seen.config.codex.client_version
    if not version:
        yield warning(f"{program} does not say its version.", "codex --version")
    elif probing.number(version) > probing.number(said):
        yield ok(f"Codex CLI {version} at {program} (Turnout announces itself as {said}: see codex.client_version).")
    else:
        yield ok(f"Codex CLI {version} at {program}.")


def find_codex(seen: Surroundings) -> Path | None:
    """The Codex CLI: on PATH, else where installers put programs of its kind."""
    if found := shutil.which("codex", path=seen.environ.get("PATH", "")):
        return Path(found)
    return next((place for place in _codex_places(seen) if place.is_file()), None)


def _codex_places(seen: Surroundings) -> Iterator[Path]:
    for place in locate.usual_places(seen.environ, seen.platform):
        if ".claude" not in place.parts:  # that is Claude Code's own folder
            yield place.with_name(place.name.replace("claude", "codex"))


def on_path(name: str, seen: Surroundings) -> list[Path]:
    """Every program of that name on PATH, each real file once."""
    endings = [""] if seen.platform != "win32" else [".exe", ".cmd", ".bat"]
    found: dict[Path, Path] = {}
    for folder in seen.environ.get("PATH", "").split(os.pathsep):
        for ending in endings:
            place = Path(folder) / f"{name}{ending}"
            if folder and place.is_file() and os.access(place, os.X_OK):
                found.setdefault(place.resolve(), place)
    return list(found.values())


def _node(seen: Surroundings) -> Iterator[Finding]:
    node = shutil.which("node", path=seen.environ.get("PATH", ""))
    if node is None:
        yield warning("Node.js is not there either, which npm needs.", "Install Node.js 22 or newer from nodejs.org.")
        return
    version = probing.version_of([node], seen.environ)
    if version and probing.number(version)[0] < OLDEST_NODE:
        yield warning(
            f"Node.js {version} is older than {OLDEST_NODE}, which Claude Code wants.", "Install a newer Node.js."
        )
