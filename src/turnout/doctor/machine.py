"""The machine and Turnout's own files: Python, configuration, permissions, room on the disk, what killed ones left."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import __version__, paths, settings
from turnout.doctor.finding import Repair, ok, problem, warning
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turnout.doctor.finding import Finding, Surroundings

LEAST_BYTES = 100 * 1024 * 1024
"""Room on the disk under which a warning is due."""
LEFT_SECONDS = 3600.0
"""Age from which a half-written file counts as left behind."""


def python(seen: Surroundings) -> Iterable[Finding]:
    """Turnout, Python and the system."""
    found = ".".join(map(str, sys.version_info[:3]))
    yield ok(f"Turnout {__version__}, Python {found}, {seen.platform}, in {Path(sys.prefix)}.")


def configuration(seen: Surroundings) -> Iterable[Finding]:
    """Whether the settings can be read, and what of them has no effect."""
    try:
        loaded = settings.resolve(seen.environ, {}, project=seen.folder)
    except SettingsError as error:
        yield problem(str(error), "Correct it; `turnout --help` and docs/configuration.md name what is allowed.")
        return
    places = sorted({place for place in loaded.origins.values() if place != "default"})
    yield ok(
        f"The configuration is valid; it comes from {', '.join(places)}." if places else "All settings are defaults."
    )
    for remark in loaded.warnings:
        yield warning(remark, "Rename it or take it away.")


def own_files(seen: Surroundings) -> Iterable[Finding]:
    """Whether Turnout's folders can be written, and nobody else can read what is secret in them."""
    try:
        folders = {
            "data": paths.data_dir(seen.environ),
            "state": paths.state_dir(seen.environ),
            "cache": paths.cache_dir(seen.environ),
        }
    except paths.NoHomeError as error:
        yield problem(f"{error.strerror}.", "Set HOME or TURNOUT_HOME.")
        return
    for what, folder in folders.items():
        nearest = next(place for place in (folder, *folder.parents) if place.exists())
        if not os.access(nearest, os.W_OK):
            yield problem(
                f"The {what} folder {folder} cannot be written.", f"Give yourself the right to write {nearest}."
            )
    if seen.platform != "win32":
        yield from _readable_by_others(seen)
    yield from _left_behind(folders.values(), seen.now())
    free = shutil.disk_usage(
        next(place for place in (folders["state"], *folders["state"].parents) if place.exists())
    ).free
    if free < LEAST_BYTES:
        yield warning(
            f"Only {free // 1024 // 1024} MiB are free for Turnout's files.", "Make room: logins must be written."
        )
    yield ok(f"Turnout's files: {', '.join(str(folder) for folder in dict.fromkeys(folders.values()))}.")


def _readable_by_others(seen: Surroundings) -> Iterator[Finding]:
    for file in secret_files(seen):
        try:
            mode = file.stat().st_mode & 0o777
        except OSError:
            continue
        if mode & 0o077:
            yield problem(
                f"{file} holds secrets, and others on this machine may read it (mode {mode:o}).",
                f"chmod 600 {file}",
                Repair(action="private", path=str(file)),
            )


def secret_files(seen: Surroundings) -> Iterator[Path]:
    """Turnout's own files with something secret in them that are there."""
    named = seen.config.accounts.folder
    accounts = Path(named).expanduser() if named else paths.data_dir(seen.environ)
    yield from sorted((accounts / "accounts").glob("*.json"))
    yield paths.state_dir(seen.environ) / "gateway.json"
    for name in ("config.toml", "config.yaml", "config.yml"):
        file = paths.config_dir(seen.environ) / name
        if file.is_file() and any(
            word in file.read_text("utf-8", "replace") for word in ("api_key", "token =", "token:")
        ):
            yield file


def _left_behind(folders: Iterable[Path], now: float) -> Iterator[Finding]:
    """Half-written files of processes that were killed."""
    for folder in dict.fromkeys(folders):
        for file in sorted(folder.glob(".*.new")):
            if now - file.stat().st_mtime > LEFT_SECONDS:
                yield warning(
                    f"{file} was left behind half written.", f"Delete {file}.", Repair(action="delete", path=str(file))
                )
