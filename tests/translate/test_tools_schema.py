"""Schemas of a whole ``tools`` array."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.translate.schemas import CODEX, NO_REFERENCES, raw, with_property
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.translate.schema import ToolSchemaMode
from turnout.translate.tools import ToolsCache, TranslatedTools

OPTIONAL = with_property({"type": "string"})
LONG_NAME = "mcp__server__" + "long_" * 20


def tools(*schemas: object, name: str = "tool") -> Raw:
    return raw([{"name": f"{name}{n or ''}", "input_schema": schema} for n, schema in enumerate(schemas)])


def translated(given: Raw, mode: ToolSchemaMode) -> TranslatedTools:
    return ToolsCache().translate(given, CODEX, mode)


def sent(made: TranslatedTools) -> list[dict[str, Any]]:
    functions: list[dict[str, Any]] = msgspec.json.decode(b"[%s]" % made.functions)
    return functions


def test_faithful_tools_are_never_strict() -> None:
    made = translated(tools(OPTIONAL), "faithful")
    assert sent(made) == [
        {"type": "function", "name": "tool", "description": "", "parameters": OPTIONAL, "strict": False}
    ]
    assert made.cleaners == {}


def test_each_tool_is_strict_for_itself() -> None:
    made = translated(tools(OPTIONAL, with_property({"type": "object", "additionalProperties": {}}), None), "strict")
    assert [function["strict"] for function in sent(made)] == [True, False, True]
    assert sent(made)[2]["parameters"] == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


def test_cleaners_are_found_by_the_name_that_upstream_uses() -> None:
    made = translated(tools(OPTIONAL, with_property({"type": "string"}, required=["p"]), name=LONG_NAME), "strict")
    names = [function["name"] for function in sent(made)]
    assert list(made.cleaners) == names[:1]
    assert made.full_names[names[0]] == LONG_NAME
    assert made.cleaners[names[0]].clean('{"p":null}') == "{}"


def test_notes_name_the_place_in_the_request() -> None:
    made = translated(tools(OPTIONAL, with_property({"pattern": "(?=a)"})), "faithful")
    assert [str(note).partition(": ")[0] for note in made.notes] == ["tools[1].input_schema.properties.p.pattern"]


@pytest.mark.parametrize("schema", ["text", 3, True, []])
@pytest.mark.parametrize("mode", ["faithful", "strict"])
def test_an_input_schema_that_is_no_object_is_a_bad_request(schema: object, mode: ToolSchemaMode) -> None:
    with pytest.raises(TurnoutError) as caught:
        translated(tools(OPTIONAL, schema), mode)
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST
    assert "tools[1].input_schema" in caught.value.failure.message


def test_the_cache_tells_modes_and_capabilities_apart() -> None:
    given = tools(with_property({"$ref": "#/$defs/a"}) | {"$defs": {"a": {"type": "string"}}})
    cache = ToolsCache()
    terms: list[tuple[Any, ToolSchemaMode]] = [(CODEX, "faithful"), (CODEX, "strict"), (NO_REFERENCES, "faithful")]
    first = [cache.translate(given, capabilities, mode) for capabilities, mode in terms]
    again = [cache.translate(given, capabilities, mode) for capabilities, mode in terms]
    assert len({made.functions for made in first}) == 3
    assert all(one is other for one, other in zip(first, again, strict=True))
