"""The strict form, rule by rule of the Claudex document (Tool Schema Normalization), and what comes on top."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.translate.schemas import CODEX, EMPTY_OBJECT, raw, value, with_property
from turnout.protocol.capabilities import Capabilities
from turnout.translate.schema.strict import Strict, normalise

STRING = {"type": "string"}
SHELL = {"type": "object", "additionalProperties": False}
"""What is left of a schema that says nothing that the strict form can say."""


def closed(*optional: str, **properties: object) -> dict[str, Any]:
    """An object in the strict form; `optional` properties are not in ``required``."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def made(schema: object, capabilities: Capabilities = CODEX) -> Strict:
    return normalise(raw(schema), capabilities, "in")


def normal(schema: object, capabilities: Capabilities = CODEX) -> Any:
    """The strict form of a tool's schema."""
    return value(made(schema, capabilities).schema)


def normal_property(schema: object, capabilities: Capabilities = CODEX) -> Any:
    """The strict form of a required parameter."""
    return normal(with_property(schema, required=["p"]), capabilities)["properties"]["p"]


def notes(schema: object) -> list[str]:
    return [str(note).removeprefix("in.properties.") for note in made(schema).notes]


# Bottom-up, at every node


def test_nodes_are_normalised_at_every_depth() -> None:
    inner = {"properties": {"x": {"type": "string", "format": "uri"}}, "required": ["x"], "$schema": "s"}
    once = closed(x=STRING)
    assert normal_property(inner) == once
    assert normal_property({"type": "array", "items": inner}) == {"type": "array", "items": once}
    assert normal_property({"anyOf": [inner, STRING]}) == {"anyOf": [once, STRING]}
    assert normal_property({"type": "object", "additionalProperties": inner})["additionalProperties"] == once
    deep = {"type": "array", "items": {"properties": {"y": {"anyOf": [{"type": "array", "items": inner}]}}}}
    assert normal_property(deep)["items"]["properties"]["y"]["anyOf"][0] == {"type": "array", "items": once}


def test_a_missing_type_is_object_where_properties_exist() -> None:
    assert normal_property({"properties": {"x": STRING}, "required": ["x"]}) == closed(x=STRING)


def test_a_missing_type_is_array_where_items_exist() -> None:
    assert normal_property({"items": STRING}) == {"type": "array", "items": STRING}


@pytest.mark.parametrize("schema", [{}, True, {"description": "anything"}, {"type": "any"}, {"type": None}])
def test_a_missing_type_is_object_otherwise(schema: object) -> None:
    described = {"description": "anything"} if schema == {"description": "anything"} else {}
    assert normal(with_property(schema)) == closed("p", p={**described, **SHELL})


def test_a_missing_type_never_contradicts_what_else_is_said() -> None:
    assert normal_property({"enum": ["a", "b"]}) == {"type": "string", "enum": ["a", "b"]}
    assert normal_property({"enum": [1, 2.5, None]}) == {
        "type": ["integer", "number", "null"],
        "enum": [1, 2.5, None],
    }
    assert normal_property({"const": True}) == {"type": "boolean", "const": True}
    assert normal_property({"anyOf": [STRING, {"type": "null"}]}) == {"anyOf": [STRING, {"type": "null"}]}
    assert normal_property({"type": "string", "anyOf": [{"enum": ["a"]}, {"description": "or any"}]}) == {
        "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "description": "or any"}]
    }


# required


def test_required_is_every_property_that_is_counted() -> None:
    schema = {"type": "object", "properties": {"a": STRING, "b": STRING}, "required": ["b", "gone", 3]}
    assert normal(schema)["required"] == ["a", "b"]
    assert normal_property(schema)["required"] == ["a", "b"]
    assert normal({"type": "object", "properties": {"a": STRING}, "required": None})["required"] == ["a"]


def test_maps_stay_optional() -> None:
    record = {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}
    sent = {"type": "object", "additionalProperties": STRING}
    assert normal(with_property(record, required=["p"])) == closed("p", p=sent)
    assert normal(with_property({**record, "properties": {}}, required=["p"]))["required"] == []
    assert normal(with_property({**record, "type": ["object", "null"]}))["required"] == []


@pytest.mark.parametrize("others", [True, False, None])
def test_an_object_of_any_names_is_no_map(others: object) -> None:
    assert normal(with_property({"type": "object", "additionalProperties": others})) == closed("p", p=SHELL)


@pytest.mark.parametrize("key", ["oneOf", "allOf"])
def test_empty_shells_left_behind_by_stripping_stay_optional(key: str) -> None:
    assert normal(with_property({key: [STRING, {"properties": {"a": STRING}}]}, required=["p"])) == closed("p", p=SHELL)


def test_an_object_that_is_meant_to_be_empty_stays_required() -> None:
    for empty in ({}, []):
        assert normal(with_property({"type": "object", "properties": empty}, required=["p"])) == closed(p=closed())


# additionalProperties


@pytest.mark.parametrize("others", [None, True, False, STRING, {}])
def test_additional_properties_are_false_on_every_object_that_is_no_map(others: object) -> None:
    schema = {"type": "object", "properties": {"x": STRING}, "required": ["x"]}
    if others is not None:
        schema["additionalProperties"] = others
    assert normal(schema) == closed(x=STRING)
    assert normal_property(schema) == closed(x=STRING)


# Keywords


def test_only_accepted_keywords_are_kept() -> None:
    kept = {
        "type": "string",
        "description": "d",
        "enum": ["a"],
        "const": "a",
        "default": "a",
        "nullable": False,
        "title": "T",
    }
    assert normal_property(kept) == kept


@pytest.mark.parametrize(
    "keyword",
    [
        "format",
        "$schema",
        "$id",
        "examples",
        "pattern",
        "minLength",
        "maxLength",
        "contentEncoding",
        "contentMediaType",
        "patternProperties",
        "$defs",
        "definitions",
        "if",
        "then",
        "else",
        "not",
        "oneOf",
        "allOf",
        "minimum",
        "uniqueItems",
        "x-vendor",
    ],
)
def test_unsupported_keywords_are_stripped(keyword: str) -> None:
    assert normal_property({"type": "string", keyword: {}}) == STRING


def test_what_is_stripped_is_told_if_it_said_something() -> None:
    assert notes(with_property({"type": "string", "format": "uri", "maxLength": 3})) == [
        "p: the strict form leaves out format, maxLength"
    ]
    assert notes(with_property({"type": "string", "$comment": "c", "examples": []}) | {"$schema": "s"}) == []


def test_what_the_strict_form_cannot_say_is_told() -> None:
    names = "the strict form has no properties of names that are not listed"
    assert notes(with_property({"type": "object"})) == [f"p: {names}"]
    assert notes(with_property({"properties": {}, "additionalProperties": True})) == [f"p: {names}"]
    assert notes(with_property({"properties": {}, "additionalProperties": False})) == []
    assert notes(with_property({"type": "object", "additionalProperties": False})) == []
    for garbage in (None, 3, [], False):
        assert notes(with_property(garbage))[0] == "p: it is no schema that the strict form can say"
    assert notes(with_property({"type": "any"}))[0] == "p.type: it is none of JSON Schema's types"


def test_keywords_that_the_upstream_refuses_are_stripped_as_well() -> None:
    refusing = msgspec.structs.replace(CODEX, refused_schema_keywords=frozenset({"default"}))
    assert normal_property({"type": "string", "default": "a"}, refusing) == STRING


def test_a_reference_is_replaced_by_what_it_points_to() -> None:
    schema = with_property({"$ref": "#/$defs/day"}, required=["p"]) | {"$defs": {"day": {**STRING, "format": "date"}}}
    assert normal(schema) == closed(p=STRING)


@pytest.mark.parametrize("keyword", ["description", "title", "nullable", "enum"])
def test_a_keyword_with_a_value_that_it_cannot_have_is_stripped(keyword: str) -> None:
    assert normal_property({"type": "string", keyword: 3}) == STRING


# Optional parameters


def optional(schema: object) -> Any:
    return normal(with_property(schema))["properties"]["p"]


def test_optional_parameters_are_made_nullable() -> None:
    null = {"type": "null"}
    assert optional(STRING) == {"type": ["string", "null"]}
    assert optional({"type": ["integer", "string"]}) == {"type": ["integer", "string", "null"]}
    assert optional({"anyOf": [STRING, {"type": "integer"}]}) == {"anyOf": [STRING, {"type": "integer"}, null]}
    assert optional({"type": "array", "items": STRING, "description": "d"}) == {
        "description": "d",
        "anyOf": [{"type": "array", "items": STRING}, null],
    }
    assert optional({"properties": {}}) == {"anyOf": [closed(), null]}


def test_the_values_of_enum_and_const_stay_as_they_are() -> None:
    assert optional({"type": "string", "enum": ["a", "b"], "default": "a"}) == {
        "default": "a",
        "anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}],
    }
    assert optional({"const": "a"}) == {"anyOf": [{"type": "string", "const": "a"}, {"type": "null"}]}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"type": "null"},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"anyOf": [STRING, {"type": "null"}]},
    ],
)
def test_parameters_that_take_null_are_left_as_they_are(schema: object) -> None:
    assert optional(schema) == schema


def test_required_parameters_are_not_made_nullable() -> None:
    assert normal_property(STRING) == STRING


# Arrays, and the top level


def test_an_array_of_listed_places_takes_any_of_them_everywhere() -> None:
    assert normal_property({"type": "array", "prefixItems": [STRING, {"type": "integer"}], "items": False}) == {
        "type": "array",
        "items": {"anyOf": [STRING, {"type": "integer"}]},
    }
    number = {"type": "number"}
    assert normal_property({"type": "array", "items": [number]}) == {"type": "array", "items": number}


@pytest.mark.parametrize("items", [{}, {"items": True}, {"items": False}, {"items": None}])
def test_an_array_of_anything_takes_strings_and_that_is_told(items: dict[str, Any]) -> None:
    assert normal_property({"type": "array", **items}) == {"type": "array", "items": STRING}
    assert len(notes(with_property({"type": "array", **items}))) == 1


def test_combinators_about_the_very_object_are_merged_into_it() -> None:
    branches = [{"properties": {"a": STRING}, "required": ["a"]}, {"properties": {"b": STRING}, "required": ["b"]}]
    both = {"type": ["string", "null"]}
    for key in ("anyOf", "oneOf"):
        assert normal({key: branches})["properties"] == {"a": both, "b": both}
    assert normal({"allOf": branches}) == closed(a=STRING, b=STRING)
    inside = normal_property({"type": ["object", "null"], "properties": {"c": STRING}, "anyOf": branches})
    assert inside["type"] == ["object", "null"]
    assert inside["required"] == ["c", "a", "b"]


@pytest.mark.parametrize("schema", [None, [], {}, {"type": "string"}, EMPTY_OBJECT])
def test_the_top_level_is_an_object(schema: object) -> None:
    assert normal(schema) == closed()


# strict: true


def test_strict_is_said_of_schemas_that_conform_only() -> None:
    assert made(with_property({"type": "string", "format": "uri"})).conforms
    assert not made(with_property({"type": "object", "additionalProperties": STRING})).conforms
    assert not made(with_property({"oneOf": [STRING]})).conforms
    assert not made({"type": "object", "additionalProperties": STRING}).conforms
    assert not made(with_property({"type": "array", "items": {}})).conforms
