"""A tool's parameters in either mode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate.schemas import CODEX, EMPTY_OBJECT, raw, value, with_property
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.fidelity import approximated
from turnout.translate.schema import CACHED_BYTES, Parameters, ToolSchemaMode, parameters

OPTIONAL = with_property({"type": "string", "format": "uri"})


def made(schema: object, mode: ToolSchemaMode) -> Parameters:
    return parameters(raw(schema), mode, CODEX, "tools[0].input_schema")


def test_faithful_parameters_are_the_clients_own_and_never_strict() -> None:
    assert value(made(OPTIONAL, "faithful").schema) == OPTIONAL
    assert not made(OPTIONAL, "faithful").strict
    assert made(OPTIONAL, "faithful").nulls is None
    assert made(OPTIONAL, "faithful").notes == ()


def test_strict_parameters_are_sent_with_strict() -> None:
    strict = made(OPTIONAL, "strict")
    assert strict.strict
    assert value(strict.schema)["required"] == ["p"]
    assert strict.nulls is not None
    assert [str(note) for note in strict.notes] == [
        "tools[0].input_schema.properties.p: the strict form leaves out format"
    ]


def test_strict_parameters_that_do_not_conform_are_sent_without_and_told() -> None:
    record = made(with_property({"type": "object", "additionalProperties": {"type": "string"}}), "strict")
    assert not record.strict
    reason = "sent without strict: the strict form cannot say all of it"
    assert record.notes[-1] == approximated("tools[0].input_schema", reason)


@pytest.mark.parametrize("words", ["", "x" * CACHED_BYTES])
def test_a_schema_that_comes_again_is_made_the_same_and_noted_where_it_stands(words: str) -> None:
    usual = {**OPTIONAL, "description": words}
    odd = raw({**usual, "properties": {"p": {"type": "any"}}})
    for place in ("tools[0]", "tools[1]", "tools[1]"):
        assert value(parameters(raw(usual), "faithful", Capabilities(), place).schema) == usual
        assert parameters(raw(usual), "strict", Capabilities(), place).strict
        notes = parameters(odd, "faithful", Capabilities(), place).notes
        assert [note.place for note in notes] == [f"{place}.properties.p.type"]
    picky = Capabilities(refused_schema_keywords=frozenset({"description"}))
    assert "description" not in value(parameters(raw(usual), "faithful", picky, "tools[0]").schema)


@pytest.mark.parametrize("mode", ["faithful", "strict"])
def test_notes_do_not_grow_without_bound(mode: ToolSchemaMode) -> None:
    properties: dict[str, Any] = {f"p{n}": {"type": "any"} for n in range(1000)}
    told = made({**EMPTY_OBJECT, "properties": properties}, mode).notes
    assert len(told) == 21
    assert "more changes" in told[-1].reason
