"""The top level of a schema: combinators are merged into one object, since upstream takes none there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate.schemas import CODEX, EMPTY_OBJECT, raw, value
from turnout.protocol.fidelity import Note
from turnout.translate.schema.faithful import mend

A, B, C = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def merged(schema: dict[str, Any]) -> tuple[Any, list[Note]]:
    sent, notes = mend(raw(schema), CODEX, "in")
    return value(sent), notes


def actions(notes: list[Note]) -> list[str]:
    return [f"{note.action} {note.place}" for note in notes]


def test_the_parts_of_all_of_become_one_object() -> None:
    sent, notes = merged(
        {
            "properties": {"a": A},
            "required": ["a"],
            "allOf": [{"properties": {"b": B}, "required": ["b"]}, {"type": "object", "properties": {"c": C}}],
        }
    )
    assert sent == {"type": "object", "properties": {"a": A, "b": B, "c": C}, "required": ["a", "b"]}
    assert actions(notes) == ["mapped in.allOf"]


@pytest.mark.parametrize("key", ["anyOf", "oneOf"])
def test_alternatives_become_one_object_that_requires_what_all_of_them_do(key: str) -> None:
    sent, notes = merged(
        {
            key: [
                {"properties": {"kind": {"const": "a"}, "a": A}, "required": ["kind", "a"]},
                {"properties": {"kind": {"const": "b"}, "b": B}, "required": ["kind", "b"]},
            ]
        }
    )
    assert sent["properties"] == {"kind": {"anyOf": [{"const": "a"}, {"const": "b"}]}, "a": A, "b": B}
    assert sent["required"] == ["kind"]
    assert key not in sent
    assert actions(notes) == [f"approximated in.{key}"]


def test_the_model_is_told_which_fields_the_alternatives_want() -> None:
    sent, _ = merged(
        {
            "description": "Finds things.",
            "properties": {"id": A, "kind": A, "task": A, "name": A},
            "required": ["id"],
            "anyOf": [{"required": ["id", "kind"]}, {"required": ["task", "name"]}],
        }
    )
    assert sent["description"] == "Finds things. Give one of these, besides what is required: kind; task and name."
    assert sent["required"] == ["id"]
    free, _ = merged({"properties": {"a": A}, "anyOf": [{"required": ["a"]}, {}]})
    assert "description" not in free


def test_of_alternatives_only_what_all_of_them_say_is_kept() -> None:
    sent, _ = merged({"anyOf": [{"minProperties": 1, "maxProperties": 3}, {"minProperties": 1, "maxProperties": 4}]})
    assert sent == {**EMPTY_OBJECT, "minProperties": 1}


def test_a_closed_object_stays_closed_and_closed_parts_do_not_exclude_each_other() -> None:
    closed = {"additionalProperties": False}
    alternatives = {"properties": {"a": A}, "anyOf": [{"required": ["a"]}], **closed}
    assert merged(alternatives)[0]["additionalProperties"] is False
    parts = {"allOf": [{"properties": {"a": A}, **closed}, {"properties": {"b": B}, **closed}]}
    assert merged(parts)[0]["additionalProperties"] is False
    half = {"properties": {"a": A}, "allOf": [{"properties": {"b": B}, **closed}]}
    assert "additionalProperties" not in merged(half)[0]
    other = {"properties": {"a": A}, **closed, "allOf": [{"properties": {"b": B}}]}
    assert "additionalProperties" not in merged(other)[0]


def test_a_property_that_parts_describe_differently_has_to_be_as_both_say() -> None:
    sent, _ = merged({"properties": {"a": A, "b": B}, "allOf": [{"properties": {"a": {"minLength": 1}, "b": B}}]})
    assert sent["properties"] == {"a": {"allOf": [A, {"minLength": 1}]}, "b": B}


def test_combinators_inside_combinators_are_merged_too() -> None:
    sent, _ = merged({"allOf": [{"oneOf": [{"properties": {"a": A}}, {"allOf": [{"properties": {"b": B}}]}]}]})
    assert sent == {"type": "object", "properties": {"a": A, "b": B}}


def test_alternatives_that_are_no_objects_count_for_nothing() -> None:
    sent, notes = merged({"oneOf": [{"type": "null"}, {"type": "string"}, True, {"properties": {"a": A}}]})
    assert sent == {"type": "object", "properties": {"a": A}}
    assert actions(notes) == ["approximated in.oneOf"]


@pytest.mark.parametrize("key", ["enum", "not"])
def test_what_cannot_be_merged_is_left_out(key: str) -> None:
    sent, notes = merged({**EMPTY_OBJECT, key: [{}] if key == "enum" else {"required": ["x"]}})
    assert sent == EMPTY_OBJECT
    assert actions(notes) == [f"dropped in.{key}"]


def test_a_keyword_that_several_parts_have_is_said_once_and_told() -> None:
    sent, notes = merged({"minProperties": 1, "allOf": [{"minProperties": 2, "title": "T"}]})
    assert sent == {**EMPTY_OBJECT, "minProperties": 1, "title": "T"}
    assert actions(notes) == ["approximated in.allOf"]
    condition = {"if": {"required": ["a"]}, "allOf": [{"then": {"required": ["b"]}}]}
    assert "then" not in merged(condition)[0]


def test_a_top_level_reference_is_replaced_by_the_object_that_it_points_to() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    sent, _ = merged({"$ref": "#/$defs/node", "$defs": {"node": node}})
    assert sent == {**node, "$defs": {"node": node}}


def test_references_in_the_parts_are_followed() -> None:
    definitions = {"a": {"properties": {"a": A}}, "both": {"allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": B}}]}}
    sent, _ = merged({"anyOf": [{"$ref": "#/$defs/both"}], "$defs": definitions})
    assert sent["properties"] == {"a": A, "b": B}


def test_a_schema_that_is_made_of_itself_comes_to_an_end() -> None:
    sent, _ = merged({"$ref": "#", "properties": {"a": A}})
    assert sent["properties"] == {"a": A}
    sent, _ = merged({"allOf": [{"$ref": "#"}], "properties": {"a": A}})
    assert sent["properties"]["a"] == A
