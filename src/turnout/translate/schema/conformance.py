"""Whether upstream takes a schema with ``strict: true``. One that it does not take costs the whole request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.translate.schema import forms

if TYPE_CHECKING:
    from msgspec import Raw

    from turnout.translate.schema.forms import Fields

KEYWORDS = frozenset(
    {
        "additionalProperties",
        "anyOf",
        "const",
        "default",
        "description",
        "enum",
        "items",
        "nullable",
        "properties",
        "required",
        "title",
        "type",
    }
)
"""The keywords of the strict form (Claudex document, Tool Schema Normalization)."""
_LEVELS = 5
_PROPERTIES = 100
"""Objects and arrays inside of each other, and properties in all: the lowest limits that were ever reported (``6 levels
of nesting exceeds limit of 5``). A schema beyond them is sent without ``strict`` and loses little."""


def conforms(schema: Raw) -> bool:
    """Whether `schema`, a tool's parameters or an answer's format, holds to every rule of the strict form."""
    count = _Count()
    fields = forms.fields_of(schema)
    return (
        fields is not None
        and "anyOf" not in fields
        and forms.string_of(fields.get("type", forms.EMPTY)) == "object"
        and _node(fields, count, 1)
        and count.properties <= _PROPERTIES
    )


class _Count(msgspec.Struct):
    properties: int = 0


def _node(fields: Fields, count: _Count, level: int) -> bool:
    if level > _LEVELS or not KEYWORDS.issuperset(fields):
        return False
    if "anyOf" in fields and not _alternatives(fields["anyOf"], count, level):
        return False
    if "type" not in fields:
        return "anyOf" in fields
    types = forms.types_of(fields["type"])
    if types is None:
        return False
    if ("object" in types or "properties" in fields) and not _object(fields, count, level):
        return False
    return "array" not in types or ("items" in fields and _schema(fields["items"], count, level + 1))


def _schema(raw: Raw, count: _Count, level: int) -> bool:
    fields = forms.fields_of(raw)
    return fields is not None and _node(fields, count, level)


def _object(fields: Fields, count: _Count, level: int) -> bool:
    properties = forms.fields_of(fields["properties"]) if "properties" in fields else None
    if properties is None or not forms.is_false(fields.get("additionalProperties", forms.EMPTY)):
        return False
    required = forms.names_of(fields.get("required", forms.NO_NAMES))
    count.properties += len(properties)
    return (
        required is not None
        and len(required) == len(properties)
        and set(required) == properties.keys()
        and all(_schema(raw, count, level + 1) for raw in properties.values())
    )


def _alternatives(raw: Raw, count: _Count, level: int) -> bool:
    """Whether each one is in the strict form, and no two objects among them begin with the same property.

    The latter was refused as ``must not share identical first keys``.
    """
    firsts: set[str] = set()
    for branch in forms.list_of(raw) or (forms.EMPTY,):
        fields = forms.fields_of(branch)
        if fields is None or not _node(fields, count, level):
            return False
        for first in list(forms.fields_of(fields.get("properties", forms.EMPTY)) or ())[:1]:
            if first in firsts:
                return False
            firsts.add(first)
    return True
