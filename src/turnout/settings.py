"""Loads the configuration: defaults < the user's file < the project's < environment < flags, each value checked where
it came from.

Reads two files and the mapping it is given; knows nothing of what the settings mean (`turnout.config` says that).
"""

from __future__ import annotations

import difflib
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from turnout import paths
from turnout.config import Config
from turnout.variables import OTHER_VARIABLES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


PROJECT_FILE = ".turnout.toml"
PROJECT_SETTINGS = frozenset({"accounts.use"})
"""What a project may set. Its file comes with whatever one downloads: it must not decide where prompts and keys go."""


class SettingsError(Exception):
    """A setting that cannot be used. The text names where it stands, its value (never a secret) and what is allowed."""


class Leaf(msgspec.Struct, frozen=True):
    """One single setting of the configuration."""

    path: str
    """Dotted path from `Config`, e.g. ``server.port``."""
    section: type[msgspec.Struct]
    """The record that holds it."""
    name: str
    """Its name in that record."""
    type: Any
    """Its type, with the annotations that carry its range."""
    default: object
    secret: bool


class Loaded(msgspec.Struct, frozen=True):
    """A configuration together with where each of its values came from."""

    config: Config
    origins: dict[str, str]
    """Dotted path → ``default``, ``the file /path``, ``the variable NAME`` or ``a flag``."""
    warnings: tuple[str, ...]
    """Full sentences about what was ignored: a misspelt ``TURNOUT_*`` variable."""


def load(environ: Mapping[str, str], flags: Mapping[str, object], path: Path | None = None) -> Config:
    """The configuration in force. See `resolve`."""
    return resolve(environ, flags, path).config


def resolve(
    environ: Mapping[str, str],
    flags: Mapping[str, object],
    path: Path | None = None,
    *,
    project: Path | None = None,
) -> Loaded:
    """Reads and merges all sources of settings.

    ``flags`` maps dotted paths to values; None means that the flag was not given. ``path`` is a configuration file
    that must exist; without it the user's own one is read if it is there. ``project`` is a folder: the file
    `PROJECT_FILE` in it, or in the nearest folder above that has one, says what the project wants.
    Raises `SettingsError`.
    """
    values: dict[str, object] = {}
    origins = dict.fromkeys(leaves(), "default")
    for place, entries in (
        *(_from_file(path, must_exist=True) if path else _from_users_file(environ)),
        *_from_project(project),
        *_from_environment(environ),
        *(("a flag", {key: value}) for key, value in flags.items() if value is not None),
    ):
        for key, value in entries.items():
            values[key] = check(key, value, place)
            origins[key] = place
    return Loaded(msgspec.convert(_nest(values), Config), origins, tuple(_misspelt(environ)))


@cache
def leaves() -> dict[str, Leaf]:
    """Every single setting by its dotted path, in the order of `turnout.config`."""
    return {leaf.path: leaf for leaf in _walk(Config, "")}


def _walk(section: type[msgspec.Struct], prefix: str) -> Iterator[Leaf]:
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        kind, path = hints[field.name], prefix + field.name
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _walk(kind, path + ".")
        else:
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            metadata = inspect.type_info(kind)
            secret = isinstance(metadata, inspect.Metadata) and bool((metadata.extra or {}).get("secret"))
            yield Leaf(path, section, field.name, kind, default, secret)


def _from_file(path: Path, *, must_exist: bool) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(f"There is no configuration file {path}.") from None
        return
    except OSError as error:
        raise SettingsError(f"The configuration file {path} cannot be read: {error.strerror}.") from None
    try:
        tables = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The configuration file {path} is not valid TOML: {error}.") from None
    yield f"the file {path}", dict(_flatten(tables, "", path))


def _from_users_file(environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, object]]]:
    try:
        path = paths.config_file(environ)
    except paths.NoHomeError:
        return  # who has no home has no file there
    yield from _from_file(path, must_exist=False)


def _from_project(folder: Path | None) -> Iterator[tuple[str, dict[str, object]]]:
    above = (folder, *folder.parents) if folder else ()
    path = next((place / PROJECT_FILE for place in above if (place / PROJECT_FILE).is_file()), None)
    if path is None:
        return
    for place, entries in _from_file(path, must_exist=False):
        for key in entries:
            if key not in PROJECT_SETTINGS:
                raise SettingsError(
                    f"{key} cannot be set in {path}: a project's file may only set {', '.join(PROJECT_SETTINGS)}. "
                    "Other settings belong into your own configuration file."
                )
        yield place, entries


def _flatten(table: Mapping[str, object], prefix: str, path: Path) -> Iterator[tuple[str, object]]:
    """The file's tables as dotted paths. A table that is itself a setting's value (``codex.framing``) stays whole."""
    for name, value in table.items():
        key = prefix + name
        if key in leaves():
            yield key, value
        elif isinstance(value, dict) and any(known.startswith(key + ".") for known in leaves()):
            yield from _flatten(value, key + ".", path)
        elif any(known.startswith(key + ".") for known in leaves()):
            raise SettingsError(f"In the file {path}, {key} is a section: its settings stand under [{key}].")
        else:
            what = f"the section [{key}]" if isinstance(value, dict) else f"the setting {key}"
            raise SettingsError(f"Turnout does not know {what} in the file {path}.{_nearest(key, _known_keys())}")


def _known_keys() -> set[str]:
    """Settings and the sections they stand in."""
    sections = {key.rsplit(".", depth)[0] for key in leaves() for depth in range(1, key.count(".") + 1)}
    return sections | set(leaves())


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, dict[str, object]]]:
    for variable in VARIABLES:
        for name in variable.names:
            text = environ.get(name, "").strip()
            if not text:
                continue
            place = f"the variable {name}"
            value = _parse(variable.path, text, place)
            yield place, {variable.path: not value if variable.negates else value}
            break


def _parse(key: str, text: str, place: str) -> object:
    """An environment variable's text as the kind of value that the setting holds. Numbers are left to `check`."""
    kind = inspect.type_info(leaves()[key].type)
    if isinstance(kind, inspect.BoolType):
        if text.lower() not in TRUE | FALSE:
            raise _refusal(key, text, place)
        return text.lower() in TRUE
    if isinstance(kind, inspect.VarTupleType):
        return [part for part in (part.strip() for part in text.split(",")) if part]
    if isinstance(kind, inspect.DictType):
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        if not all(name.strip() and value.strip() for name, _, value in pairs):
            raise _refusal(key, text, place)
        return {name.strip(): value.strip() for name, _, value in pairs}
    return text


def check(key: str, value: object, place: str) -> object:
    """The value as the setting's type, or a `SettingsError` that says what is allowed."""
    leaf = leaves().get(key)
    if leaf is None:
        raise SettingsError(f"Turnout does not know the setting {key} ({place}).{_nearest(key, leaves())}")
    try:
        # Text becomes a number only where the source has nothing but text: in a file, "4000" is a mistake.
        return msgspec.convert(value, leaf.type, strict=not isinstance(value, str) or place.startswith("the file"))
    except msgspec.ValidationError:
        raise _refusal(key, value, place) from None


def _refusal(key: str, value: object, place: str) -> SettingsError:
    leaf = leaves()[key]
    shown = "its value" if leaf.secret else repr(value)
    named = "" if place.startswith("the variable") else f" for {key}"
    return SettingsError(f"{place[0].upper()}{place[1:]} has {shown}{named}, but it must be {describe(leaf.type)}.")


def describe(kind: Any) -> str:
    """What a setting of this type may be, in words: ``a whole number from 0 to 65535``."""
    if get_origin(kind) is Literal:
        names = [str(value) for value in get_args(kind) if value]
        return f"one of {', '.join(names)}" + (", or empty" if "" in get_args(kind) else "")
    if get_origin(kind) is dict:
        return (
            f"a table whose values are {describe(get_args(kind)[1])} (in a variable: name=value, with commas between)"
        )
    match inspect.type_info(kind):
        case inspect.Metadata(extra_json_schema={"description": str(words)}):
            return words
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}" if high is not None else f"a whole number, at least {low}"
        case inspect.FloatType(gt=low, le=high):
            return f"a number above {low:g}, at most {high:g}"
        case inspect.VarTupleType():
            return "a list of names (in a variable: with commas between)"
    return "text"


def _nest(values: Mapping[str, object]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        table = nested
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return nested


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """The environment is shared with other tools and versions, so an unknown name there is told, not refused."""
    known = {name for variable in VARIABLES for name in variable.names} | set(OTHER_VARIABLES)
    for name in sorted(environ):
        if name.startswith("TURNOUT_") and name not in known:
            yield f"The variable {name} is not one that Turnout knows, so it has no effect.{_nearest(name, known)}"


def _nearest(name: str, known: Mapping[str, object] | set[str]) -> str:
    # Compared without case, and by the last part too, so that `Server.Port` and `port` both find `server.port`.
    by_shape = {shape: key for key in known for shape in (key.rsplit(".", 1)[-1].lower(), key.lower())}
    close = difflib.get_close_matches(name.lower(), by_shape, n=1, cutoff=0.6)
    return f" Did you mean {by_shape[close[0]]}?" if close else ""
