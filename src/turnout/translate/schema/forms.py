"""The keywords of JSON Schema and the forms of their values (draft 2020-12, which the upstream's validator follows).

A schema is kept as bytes: a node is its keywords with their values as `Raw`, decoded one level at a time. What is not
changed is never decoded further and leaves as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Fields = dict[str, Raw]
"""A node's keywords, or a keyword's named schemas."""

EMPTY = Raw(b"{}")
"""The schema that takes everything."""
NOTHING = Raw(b'{"not":{}}')
"""The schema that takes nothing."""
NO_NAMES = Raw(b"[]")
OBJECT = Raw(b'"object"')

TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

SCHEMAS = frozenset(
    {
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords whose value is a schema."""
SCHEMAS_BY_NAME = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
"""Keywords whose value holds schemas by name. ``dependencies`` may hold lists of names as well."""
SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords whose value is a list of schemas, with at least one."""
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas speak of the same value as the node that they are in."""
OFTEN_BOOLEAN = frozenset(
    {"additionalItems", "additionalProperties", "items", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords where ``true`` and ``false`` are the usual way to say it; elsewhere they are rare, and written out."""
ANNOTATIONS = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
"""Keywords that say nothing about which values are valid."""

_TIED = (frozenset({"if", "then", "else"}), frozenset({"contains", "minContains", "maxContains"}))
"""Keywords that mean something only by each other."""

_SHOWN = 60
"""Characters of a property's name that notes show."""

_QUOTE, _BRACE, _BRACKET = b'"{['
_NUMBER = frozenset(b"-0123456789")
_BOOLEAN = frozenset(b"tf")
_FRACTION = frozenset(b".eE")
_TYPE_BY_START = dict(zip(b'"{[tfn', ("string", "object", "array", "boolean", "boolean", "null"), strict=True))

_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_names = msgspec.json.Decoder(list[str]).decode
_decode_string = msgspec.json.Decoder(str).decode
_decode_number = msgspec.json.Decoder(float).decode
_encode = msgspec.json.encode

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are no JSON, no UTF-8, or nested too deeply."""


def tied_to(key: str) -> frozenset[str]:
    """`key`, and the keywords that must come from the same node for it to mean the same."""
    return next((keys for keys in _TIED if key in keys), frozenset({key}))


def is_object(raw: Raw) -> bool:
    """Whether the value is an object."""
    return memoryview(raw)[0] == _BRACE


def is_list(raw: Raw) -> bool:
    """Whether the value is an array."""
    return memoryview(raw)[0] == _BRACKET


def is_string(raw: Raw) -> bool:
    """Whether the value is a string."""
    return memoryview(raw)[0] == _QUOTE


def is_number(raw: Raw) -> bool:
    """Whether the value is a number."""
    return memoryview(raw)[0] in _NUMBER


def is_boolean(raw: Raw) -> bool:
    """Whether the value is ``true`` or ``false``."""
    return memoryview(raw)[0] in _BOOLEAN


def is_false(raw: Raw) -> bool:
    """Whether the value is ``false``."""
    return bytes(raw) == b"false"


def is_null(raw: Raw) -> bool:
    """Whether the value is ``null``."""
    return bytes(raw) == b"null"


def fields_of(raw: Raw) -> Fields | None:
    """The fields of an object; None if the value is none, or cannot be read."""
    if not is_object(raw):
        return None
    try:
        return _decode_fields(raw)
    except UNREADABLE:
        return None


def list_of(raw: Raw) -> list[Raw] | None:
    """The elements of an array; None if the value is none, or cannot be read."""
    if not is_list(raw):
        return None
    try:
        return _decode_list(raw)
    except UNREADABLE:
        return None


def schemas_of(raw: Raw) -> Fields | None:
    """Schemas by name. PHP writes an empty object as ``[]``."""
    return {} if bytes(raw) == b"[]" else fields_of(raw)


def names_of(raw: Raw) -> list[str] | None:
    """The strings of an array of strings; None if the value is none."""
    if not is_list(raw):
        return None
    try:
        return _decode_names(raw)
    except UNREADABLE:
        return None


def string_of(raw: Raw) -> str | None:
    """The string; None if the value is none."""
    if not is_string(raw):
        return None
    try:
        return _decode_string(raw)
    except UNREADABLE:
        return None


def types_of(raw: Raw) -> list[str] | None:
    """The types that a ``type`` names, each once; None if it is not one or several of JSON Schema's seven."""
    one = string_of(raw)
    names = [one] if one is not None else names_of(raw)
    if not names or not TYPES.issuperset(names):
        return None
    return list(dict.fromkeys(names))


def type_of(value: Raw) -> str:
    """The narrowest type that a value has."""
    if is_number(value):
        return "integer" if _FRACTION.isdisjoint(bytes(value)) else "number"
    return _TYPE_BY_START[memoryview(value)[0]]


def raw(value: object) -> Raw:
    """`value` as JSON."""
    return Raw(_encode(value))


def shown(name: str) -> str:
    """`name`, no longer than a note should be."""
    return name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"


def _number_of(value: Raw) -> float:
    """The number; -1 if the value is none, or one that is out of range."""
    try:
        return _decode_number(value)
    except UNREADABLE:
        return -1


def _is_count(value: Raw) -> bool:
    number = _number_of(value)
    return number >= 0 and number.is_integer()


def _is_positive(value: Raw) -> bool:
    return _number_of(value) > 0


def _is_names(value: Raw) -> bool:
    names = names_of(value)
    return names is not None and len(names) == len(set(names))


def _is_names_by_name(value: Raw) -> bool:
    fields = fields_of(value)
    return fields is not None and all(map(_is_names, fields.values()))


def _is_filled_list(value: Raw) -> bool:
    return bool(list_of(value))


FORMS: Mapping[str, Callable[[Raw], bool]] = {
    **dict.fromkeys(
        (
            "$anchor",
            "$comment",
            "$dynamicAnchor",
            "$dynamicRef",
            "$id",
            "$ref",
            "$schema",
            "contentEncoding",
            "contentMediaType",
            "description",
            "format",
            "pattern",
            "title",
        ),
        is_string,
    ),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), is_number),
    **dict.fromkeys(
        (
            "maxContains",
            "maxItems",
            "maxLength",
            "maxProperties",
            "minContains",
            "minItems",
            "minLength",
            "minProperties",
        ),
        _is_count,
    ),
    **dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), is_boolean),
    "multipleOf": _is_positive,
    "dependentRequired": _is_names_by_name,
    "enum": _is_filled_list,
    "examples": is_list,
}
"""Keywords with a plain value, and whether a value has their form. A value of another form is refused upstream
(``None is not of type 'array'``, peers.md pain 16). ``type`` and ``required`` are looked at where they are mended."""
