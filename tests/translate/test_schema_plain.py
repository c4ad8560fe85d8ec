"""Schemas that need no closer look, and those that do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate.schemas import EMPTY_OBJECT, raw, with_property
from turnout.translate.schema.plain import KEYWORDS, ROOT_KEYWORDS, as_sent, is_plain


@pytest.mark.parametrize(
    "schema",
    [
        EMPTY_OBJECT,
        {**EMPTY_OBJECT, "description": "words", "title": "T", "additionalProperties": False, "required": []},
        with_property({"type": "string", "enum": ["a", None], "default": None, "minLength": 0, "format": "uri"}),
        with_property({"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991, "const": 4}),
        with_property({"type": "number", "minimum": -0.5}, required=["p"]),
        with_property({"type": "array", "items": {"type": "boolean"}, "maxItems": 4, "uniqueItems": True}),
        with_property({"type": "array", "items": False}),
        with_property(
            {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {"type": "null"}}
        ),
        with_property({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
    ],
)
def test_the_usual_kind_is_plain(schema: dict[str, Any]) -> None:
    assert is_plain(raw(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": {}},
        {**EMPTY_OBJECT, "type": "string"},
        {**EMPTY_OBJECT, "enum": [{}]},
        {**EMPTY_OBJECT, "anyOf": [{}]},
        {**EMPTY_OBJECT, "$schema": "x"},
        {**EMPTY_OBJECT, "required": ["missing"]},
        {**EMPTY_OBJECT, "required": None},
        with_property({}),
        with_property(True),
        with_property(None),
        with_property({"type": ["string", "null"]}),
        with_property({"type": "any"}),
        with_property({"type": "string", "pattern": "a"}),
        with_property({"type": "string", "minLength": -1}),
        with_property({"type": "string", "minLength": "1"}),
        with_property({"type": "string", "enum": []}),
        with_property({"type": "string", "description": None}),
        with_property({"type": "string", "$ref": "#"}),
        with_property({"type": "integer", "exclusiveMinimum": True}),
        with_property({"type": "array"}),
        with_property({"type": "array", "items": {"type": "array"}}),
        with_property({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}),
        with_property({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "a"]}),
        with_property({"type": "object", "additionalProperties": {"type": "array"}}),
    ],
)
def test_anything_unusual_is_not(schema: dict[str, Any]) -> None:
    assert not is_plain(raw(schema))


def test_the_keywords_are_known_so_that_capabilities_can_refuse_them() -> None:
    assert {"type", "properties", "items", "enum", "const", "format", "minimum", "maxLength"} <= KEYWORDS
    assert {"type", "properties", "required", "additionalProperties", "title", "description"} == ROOT_KEYWORDS


def test_the_dialect_of_a_usual_schema_is_left_out_where_upstream_does_not_take_it() -> None:
    usual = {**EMPTY_OBJECT, "description": "words"}
    named = raw({"$schema": "https://json-schema.org/draft/2020-12/schema", **usual})
    assert as_sent(bytes(named), named=False) == bytes(raw(usual))
    assert as_sent(bytes(named), named=True) == bytes(named)
    assert as_sent(bytes(raw(usual)), named=False) == bytes(raw(usual))
    assert as_sent(bytes(raw({**usual, "$schema": 7})), named=True) is None
    assert as_sent(bytes(raw({**usual, "anyOf": []})), named=False) is None
