"""Tells at a glance that a schema needs no mending. Knows schemas of the usual kind only; others need a closer look.

The usual kind is written down as a type, so that the decoder does the checking: a few microseconds for a tool.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from turnout.translate.schema import forms

DIALECT = "$schema"

_Count: TypeAlias = Annotated[int, Meta(ge=0)] | UnsetType
_Number: TypeAlias = float | UnsetType


class _Node(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", gc=False):
    """What a schema of any type may say."""

    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    default: Raw | UnsetType = UNSET
    enum: Annotated[list[Raw], Meta(min_length=1)] | UnsetType = UNSET
    const: Raw | UnsetType = UNSET
    examples: list[Raw] | UnsetType = UNSET
    format: str | UnsetType = UNSET


class _String(_Node, tag="string"):
    minLength: _Count = UNSET
    maxLength: _Count = UNSET


class _Numeric(_Node):
    minimum: _Number = UNSET
    maximum: _Number = UNSET
    exclusiveMinimum: _Number = UNSET
    exclusiveMaximum: _Number = UNSET


class _Float(_Numeric, tag="number"):
    pass


class _Integer(_Numeric, tag="integer"):
    pass


class _Boolean(_Node, tag="boolean"):
    pass


class _Null(_Node, tag="null"):
    pass


class _Array(_Node, kw_only=True, tag="array"):
    items: _Any | bool
    minItems: _Count = UNSET
    maxItems: _Count = UNSET
    uniqueItems: bool | UnsetType = UNSET


class _Object(_Node, tag="object"):
    properties: dict[str, _Any] | UnsetType = UNSET
    required: list[str] | UnsetType = UNSET
    additionalProperties: _Any | bool | UnsetType = UNSET
    propertyNames: _Any | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.required:
            _check_required(self.required, self.properties)


_Any = _String | _Float | _Integer | _Boolean | _Null | _Array | _Object


class _Root(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The top level, where less may stand."""

    type: Literal["object"]
    properties: dict[str, _Any]
    required: list[str] | UnsetType = UNSET
    additionalProperties: _Any | bool | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.required:
            _check_required(self.required, self.properties)


class _Named(_Root):
    """The same with the name of its dialect, as generators of schemas write it."""

    dialect: str | UnsetType = msgspec.field(default=UNSET, name=DIALECT)


def _check_required(required: list[str], properties: dict[str, _Any] | UnsetType) -> None:
    """Raises ValueError, which to the decoder means that the schema is not plain."""
    names = set(required)
    if len(names) < len(required):
        raise ValueError("required names a property twice")
    if properties is not UNSET and not names <= properties.keys():
        raise ValueError("required names what is no property")


_decode = msgspec.json.Decoder(_Root).decode
_decode_named = msgspec.json.Decoder(_Named).decode

KEYWORDS = frozenset({"type"}).union(*(kind.__struct_fields__ for kind in (_String, _Float, _Array, _Object)))
"""Every keyword that a plain schema may hold."""
ROOT_KEYWORDS = frozenset(_Root.__struct_fields__)
"""Those that may stand at its top level."""


def is_plain(schema: bytes | Raw) -> bool:
    """Whether `schema` is of the usual kind: an object with properties, of plain types, nothing amiss anywhere."""
    try:
        _decode(schema)
    except forms.UNREADABLE:
        return False
    return True


def as_sent(schema: bytes, *, named: bool) -> bytes | None:
    """`schema` as upstream gets it if it is of the usual kind, else None. `named`: its dialect may be named."""
    try:
        dialect = _decode_named(schema).dialect
    except forms.UNREADABLE:
        return None
    if named or dialect is UNSET:
        return schema
    fields = forms.fields_of(Raw(schema)) or {}
    return msgspec.json.encode({key: value for key, value in fields.items() if key != DIALECT})
