"""Reads configuration files, TOML or YAML, and finds the user's own one. Gives plain tables: `leaves` checks them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from turnout import paths
from turnout.settings import backends, migrations
from turnout.settings.leaves import SettingsError, flatten

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES = ("config.toml", "config.yaml", "config.yml")
"""What the user's own file may be called, in the folder for it. There may be one of them."""
SCHEMA = "$schema"
"""A key with which some editors are told the schema; it is no setting."""
YAML = frozenset({".yaml", ".yml"})


class Read(msgspec.Struct, frozen=True):
    """What a file says."""

    path: Path
    entries: dict[str, object]
    """Dotted path → value, not yet checked."""
    moved: tuple[migrations.Move, ...] = ()
    """Settings that stand at places of an older format."""


def candidates(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where the user's own file may be; nowhere for who has no home."""
    try:
        folder = paths.config_dir(environ)
    except paths.NoHomeError:
        return ()
    return tuple(folder / name for name in NAMES)


def users_own(environ: Mapping[str, str]) -> Path | None:
    """The user's own file; None if there is none. Raises `SettingsError` if there are two."""
    there = [path for path in candidates(environ) if path.is_file()]
    if len(there) > 1:
        raise SettingsError(
            f"There are two configuration files, {' and '.join(str(path) for path in there)}: "
            "Turnout does not guess which one counts. Keep one of them."
        )
    return next(iter(there), None)


def is_yaml(path: Path) -> bool:
    """Whether a file is YAML, by its name; any other one is TOML."""
    return path.suffix.lower() in YAML


def read(path: Path) -> Read:
    """What the file says, brought into the present format. Raises `SettingsError`."""
    return read_text(content(path), path)


def read_text(text: str, path: Path) -> Read:
    """`read` for a file with this text."""
    tables = parse(text, path)
    place = f"the file {path}"
    moved = migrations.moves(tables, place)
    for move in moved:
        migrations.apply(tables, move)
    tables.pop(migrations.KEY, None)
    tables.pop(SCHEMA, None)
    mapped = backends.settings(tables.pop(backends.SECTION, None), place)
    entries = dict(flatten(tables, place))
    for key, value in mapped.items():
        if key in entries and entries[key] != value:
            raise SettingsError(f"In {place}, {key} is {entries[key]!r}, but its section backends asks for {value!r}.")
        entries[key] = value
    return Read(path, entries, tuple(moved))


def content(path: Path) -> str:
    """The file's text. Raises `SettingsError`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"There is no configuration file {path}.") from None
    except OSError as error:
        raise SettingsError(f"The configuration file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"The configuration file {path} is not valid {'YAML' if is_yaml(path) else 'TOML'}: {error}."
        ) from None


def parse(text: str, path: Path) -> dict[str, Any]:
    """The text of the file as tables. Raises `SettingsError`."""
    return _from_yaml(text, path) if is_yaml(path) else _from_toml(text, path)


def _from_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"The configuration file {path} is not valid TOML: {error}.") from None


def _from_yaml(text: str, path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML as Parser  # 60 ms, which those do not pay who write TOML
    from ruamel.yaml.error import YAMLError

    try:
        found = Parser(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"The configuration file {path} is not valid YAML: {_first_line(error)}.") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SettingsError(f"The configuration file {path} holds no table of settings.")
    return found


def _first_line(error: Exception) -> str:
    """What is wrong and where, of YAML's long explanations."""
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if problem and mark is not None:
        return f"{problem} (line {mark.line + 1}, column {mark.column + 1})"
    return str(error).splitlines()[0]
