"""Settings whose value is made of records: tables of them by name (``custom``), lists of them. Pure.

Each part is checked for itself, so that a mistake is told with its own place, and without the values that are private.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = re.compile(r"[a-z][a-z0-9_-]*")
"""What an entry of a table of records may be called: it stands before the ``/`` of a model string."""


class Wrong(Exception):
    """A part of a value that cannot be used."""

    def __init__(self, key: str, kind: Any, value: object = None, *, unknown: bool = False) -> None:
        """``key`` is its dotted path and ``kind`` its type; ``unknown``: there is no such part."""
        super().__init__(key)
        self.key = key
        self.kind = kind
        self.value = value
        self.unknown = unknown


def record_of(kind: Any) -> type[msgspec.Struct] | None:
    """The record that a table or a list is made of; None for other values."""
    if get_origin(kind) not in (dict, tuple):
        return None
    inner = get_args(kind)[1 if get_origin(kind) is dict else 0]
    return inner if isinstance(inner, type) and issubclass(inner, msgspec.Struct) else None


def fields(record: type[msgspec.Struct]) -> dict[str, Any]:
    """A record's fields and their types, ranges included."""
    hints = get_type_hints(record, include_extras=True)
    return {field.name: hints[field.name] for field in msgspec.structs.fields(record)}


def is_private(kind: Any) -> bool:
    """Whether values of this type are not repeated in messages: what people take for the place of a key holds one."""
    if get_origin(kind) is dict:
        return is_private(get_args(kind)[1])
    found = inspect.type_info(kind)
    return isinstance(found, inspect.Metadata) and bool((found.extra or {}).get("private"))


def check(key: str, kind: Any, value: object) -> None:
    """Raises `Wrong` for the first part of the value that cannot be used. ``key`` is the value's dotted path."""
    record = record_of(kind)
    if record is None:
        raise TypeError(f"{key} is not made of records")
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            raise Wrong(key, kind, value)
        for name, entry in value.items():
            if not (isinstance(name, str) and NAME.fullmatch(name)):
                raise Wrong(f"{key}.{name}", NAME)
            _check_record(f"{key}.{name}", record, entry)
        return
    if not isinstance(value, (list, tuple)):
        raise Wrong(key, kind, value)
    for index, entry in enumerate(value, 1):
        _check_record(f"{key}[{index}]", record, entry)


def _check_record(key: str, record: type[msgspec.Struct], value: object) -> None:
    if isinstance(value, record):
        return
    if not isinstance(value, dict):
        raise Wrong(key, record, value)
    known = fields(record)
    for name, given in value.items():
        here = f"{key}.{name}"
        if name not in known:
            raise Wrong(here, record, unknown=True)
        kind = known[name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            _check_record(here, kind, given)
            continue
        try:
            msgspec.convert(given, kind)
        except msgspec.ValidationError:
            raise Wrong(here, kind, given) from None
    for field in msgspec.structs.fields(record):
        if field.required and field.name not in value:
            raise Wrong(f"{key}.{field.name}", known[field.name], unknown=False)


def plain(value: object) -> object:
    """Records as tables, with what differs from the defaults only; private values hidden behind ``(set, not shown)``
    unless they say where a key is."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return dict(_shown(value)) if isinstance(value, msgspec.Struct) else value


def _shown(record: msgspec.Struct) -> Iterator[tuple[str, object]]:
    kinds = fields(type(record))
    for field in msgspec.structs.fields(type(record)):
        value = getattr(record, field.name)
        default = field.default if field.default is not msgspec.NODEFAULT else None
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if value == default:
            continue
        if isinstance(value, msgspec.Struct):
            yield field.name, dict(_shown(value))
        elif isinstance(value, dict) and is_private(kinds[field.name]):
            yield field.name, {name: _hidden(each) for name, each in value.items()}
        else:
            yield field.name, plain(value)


def _hidden(value: object) -> object:
    return value if str(value).startswith("env:") else "(set, not shown)"


def split(kind: Any, entry: str) -> list[str]:
    """``groq.takes.tools`` as the names on the way into a table of records; ``[]`` where it leads nowhere.

    An entry of a table inside a record keeps its dots: ``azure.models.gpt-5.5``.
    """
    record = record_of(kind)
    if record is None or get_origin(kind) is not dict:
        return [entry]
    name, dot, rest = entry.partition(".")
    return [name, *_inside(record, rest)] if dot and _inside(record, rest) else [] if dot else [name]


def _inside(record: type[msgspec.Struct], rest: str) -> list[str]:
    name, dot, deeper = rest.partition(".")
    kind = fields(record).get(name)
    if kind is None:
        return []
    if not dot:
        return [name]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        found = _inside(kind, deeper)
        return [name, *found] if found else []
    return [name, deeper] if get_origin(kind) is dict and deeper else []


def kind_at(kind: Any, names: list[str]) -> Any:
    """The type of what stands at these names (`split`)."""
    for name in names:
        kind = get_args(kind)[1] if get_origin(kind) is dict else fields(kind)[name]
    return kind
