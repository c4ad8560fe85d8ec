"""The single settings of the configuration: which there are, what each may be, what is said of a wrong one. Pure."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from turnout.config import Config
from turnout.settings import records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})


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


def sections() -> set[str]:
    """The dotted paths of the sections that settings stand in."""
    return {key.rsplit(".", depth)[0] for key in leaves() for depth in range(1, key.count(".") + 1)}


def is_section(key: str) -> bool:
    """Whether settings stand under this path."""
    return any(known.startswith(key + ".") for known in leaves())


def is_table(leaf: Leaf) -> bool:
    """Whether the setting's value is itself a table, such as ``codex.framing``."""
    return get_origin(leaf.type) is dict


def flatten(table: Mapping[str, object], place: str, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Tables as dotted paths. A table that is itself a setting's value (``codex.framing``) stays whole.

    Raises `SettingsError` for what is no setting. ``place`` is where the tables stand, e.g. ``the file /path``.
    """
    for name, value in table.items():
        key = f"{prefix}{name}"
        if key in leaves():
            yield key, value
        elif not is_section(key):
            what = f"the section [{key}]" if isinstance(value, dict) else f"the setting {key}"
            raise SettingsError(f"Turnout does not know {what} in {place}.{nearest(key, sections() | set(leaves()))}")
        elif isinstance(value, dict):
            yield from flatten(value, place, f"{key}.")
        else:
            raise SettingsError(f"In {place}, {key} is a section: its settings stand under [{key}].")


def nested(values: Mapping[str, object]) -> dict[str, Any]:
    """Dotted paths as tables."""
    tables: dict[str, Any] = {}
    for key, value in values.items():
        *above, name = key.split(".")
        table = tables
        for section in above:
            table = table.setdefault(section, {})
        table[name] = value
    return tables


def parse(key: str, text: str, place: str) -> object:
    """A text as the kind of value that the setting holds. Numbers are left to `check`. Raises `SettingsError`."""
    kind = inspect.type_info(known(key, place).type)
    if records.record_of(leaves()[key].type) is not None:
        return _from_json(key, text, place)
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


def known(key: str, place: str) -> Leaf:
    """The setting of that path. Raises `SettingsError` with the nearest one."""
    leaf = leaves().get(key)
    if leaf is None:
        raise SettingsError(f"Turnout does not know the setting {key} ({place}).{nearest(key, leaves())}")
    return leaf


def check(key: str, value: object, place: str) -> object:
    """The value as the setting's type, or a `SettingsError` that says what is allowed."""
    leaf = known(key, place)
    value = _chained(value, leaf.name)
    if records.record_of(leaf.type) is not None:
        try:
            records.check(key, leaf.type, value)
        except records.Wrong as wrong:
            raise _wrong_part(wrong, place) from None
    try:
        # Text becomes a number only where the source has nothing but text: in a file, "4000" is a mistake.
        typed = place.startswith(("the file", "a request"))
        return msgspec.convert(value, leaf.type, strict=not isinstance(value, str) or typed)
    except msgspec.ValidationError:
        raise _refusal(key, value, place) from None


def _refusal(key: str, value: object, place: str) -> SettingsError:
    leaf = leaves()[key]
    shown = "its value" if leaf.secret else repr(value)
    named = "" if place.startswith("the variable") else f" for {key}"
    return SettingsError(f"{place[0].upper()}{place[1:]} has {shown}{named}, but it must be {describe(leaf.type)}.")


def _chained(value: object, name: str) -> object:
    """Lists of models as the text that means the same: ``["a", "b"]`` is ``[a, b]``."""
    if name == "model" and isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return f"[{', '.join(value)}]"
    if isinstance(value, dict):
        return {inner: _chained(each, str(inner)) for inner, each in value.items()}
    if isinstance(value, list):
        return [_chained(each, "") for each in value]
    return value


def _from_json(key: str, text: str, place: str) -> object:
    """Records as a variable says them."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise SettingsError(f"{place[0].upper()}{place[1:]} holds no JSON for {key}: {error}.") from None


def _wrong_part(wrong: records.Wrong, place: str) -> SettingsError:
    if wrong.kind is records.NAME:
        return SettingsError(
            f"In {place}, {wrong.key} has a name that cannot be used: small letters, digits, - and _, beginning with a "
            "letter."
        )
    if wrong.unknown:
        inside = list(records.fields(wrong.kind))
        near = nearest(wrong.key.rpartition(".")[2], inside) or f" There are {', '.join(inside)}."
        return SettingsError(f"Turnout does not know the setting {wrong.key} in {place}.{near}")
    if wrong.value is None:
        return SettingsError(f"In {place}, {wrong.key} is missing: it must be {describe(wrong.kind)}.")
    shown = "its value" if records.is_private(wrong.kind) else repr(wrong.value)
    return SettingsError(f"In {place}, {wrong.key} has {shown}, but it must be {describe(wrong.kind)}.")


def describe(kind: Any) -> str:
    """What a setting of this type may be, in words: ``a whole number from 0 to 65535``."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "a section"
    if records.record_of(kind) is not None:
        what = "a table of sections" if get_origin(kind) is dict else "a list of sections"
        return f"{what} (in a variable: JSON)"
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
        case inspect.VarTupleType(item_type=inspect.LiteralType(values=values)):
            return f"a list of {', '.join(map(str, values))} (in a variable: with commas between)"
        case inspect.VarTupleType():
            return "a list of names (in a variable: with commas between)"
    return "text"


def nearest(name: str, known_names: Iterable[str]) -> str:
    """`` Did you mean …?`` with the nearest of the known names; empty if none is near."""
    # Compared without case, and by the last part too, so that `Server.Port` and `port` both find `server.port`.
    by_shape = {shape: key for key in known_names for shape in (key.rsplit(".", 1)[-1].lower(), key.lower())}
    close = difflib.get_close_matches(name.lower(), by_shape, n=1, cutoff=0.6)
    return f" Did you mean {by_shape[close[0]]}?" if close else ""
