"""References: where they lead, and what stands in their place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate.schemas import CODEX, NO_REFERENCES, raw, value, with_property
from turnout.protocol.fidelity import Note
from turnout.translate.schema import forms
from turnout.translate.schema.faithful import mend
from turnout.translate.schema.references import References

STRING = {"type": "string"}
ROOT = {
    "$id": "https://example.com/s",
    "$defs": {"a/b": {"x": 1}, "c~d": {"x": 2}, "e f": {"x": 3}, "deep": {"properties": {"p": {"x": 4}}}},
    "definitions": {"old": {"x": 5}},
    "properties": {"p": {"anyOf": [{"x": 6}, {"x": 7}]}},
}


def references(root: object = ROOT) -> References:
    fields = forms.fields_of(raw(root))
    assert fields is not None
    return References(fields)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("#/$defs/a~1b", 1),
        ("#/$defs/c~0d", 2),
        ("#/$defs/e%20f", 3),
        ("#/$defs/deep/properties/p", 4),
        ("#/definitions/old", 5),
        ("#/properties/p/anyOf/0", 6),
        ("#/properties/p/anyOf/1", 7),
    ],
)
def test_pointers_are_followed(reference: str, found: int) -> None:
    target = references().find(reference)
    assert target is not None
    assert value(target) == {"x": found}


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "#a",
        "a",
        "#/",
        "#/$defs/none",
        "#/properties/p/anyOf/2",
        "#/properties/p/anyOf/-1",
        "#/properties/p/anyOf/" + "9" * 9999,
        "#/$defs/a~1b/x/y",
    ],
)
def test_what_is_not_there_is_not_found(reference: str) -> None:
    assert references().find(reference) is None


def test_the_root_is_found() -> None:
    target = references().find("#")
    assert target is not None
    assert value(target) == ROOT


def test_only_whole_definitions_and_the_root_may_stay() -> None:
    known = references()
    assert [known.is_definition(one) for one in ("#", "#/$defs/deep", "#/definitions/old")] == [True] * 3
    others = ("#/$defs/none", "#/$defs/deep/properties/p", "#/properties/p", "https://example.com/s#/$defs/deep")
    assert [known.is_definition(one) for one in others] == [False] * 4


def test_the_schemas_own_id_is_no_part_of_a_local_reference() -> None:
    known = references()
    assert known.local("https://example.com/s#/$defs/deep") == "#/$defs/deep"
    assert known.local("https://example.com/s") == "#"
    assert known.local("https://example.com/other#/a") == "https://example.com/other#/a"
    assert references({}).local("#/a") == "#/a"


def written_out(schema: object, **definitions: object) -> tuple[Any, list[Note]]:
    """A parameter's schema for an upstream that takes no references."""
    sent, notes = mend(raw(with_property(schema) | {"$defs": definitions}), NO_REFERENCES, "in")
    return value(sent)["properties"]["p"], notes


def test_a_chain_of_references_is_followed_to_its_end() -> None:
    sent, _ = written_out({"$ref": "#/$defs/a"}, a={"$ref": "#/$defs/b", "title": "A"}, b={"title": "B", **STRING})
    assert sent == {"type": "string", "title": "A"}


def test_what_stands_beside_a_reference_holds_as_well() -> None:
    assert written_out({"$ref": "#/$defs/a", "maxLength": 3}, a=STRING)[0] == {"type": "string", "maxLength": 3}
    clash = {"$ref": "#/$defs/a", "maxLength": 3, "allOf": [{"minLength": 1}]}
    assert written_out(clash, a={"maxLength": 5})[0] == {"maxLength": 3, "allOf": [{"minLength": 1}, {"maxLength": 5}]}
    tied = {"$ref": "#/$defs/a", "then": {"maxLength": 3}}
    assert written_out(tied, a={"if": STRING})[0] == {"then": {"maxLength": 3}, "allOf": [{"if": STRING}]}


@pytest.mark.parametrize(("target", "sent"), [(True, {"title": "T"}), (False, {"title": "T", "not": {}})])
def test_a_definition_may_be_a_boolean(target: bool, sent: object) -> None:
    assert written_out({"$ref": "#/$defs/a", "title": "T"}, a=target)[0] == sent


def test_a_schema_that_repeats_itself_is_written_out_twice_and_cut_off() -> None:
    node = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    sent, notes = written_out({"$ref": "#/$defs/node"}, node=node)
    leaf = {"type": "object", "properties": {"children": {"type": "array", "items": {"type": "object"}}}}
    assert sent == {"type": "object", "properties": {"children": {"type": "array", "items": leaf}}}
    assert [note.action for note in notes] == ["approximated", "mapped"]


def test_siblings_may_use_a_definition_any_number_of_times() -> None:
    sent, notes = written_out({"prefixItems": [{"$ref": "#/$defs/a"}] * 5}, a=STRING)
    assert sent["prefixItems"] == [STRING] * 5
    assert [note.action for note in notes] == ["mapped"]


def test_no_definitions_are_sent_where_no_reference_is_taken() -> None:
    sent, _ = mend(raw(with_property(STRING) | {"$defs": {"a": {}}, "definitions": {"b": {}}}), NO_REFERENCES, "in")
    assert value(sent) == with_property(STRING)


def test_definitions_are_mended_where_references_are_taken() -> None:
    sent, notes = mend(raw(with_property({"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "array"}}}), CODEX, "in")
    assert value(sent)["$defs"] == {"a": {"type": "array", "items": {}}}
    assert notes == []
