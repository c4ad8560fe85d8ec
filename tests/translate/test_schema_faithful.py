"""Schemas as the client gave them, mended where upstream would refuse them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.e2e.mcp_server import SCHEMAS
from tests.translate.schemas import CODEX, EMPTY_OBJECT, NO_REFERENCES, raw, value, with_property
from turnout.protocol.capabilities import Capabilities
from turnout.translate.schema.faithful import mend

STRING = {"type": "string"}


def mended(schema: object, capabilities: Capabilities = CODEX) -> tuple[Any, list[str]]:
    """The schema as it is sent, and the notes as ``action place``."""
    sent, notes = mend(raw(schema), capabilities, "in")
    return value(sent), [f"{note.action} {note.place}" for note in notes]


def mended_property(schema: object, capabilities: Capabilities = CODEX, **others: object) -> tuple[Any, list[str]]:
    """The same for the one parameter of a tool."""
    sent, notes = mended(with_property(schema, **others), capabilities)
    return sent["properties"]["p"], [note.replace("in.properties.p", "p") for note in notes]


UNTOUCHED = [
    b'{ "type": "object",\n "properties": {} }',
    b'{"type":"object","properties":{"n":{"type":"number","default":1.50,"maximum":123456789012345678901234567890}}}',
    b'{"properties":{"p":{"enum":["a",null,1e2]},"q":{"const":{"b":[1.0]}},"r":{}},"type":"object"}',
    b'{"type":"object","properties":{"p":{"oneOf":[{"type":"string"},{"type":"null"}]},"q":{"not":{"const":1}}}}',
    b'{"type":"object","properties":{"p":{"type":["string","null"],"format":"date","pattern":"^[0-9-]+$"}}}',
    b'{"type":"object","properties":{"p":{"type":"array","prefixItems":[{"type":"string"}],"items":false}}}',
    b'{"type":"object","properties":{"p":{}},"patternProperties":{"^x-":{"minimum":0}},"additionalProperties":false}',
    b'{"type":"object","properties":{"p":{}},"if":{"required":["p"]},"then":{"minProperties":1},"else":{}}',
    b'{"type":"object","properties":{"p":{"$ref":"#/$defs/n"}},"$defs":{"n":{"properties":{"n":{"$ref":"#/$defs/n"}}}}}',
    b'{"type":"object","properties":{"p":{"$ref":"#/definitions/n","description":"d"}},"definitions":{"n":{}}}',
    b'{"type":"object","properties":{"p":{"anyOf":[{"required":["a"]},{"required":["b"]}],"properties":{"a":{},"b":{}}}}}',
    b'{"type":"object","properties":{"p":{"nullable":true,"x-vendor":null,"dependencies":{"a":["b"],"c":{}}}}}',
    b'{"type":"object","properties":{"$schema":{"type":"string"},"$id":{"type":"string"},"pattern":{"type":"string"}}}',
]


@pytest.mark.parametrize("schema", UNTOUCHED)
def test_a_schema_that_upstream_takes_leaves_byte_for_byte(schema: bytes) -> None:
    sent, notes = mend(Raw(schema), CODEX, "in")
    assert bytes(sent) == schema
    assert notes == []


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_awkward_schemas_of_real_servers_keep_all_that_they_say(schema: dict[str, Any]) -> None:
    said = {key: inner for key, inner in schema.items() if key not in ("$schema", "$id")}
    assert mended(schema) == ({"properties": {}, **said}, [])


def test_only_what_changes_is_written_anew() -> None:
    schema = b'{"type":"object", "properties":{"a": { "type" : "string" },"b":{"pattern":"(?=a)", "default":1.0}}}'
    sent, _ = mend(Raw(schema), CODEX, "in")
    assert bytes(sent) == b'{"type":"object","properties":{"a":{ "type" : "string" },"b":{"default":1.0}}}'


# The top level


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": {}},
        {"type": ["object", "null"]},
        {"properties": None},
        {"properties": []},
    ],
)
def test_the_top_level_is_an_object_with_properties(schema: dict[str, Any]) -> None:
    assert mended(schema) == (EMPTY_OBJECT, [])


@pytest.mark.parametrize("kind", ["string", "any", None, 3])
def test_a_top_level_of_another_type_becomes_an_object_and_is_told(kind: object) -> None:
    assert mended({"type": kind}) == (EMPTY_OBJECT, ["approximated in.type"])


def test_properties_that_hold_no_schemas_are_left_out_and_told() -> None:
    assert mended({"type": "object", "properties": "text"}) == (EMPTY_OBJECT, ["dropped in.properties"])
    assert mended_property({"type": "object", "properties": []}) == ({"type": "object", "properties": {}}, [])


@pytest.mark.parametrize("garbage", [None, True, False, 3, "text", [], [{}]])
def test_what_is_no_schema_takes_every_object(garbage: object) -> None:
    assert mended(garbage) == (EMPTY_OBJECT, ["approximated in"])


def test_schema_and_id_are_taken_out_at_every_depth_without_a_word() -> None:
    schema = with_property({"$id": "p", "$schema": "s", "type": "string"}) | {"$schema": "s", "$id": "i"}
    assert mended(schema) == (with_property(STRING), [])


# Names that are required


@pytest.mark.parametrize("required", [None, []])
def test_required_null_is_an_empty_list(required: object) -> None:
    assert mended({**EMPTY_OBJECT, "required": required}) == ({**EMPTY_OBJECT, "required": []}, [])
    assert mended_property({"required": None}) == ({"required": []}, [])


def test_required_names_only_properties() -> None:
    schema, notes = mended(with_property(STRING, required=["p", "q", "p", 3]))
    assert schema["required"] == ["p"]
    assert notes == ["approximated in.required"]
    _, told = mend(raw(with_property(STRING, required=["q", "p", "r"])), CODEX, "in")
    assert str(told[0]) == "in.required: no such property: q, r"
    _, notes = mended_property({"properties": {}, "required": ["a"], "dependentSchemas": 3})
    assert notes == ["dropped p.dependentSchemas", "approximated p.required"]


def test_a_name_required_where_another_part_declares_it_is_kept() -> None:
    branch = {"properties": {"kind": {"const": "a"}}, "required": ["kind", "path"]}
    around = {"properties": {"path": STRING}, "anyOf": [branch]}
    inside = {"properties": {"path": STRING}, "required": ["path", "kind"], "allOf": [{"properties": {"kind": {}}}]}
    dependent = {"properties": {"a": {}}, "required": ["b"], "dependentSchemas": {"a": {"properties": {"b": {}}}}}
    referred = {"properties": {"a": {}}, "required": ["b"], "allOf": [{"$ref": "#/$defs/b"}]}
    by_pattern = {"properties": {"a": {}}, "patternProperties": {"^x-": {}}, "required": ["x-1"]}
    unnamed = {"type": "object", "required": ["PATH"], "additionalProperties": STRING}
    for schema in (around, inside, dependent, referred, by_pattern, unnamed):
        definitions = {"b": {"properties": {"b": {}}}}
        assert mended_property(schema, **{"$defs": definitions}) == (schema, [])


def test_required_as_old_drafts_and_careless_servers_have_it_is_left_out() -> None:
    assert mended_property({"type": "string", "required": True}) == (STRING, ["dropped p.required"])


# Schemas inside


@pytest.mark.parametrize("garbage", [None, 3, "string", []])
def test_what_is_no_schema_inside_takes_every_value(garbage: object) -> None:
    assert mended_property(garbage) == ({}, ["approximated p"])
    assert mended_property({"anyOf": [STRING, garbage]}) == ({"anyOf": [STRING, {}]}, ["approximated p.anyOf[1]"])
    assert mended_property({"additionalProperties": garbage})[0] == {"additionalProperties": {}}


def test_boolean_schemas_are_written_out_where_they_are_rare() -> None:
    assert mended_property(True) == ({}, [])
    assert mended_property(False) == ({"not": {}}, [])
    usual = {"items": False, "additionalProperties": True, "unevaluatedProperties": False}
    assert mended_property(usual) == (usual, [])


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
        ({"type": "array", "prefixItems": [STRING]}, {"type": "array", "prefixItems": [STRING], "items": {}}),
    ],
)
def test_an_array_says_what_it_holds(schema: object, sent: object) -> None:
    assert mended_property(schema) == (sent, [])
    assert mended_property({"anyOf": [schema]}) == ({"anyOf": [sent]}, [])


@pytest.mark.parametrize(
    ("keyword", "garbage"),
    [
        ("type", "any"),
        ("type", []),
        ("type", ["string", "any"]),
        ("enum", "a"),
        ("enum", []),
        ("anyOf", []),
        ("oneOf", {}),
        ("prefixItems", None),
        ("properties", 3),
        ("$defs", None),
        ("description", None),
        ("format", 3),
        ("minLength", "3"),
        ("maxItems", -1),
        ("maxItems", 1.5),
        ("minimum", "0"),
        ("multipleOf", 0),
        ("uniqueItems", "yes"),
        ("examples", "one"),
        ("dependentRequired", {"a": "b"}),
        ("pattern", 3),
    ],
)
def test_a_keyword_with_a_value_that_it_cannot_have_is_left_out(keyword: str, garbage: object) -> None:
    assert mended_property({"title": "T", keyword: garbage}) == ({"title": "T"}, [f"dropped p.{keyword}"])


def test_a_type_named_twice_is_named_once() -> None:
    assert mended_property({"type": ["string", "null", "string"]}) == ({"type": ["string", "null"]}, [])


def test_what_older_drafts_said_otherwise_is_said_as_today() -> None:
    assert mended_property({"items": [STRING], "additionalItems": False}) == (
        {"prefixItems": [STRING], "items": False},
        ["mapped p.items"],
    )
    assert mended_property({"minimum": 3, "exclusiveMinimum": True}) == (
        {"exclusiveMinimum": 3},
        ["mapped p.exclusiveMinimum"],
    )
    assert mended_property({"maximum": 3, "exclusiveMaximum": False}) == (
        {"maximum": 3},
        ["mapped p.exclusiveMaximum"],
    )


def test_patterns_that_upstream_cannot_read_are_left_out_and_the_property_stays() -> None:
    assert mended_property({"type": "string", "pattern": r"^\p{L}+$"}) == (STRING, ["dropped p.pattern"])
    assert mended_property({"type": "string", "pattern": "^(?!a)"}) == (STRING, ["dropped p.pattern"])
    assert mended_property({"patternProperties": {"(?=a)": STRING, "^b": STRING}}) == (
        {"patternProperties": {"^b": STRING}},
        ["dropped p.patternProperties.(?=a)"],
    )
    named = {"properties": {"(?=a)": STRING}}
    assert mended_property(named) == (named, [])


def test_enum_beside_oneof_is_left_out_if_it_says_the_same() -> None:
    branches = [{"const": "a", "description": "A"}, {"const": "b"}]
    assert mended_property({"enum": ["b", "a"], "oneOf": branches}) == ({"oneOf": branches}, ["mapped p.enum"])
    for other in ({"enum": ["a"], "oneOf": branches}, {"enum": ["a"], "oneOf": [{"const": "a"}, {}]}):
        assert mended_property(other) == (other, [])
    assert mended_property({"enum": ["a"], "oneOf": [3]})[0] == {"enum": ["a"], "oneOf": [{}]}


# Capabilities


def refusing(*keywords: str) -> Capabilities:
    refused = CODEX.refused_schema_keywords.union(keywords)
    return msgspec.structs.replace(CODEX, refused_schema_keywords=refused)


def test_keywords_that_the_upstream_refuses_are_left_out() -> None:
    schema = {"type": "string", "format": "date", "not": {"const": "x"}}
    assert mended_property(schema, refusing("format", "not")) == (STRING, ["dropped p.format", "dropped p.not"])
    assert mended_property({"type": "string", "format": "date"}, refusing("format")) == (STRING, ["dropped p.format"])
    assert mended_property(False, refusing("not")) == ({}, ["dropped p.not"])


def test_keywords_that_the_upstream_refuses_are_said_by_others_where_that_is_possible() -> None:
    branches = [STRING, {"type": "null"}]
    assert mended_property({"oneOf": branches}, refusing("oneOf")) == ({"anyOf": branches}, ["mapped p.oneOf"])
    assert mended_property({"const": "x"}, refusing("const")) == ({"enum": ["x"]}, ["mapped p.const"])
    assert mended_property({"oneOf": branches}, refusing("oneOf", "anyOf")) == ({}, ["dropped p.oneOf"])
    both = {"oneOf": branches, "anyOf": branches}
    assert mended_property(both, refusing("oneOf")) == ({"anyOf": branches}, ["dropped p.oneOf"])


def test_combinators_stay_at_the_top_level_of_an_upstream_that_takes_them() -> None:
    tolerant = msgspec.structs.replace(CODEX, refused_root_keywords=frozenset())
    schema = {**EMPTY_OBJECT, "anyOf": [{"required": ["a"]}], "enum": [{}]}
    assert mended(schema, tolerant) == (schema, [])
    plain = msgspec.structs.replace(CODEX, refused_root_keywords=frozenset({"description"}))
    assert mended({**EMPTY_OBJECT, "description": "d"}, plain) == (EMPTY_OBJECT, ["dropped in.description"])


def test_references_are_replaced_for_an_upstream_that_takes_none() -> None:
    schema = with_property({"$ref": "#/$defs/day", "description": "when"}) | {"$defs": {"day": STRING}}
    assert mended(schema, NO_REFERENCES) == (with_property({**STRING, "description": "when"}), ["mapped in"])


def test_a_reference_that_leads_nowhere_is_left_out() -> None:
    for reference in ("#/$defs/gone", "https://example.com/other", "#anchor", 3):
        assert mended_property({"$ref": reference, "title": "T"}) == ({"title": "T"}, ["dropped p.$ref"])


def test_a_reference_to_elsewhere_than_the_definitions_is_replaced() -> None:
    schema = {"type": "object", "properties": {"a": STRING, "b": {"$ref": "#/properties/a"}}}
    assert mended(schema) == ({"type": "object", "properties": {"a": STRING, "b": STRING}}, ["mapped in"])


def test_a_reference_by_the_schemas_own_id_is_made_local() -> None:
    schema = with_property({"$ref": "https://example.com/s#/$defs/n"}) | {
        "$id": "https://example.com/s",
        "$defs": {"n": STRING},
    }
    assert mended(schema) == (with_property({"$ref": "#/$defs/n"}) | {"$defs": {"n": STRING}}, [])


def test_notes_show_names_of_a_bearable_length() -> None:
    _, notes = mended({"type": "object", "properties": {"n" * 500: None}})
    assert len(notes[0]) < 120
