"""Puts all sources of settings in order: defaults < the user's file < the project's < environment < flags < what a
running gateway was told. Each value is checked where it came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.config import Config
from turnout.settings import consistency, files
from turnout.settings.leaves import check, leaves, nearest, nested, parse
from turnout.settings.slotted import check_project, general_first, superseded
from turnout.variables import OTHER_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

PROJECT_FILE = ".turnout.toml"

DEFAULT, FLAG, REQUEST = "default", "a flag", "a request to the gateway"
"""Where a value came from, if from neither a file nor a variable."""

Entries = dict[str, object]
"""Dotted paths and values."""


class Loaded(msgspec.Struct, frozen=True):
    """A configuration together with where each of its values came from."""

    config: Config
    origins: dict[str, str]
    """Dotted path → ``default``, ``the file /path``, ``the variable NAME``, ``a flag`` or what `REQUEST` says."""
    warnings: tuple[str, ...]
    """Full sentences about what was ignored (a misspelt ``TURNOUT_*`` variable) or has an older form."""


class Source(Protocol):
    """Where a gateway's configuration comes from, as often as it asks."""

    def resolve(self, told: Mapping[str, object]) -> Loaded:
        """The configuration as all sources have it now, with what the gateway was ``told`` on top.

        Raises `SettingsError`.
        """
        ...

    def watched(self) -> tuple[Path, ...]:
        """The files in which it can change."""
        ...

    def written(self) -> Path | None:
        """The file that a change can be written to; None if there is none."""
        ...


class Sources(msgspec.Struct, frozen=True):
    """The user's own file (or the one named by ``path``), the project's, the environment and flags: see `resolve`."""

    environ: Mapping[str, str]
    flags: Mapping[str, object]
    path: Path | None = None
    project: Path | None = None

    def resolve(self, told: Mapping[str, object]) -> Loaded:
        return resolve(self.environ, self.flags, self.path, project=self.project, told=told)

    def watched(self) -> tuple[Path, ...]:
        own = (self.path,) if self.path else files.candidates(self.environ)
        project = project_file(self.project)
        return own if project is None else (*own, project)

    def written(self) -> Path | None:
        return self.path or files.users_own(self.environ) or next(iter(files.candidates(self.environ)), None)


class Fitted(msgspec.Struct, frozen=True):
    """Another source, of whose configuration something is made that fits the case at hand."""

    source: Source
    fit: Callable[[Loaded], Config]
    reason: str
    """Where a value came from that ``fit`` has changed."""

    def resolve(self, told: Mapping[str, object]) -> Loaded:
        loaded = self.source.resolve(told)
        config = self.fit(loaded)
        changed = [key for key in leaves() if value_at(config, key) != value_at(loaded.config, key)]
        return Loaded(config, loaded.origins | dict.fromkeys(changed, self.reason), loaded.warnings)

    def watched(self) -> tuple[Path, ...]:
        return self.source.watched()

    def written(self) -> Path | None:
        return self.source.written()


class Given(msgspec.Struct, frozen=True):
    """A configuration that a program has made itself: there is no file, and no variable counts."""

    config: Config

    def resolve(self, told: Mapping[str, object]) -> Loaded:
        values: Entries = {}
        origins = dict.fromkeys(leaves(), DEFAULT)
        for key, leaf in leaves().items():
            value = value_at(self.config, key)
            if value != leaf.default:
                values[key], origins[key] = value, "the program that started the gateway"
        _put(told, REQUEST, values, origins)
        config = msgspec.convert(nested(values), Config)
        consistency.check(config, origins)
        return Loaded(config, origins, ())

    def watched(self) -> tuple[Path, ...]:
        return ()

    def written(self) -> Path | None:
        return None


def load(environ: Mapping[str, str], flags: Mapping[str, object], path: Path | None = None) -> Config:
    """The configuration in force. See `resolve`."""
    return resolve(environ, flags, path).config


def resolve(
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    path: Path | None = None,
    *,
    project: Path | None = None,
    told: Mapping[str, object] | None = None,
) -> Loaded:
    """Reads and merges all sources of settings.

    ``flags`` maps dotted paths to values; None means that the flag was not given. ``path`` is a configuration file
    that must exist; without it the user's own one is read if it is there. ``project`` is a folder: the file
    `PROJECT_FILE` in it, or in the nearest folder above that has one, says what the project wants. ``told`` is what a
    running gateway was told. Raises `SettingsError`.
    """
    values: Entries = {}
    origins = dict.fromkeys(leaves(), DEFAULT)
    own = path or files.users_own(environ)
    read = [files.read(own)] if own is not None else []
    project_path = project_file(project)
    if project_path is not None:
        read.append(_from_project(project_path))
    for place, entries in (
        *((f"the file {each.path}", each.entries) for each in read),
        *_from_environment(environ),
        *((FLAG, {key: value}) for key, value in flags.items() if value is not None),
        (REQUEST, told or {}),
    ):
        _put(entries, place, values, origins)
    warnings = (*_older(read), *_misspelt(environ))
    config = msgspec.convert(nested(values), Config)
    consistency.check(config, origins)
    return Loaded(config, origins, warnings)


def _put(entries: Mapping[str, object], place: str, values: Entries, origins: dict[str, str]) -> None:
    """Puts a source's entries over those of weaker sources. Raises `SettingsError`."""
    for key, value in general_first(entries):
        checked = check(key, value, place)
        for weaker in superseded(key, checked):
            values.pop(weaker, None)
            origins[weaker] = DEFAULT
        values[key], origins[key] = checked, place


def value_at(config: Config, key: str) -> object:
    """The value of the setting with that dotted path."""
    found: object = config
    for name in key.split("."):
        found = getattr(found, name)
    return found


def project_file(folder: Path | None) -> Path | None:
    """The file of the project that a folder belongs to; None if there is none."""
    above = (folder, *folder.parents) if folder else ()
    return next((place / PROJECT_FILE for place in above if (place / PROJECT_FILE).is_file()), None)


def _from_project(path: Path) -> files.Read:
    read = files.read(path)
    check_project(path, read.entries)
    return read


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, Entries]]:
    for variable in VARIABLES:
        for name in variable.names:
            text = environ.get(name, "").strip()
            if not text:
                continue
            place = f"the variable {name}"
            value = parse(variable.path, text, place)
            if name in variable.milliseconds:
                value = _in_seconds(text)
            yield place, {variable.path: not value if variable.negates else value}
            break


def _in_seconds(text: str) -> float | str:
    """Milliseconds as seconds; a text that is no number as it is, for `check` to refuse."""
    try:
        return float(text) / 1000
    except ValueError:
        return text


def _older(read: list[files.Read]) -> Iterator[str]:
    for each in read:
        for move in each.moved:
            yield (
                f"In the file {each.path}, {move.old} is now called {move.new}. "
                "It still counts; `turnout config migrate` brings the file up to date and keeps a copy."
            )


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """The environment is shared with other tools and versions, so an unknown name there is told, not refused."""
    known = {name for variable in VARIABLES for name in variable.names} | set(OTHER_VARIABLES)
    for name in sorted(environ):
        if name.startswith("TURNOUT_") and name not in known:
            yield f"The variable {name} is not one that Turnout knows, so it has no effect.{nearest(name, known)}"
