"""What upstream takes with ``strict: true``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.translate.schemas import raw
from turnout.translate.schema.conformance import conforms


def closed(**properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    return closed() if levels == 1 else closed(p=nested(levels - 1))


STRING = {"type": "string"}


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(p=STRING, q={"type": ["string", "null"], "enum": ["a", None], "default": "a", "title": "T"}),
        closed(p={"type": "array", "items": {"type": "integer", "const": 1}, "description": "d"}),
        closed(p={"anyOf": [STRING, {"type": "null"}, closed(a=STRING), closed(b=STRING)]}),
        closed(
            p={"type": ["object", "null"], **{key: made for key, made in closed(a=STRING).items() if key != "type"}}
        ),
        nested(5),
        closed(**{f"p{n}": STRING for n in range(100)}),
    ],
)
def test_the_strict_form_is_taken(schema: dict[str, Any]) -> None:
    assert conforms(raw(schema))


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {},
        {"type": "object", "additionalProperties": False},
        {"type": ["object", "null"], "properties": {}, "required": [], "additionalProperties": False},
        {**closed(), "anyOf": [closed()]},
        {**closed(p=STRING), "required": []},
        {**closed(p=STRING), "required": ["p", "q"]},
        {**closed(p=STRING), "required": ["p", "p"]},
        {**closed(), "required": None},
        {**closed(), "additionalProperties": True},
        {**closed(), "additionalProperties": STRING},
        closed(p={}),
        closed(p=True),
        closed(p={"type": "any"}),
        closed(p={"type": "string", "properties": {}}),
        closed(p={"enum": ["a"]}),
        closed(p={"type": "array"}),
        closed(p={"type": "array", "items": True}),
        closed(p={"type": "string", "format": "date"}),
        closed(p={"type": "object", "additionalProperties": False}),
        closed(p={"anyOf": []}),
        closed(p={"anyOf": [STRING, {}]}),
        closed(p={"anyOf": [STRING, True]}),
        closed(p={"anyOf": [closed(a=STRING), closed(a=STRING)]}),
        closed(p={"type": "array", "items": {"type": "object"}}),
        nested(6),
        closed(**{f"p{n}": STRING for n in range(101)}),
        closed(a=closed(**{f"p{n}": STRING for n in range(100)})),
    ],
)
def test_anything_else_is_not(schema: object) -> None:
    assert not conforms(raw(schema))
