"""Nulls that the strict form asked for are taken out of the calls again, and no others."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate.schemas import CODEX, raw, takes, value, with_property
from turnout.translate.schema import NullRemover, parameters

STRING = {"type": "string"}
OPTIONAL = {"type": "object", "properties": {"a": STRING, "b": {"type": "integer"}}}


def remover(schema: object) -> NullRemover | None:
    return parameters(raw(schema), "strict", CODEX, "").nulls


def cleaned(schema: object, arguments: str) -> str:
    nulls = remover(schema)
    assert nulls is not None
    return nulls.clean(arguments)


def test_a_null_means_that_an_optional_parameter_is_left_out() -> None:
    assert cleaned(OPTIONAL, '{"a":null,"b":1}') == '{"b":1}'
    assert cleaned(OPTIONAL, '{"a":null,"b":null}') == "{}"


def test_everything_else_stays_byte_for_byte() -> None:
    assert cleaned(OPTIONAL, '{"b": 1.50, "a":null, "c": [ null ]}') == '{"b":1.50,"c":[ null ]}'
    same = '{ "b": 123456789012345678901234567890 }'
    assert cleaned(OPTIONAL, same) is same


@pytest.mark.parametrize("arguments", ["", "{", "null", "3", '"text"', "[]", '{"a":null', "[" * 5000, '"\\ud800"'])
def test_what_is_no_object_is_passed_on(arguments: str) -> None:
    assert cleaned(OPTIONAL, arguments) == arguments


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"]},
        {"type": "null"},
        {"nullable": True, "type": "string"},
        {"enum": ["a", None]},
        {"const": None},
        {"anyOf": [STRING, {"type": "null"}]},
        {"oneOf": [STRING, {"type": "null"}]},
        {"allOf": [{"type": ["string", "null"]}, {}]},
        {"$ref": "#/$defs/nullable"},
        {},
        True,
    ],
)
def test_a_null_that_the_client_takes_stays(schema: object) -> None:
    definitions = {"$defs": {"nullable": {"type": ["string", "null"]}}}
    assert remover(with_property(schema) | definitions) is None


@pytest.mark.parametrize(
    "schema",
    [
        STRING,
        {"enum": ["a"]},
        {"const": "a"},
        {"type": ["string", "null"], "enum": ["a"]},
        {"anyOf": [STRING, {"type": "integer"}]},
        {"oneOf": [STRING]},
        {"allOf": [{"type": ["string", "null"]}, STRING]},
        {"$ref": "#/$defs/text"},
        {"type": "object", "additionalProperties": STRING},
        {"type": "string", "nullable": False},
        {"type": ["string", "null"], "enum": 3},
        False,
    ],
)
def test_a_null_that_the_client_does_not_take_goes(schema: object) -> None:
    assert cleaned(with_property(schema) | {"$defs": {"text": STRING}}, '{"p":null}') == "{}"


def test_a_null_for_a_required_parameter_stays() -> None:
    assert remover(with_property(STRING, required=["p"])) is None
    assert cleaned({**OPTIONAL, "required": ["a"]}, '{"a":null,"b":null}') == '{"a":null}'


@pytest.mark.parametrize(
    ("schema", "arguments", "clean"),
    [
        (OPTIONAL, '{"a":null}', "{}"),
        ({"type": "array", "items": OPTIONAL}, '[{"a":null},null,{"b":1}]', '[{},null,{"b":1}]'),
        ({"type": "object", "additionalProperties": OPTIONAL}, '{"x":{"a":null},"y":null}', '{"x":{},"y":null}'),
        ({"anyOf": [STRING, OPTIONAL]}, '{"a":null}', "{}"),
        ({"anyOf": [{"anyOf": [OPTIONAL]}]}, '{"a":null}', "{}"),
    ],
)
def test_nulls_go_at_every_depth(schema: object, arguments: str, clean: str) -> None:
    assert cleaned(with_property(schema, required=["p"]), f'{{"p":{arguments}}}') == f'{{"p":{clean}}}'


def test_a_null_stays_where_one_of_several_kinds_takes_it() -> None:
    other = {"type": "object", "properties": {"a": {"type": ["string", "null"]}, "c": STRING}}
    schema = with_property({"anyOf": [OPTIONAL, other]}, required=["p"])
    assert cleaned(schema, '{"p":{"a":null,"b":null,"c":null}}') == '{"p":{"a":null}}'


def test_tools_without_such_parameters_need_no_cleaning() -> None:
    assert remover({"type": "object", "properties": {"a": STRING}, "required": ["a"]}) is None
    assert parameters(raw(OPTIONAL), "faithful", CODEX, "").nulls is None


LEAVES: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [STRING, {"type": "integer"}, {"enum": ["a", 1]}, {"const": "c"}, {"type": ["boolean", "null"]}]
)


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    required = st.lists(st.sampled_from("abc"), unique=True)
    return st.builds(
        lambda held, names: {
            "type": "object",
            "properties": held,
            "required": [name for name in names if name in held],
        },
        properties,
        required,
    )


TOOLS = _objects(
    st.recursive(
        LEAVES,
        lambda inner: _objects(inner) | inner.map(lambda items: {"type": "array", "items": items}),
        max_leaves=8,
    )
)


def answers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a model can say that is held to a schema in the strict form."""
    if "anyOf" in schema:
        return st.one_of([answers(option) for option in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    kinds = {
        "string": st.sampled_from(["", "text"]),
        "integer": st.integers(0, 9),
        "boolean": st.booleans(),
        "null": st.none(),
    }
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    made = [kinds[kind] for kind in types if kind in kinds]
    if "array" in types:
        made.append(st.lists(answers(schema["items"]), max_size=2))
    if "object" in types:
        made.append(st.fixed_dictionaries({name: answers(held) for name, held in schema["properties"].items()}))
    return st.one_of(made)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_what_a_model_says_in_the_strict_form_is_valid_for_the_client(data: st.DataObject) -> None:
    schema = data.draw(TOOLS)
    made = parameters(raw(schema), "strict", CODEX, "")
    arguments = msgspec.json.encode(data.draw(answers(value(made.schema)))).decode()
    assert takes(value(made.schema), msgspec.json.decode(arguments))
    clean = made.nulls.clean(arguments) if made.nulls else arguments
    assert takes(schema, msgspec.json.decode(clean))
    assert made.nulls is None or made.nulls.clean(clean) == clean
