"""What holds of every schema, whatever it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.translate.schemas import (
    CODEX,
    JSON,
    NO_REFERENCES,
    SOUND,
    WILD,
    check_meta_schema,
    raw,
    takes,
    value,
    with_property,
)
from turnout.protocol.capabilities import Capabilities
from turnout.simulator.check_tools import check_parameters
from turnout.translate.schema import ToolSchemaMode, parameters

TOOLS = WILD | WILD.map(with_property) | st.dictionaries(st.just("anyOf"), st.lists(WILD, max_size=3))
ANY_CAPABILITIES = st.sampled_from([CODEX, NO_REFERENCES])
MODES = st.sampled_from(["faithful", "strict"])


@settings(max_examples=200, deadline=None)
@given(TOOLS, MODES, ANY_CAPABILITIES)
def test_any_schema_becomes_one_that_upstream_takes(
    schema: Any, mode: ToolSchemaMode, capabilities: Capabilities
) -> None:
    given_bytes = raw(schema)
    before = bytes(given_bytes)
    made = parameters(given_bytes, mode, capabilities, "tools[0].input_schema")
    sent = value(made.schema)
    check_meta_schema(sent)
    check_parameters("tool", sent, "tools[0].parameters", strict=made.strict)
    assert bytes(given_bytes) == before
    assert all(note.place.startswith("tools[0].input_schema") for note in made.notes)


@settings(max_examples=150, deadline=None)
@given(TOOLS, MODES, ANY_CAPABILITIES)
def test_what_was_made_needs_nothing_more(schema: Any, mode: ToolSchemaMode, capabilities: Capabilities) -> None:
    once = parameters(raw(schema), mode, capabilities, "")
    twice = parameters(once.schema, mode, capabilities, "")
    assert bytes(twice.schema) == bytes(once.schema)
    assert twice.strict == once.strict


@settings(max_examples=150, deadline=None)
@given(SOUND, JSON)
def test_what_was_valid_stays_valid(schema: Any, instance: Any) -> None:
    made = parameters(raw(with_property(schema)), "faithful", CODEX, "")
    assume(takes(schema, instance))
    assert takes(value(made.schema), {"p": instance})


@settings(max_examples=100, deadline=None)
@given(SOUND.filter(lambda schema: isinstance(schema, dict)), JSON)
def test_what_was_valid_stays_valid_without_references(target: Any, instance: Any) -> None:
    schema = with_property({"$ref": "#/$defs/a", "title": "words", "type": ["object", "string", "integer"]})
    schema["$defs"] = {"a": target}
    made = parameters(raw(schema), "faithful", NO_REFERENCES, "")
    assert b"#/$defs/a" not in bytes(made.schema)
    assume(takes(schema, {"p": instance}))
    assert takes(value(made.schema), {"p": instance})


def _intact(schema: Any, sent: Any) -> None:
    """Values that a schema lists are there again at the same places, one by one."""
    if not isinstance(schema, dict):
        return
    for key in ("enum", "const", "default", "description"):
        assert schema.get(key) == sent.get(key)
    for key in ("properties", "$defs", "dependentSchemas", "patternProperties"):
        for name, inner in schema.get(key, {}).items():
            _intact(inner, sent[key][name])
    for key in ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"):
        _intact(schema.get(key), sent.get(key))
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner, mended in zip(schema.get(key, ()), sent.get(key, ()), strict=True):
            _intact(inner, mended)


@settings(max_examples=100, deadline=None)
@given(SOUND)
def test_enum_const_and_default_are_intact_at_every_depth(schema: Any) -> None:
    assume('"oneOf"' not in repr(schema).replace("'", '"') or '"enum"' not in repr(schema).replace("'", '"'))
    made = parameters(raw(with_property(schema)), "faithful", CODEX, "")
    _intact(schema, value(made.schema)["properties"]["p"])


@pytest.mark.parametrize("mode", ["faithful", "strict"])
@pytest.mark.parametrize(
    "text",
    [
        b'{"properties":' * 400 + b"{}" + b"}" * 400,
        b'{"type":"object","properties":{"a":' * 150 + b"{}" + b"}}" * 150,
        b'{"anyOf":[' * 150 + b"{}" + b"]}" * 150,
        b"[" * 200 + b"]" * 200,
    ],
)
def test_no_depth_exhausts_the_stack(text: bytes, mode: ToolSchemaMode) -> None:
    made = parameters(Raw(text), mode, CODEX, "tools[0].input_schema")
    check_meta_schema(value(made.schema))
    assert made.notes


def test_definitions_that_double_do_not_fill_the_memory() -> None:
    doubling = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    schema = with_property({"$ref": "#/$defs/d0"}) | {"$defs": {**doubling, "d40": {"type": "string"}}}
    made = parameters(raw(schema), "faithful", NO_REFERENCES, "")
    assert len(bytes(made.schema)) < 2_000_000
    assert {note.action for note in made.notes} >= {"approximated"}
