"""Schemas for tests: made by hypothesis, and judged by the kind of validator that upstream uses."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import msgspec
from hypothesis import strategies as st
from msgspec import Raw

from turnout.protocol.capabilities import Capabilities

CODEX = Capabilities()
NO_REFERENCES = Capabilities(refused_schema_keywords=CODEX.refused_schema_keywords | {"$ref"})
EMPTY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}

_formats = jsonschema.FormatChecker(formats=())


@_formats.checks("regex", raises=re.error)
def _is_regex(instance: object) -> bool:
    return not isinstance(instance, str) or bool(re.compile(instance))


def raw(schema: object) -> Raw:
    """`schema` as it comes in a request."""
    return Raw(msgspec.json.encode(schema))


def value(schema: Raw) -> Any:
    """`schema` decoded."""
    return msgspec.json.decode(schema)


def with_property(schema: object, **others: object) -> dict[str, Any]:
    """A tool's schema whose parameter ``p`` has the given schema."""
    return {"type": "object", "properties": {"p": schema}, **others}


def check_meta_schema(schema: object) -> None:
    """Raises if `schema` is not one by the meta-schema of draft 2020-12, regular expressions included."""
    jsonschema.Draft202012Validator.check_schema(schema, format_checker=_formats)


def takes(schema: object, instance: object) -> bool:
    """Whether an instance is valid under a schema."""
    return jsonschema.Draft202012Validator(schema).is_valid(instance)


NAMES = st.sampled_from(["a", "b", "kind", "$ref", "type", "properties", ""])
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-2, 2) | st.sampled_from(["", "a", "b", "object"])
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
REFERENCES = st.sampled_from(
    ["#", "#/$defs/a", "#/$defs/b", "#/definitions/a", "#/properties/a", "#/nowhere", "x#/y", "#a"]
)
PATTERNS = st.sampled_from(["^a", "[", r"\p{L}", "(?=a)b", r"(a)\1", "(?<n>a)", "a|b", r"\d+$"])
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])


def _keywords(inner: st.SearchStrategy[Any], *, wild: bool) -> st.SearchStrategy[Any]:
    """Nodes made of keywords; `wild` ones have any values anywhere."""
    by_name = st.dictionaries(NAMES, inner, max_size=3)
    several = st.lists(inner, min_size=0 if wild else 1, max_size=3)
    count = st.integers(0, 5)
    number = st.integers(-5, 5) | st.floats(-2, 2)
    text = st.sampled_from(["", "words"])
    names = st.lists(NAMES, max_size=3, unique=not wild)
    values: dict[str, st.SearchStrategy[Any]] = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "properties": by_name,
        "required": names,
        "additionalProperties": inner | st.booleans(),
        "items": inner | st.booleans(),
        "prefixItems": several,
        "anyOf": several,
        "oneOf": several,
        "allOf": several,
        "not": inner,
        "if": inner,
        "then": inner,
        "else": inner,
        "contains": inner,
        "minContains": count,
        "propertyNames": inner,
        "patternProperties": st.dictionaries(PATTERNS if wild else st.just("^a"), inner, max_size=2),
        "dependentSchemas": by_name,
        "dependentRequired": st.dictionaries(NAMES, names, max_size=2),
        "$defs": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        "$ref": REFERENCES,
        "enum": st.lists(SCALARS, min_size=1, max_size=3),
        "const": JSON,
        "default": JSON,
        "pattern": PATTERNS if wild else st.just("^a"),
        "format": text,
        "title": text,
        "description": text,
        "minimum": number,
        "maxLength": count,
        "uniqueItems": st.booleans(),
        "nullable": st.booleans(),
        "x-vendor": JSON,
        "$schema": st.just("https://json-schema.org/draft/2020-12/schema"),
    }
    if wild:
        values |= {"exclusiveMinimum": st.booleans() | number, "additionalItems": inner, "dependencies": by_name | JSON}
        values |= {"definitions": values["$defs"], "$id": text, "examples": JSON, "multipleOf": number}
        values = {key: made | JSON for key, made in values.items()}
    else:
        del values["$ref"]
    # Few keywords of each node: a schema with all of them is valid for nothing.
    chosen = st.lists(st.sampled_from(list(values)), max_size=5, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({key: values[key] for key in keys}))


WILD = st.recursive(JSON, lambda inner: _keywords(inner, wild=True), max_leaves=8)
"""Anything that looks like a schema from afar."""
SOUND = st.recursive(
    st.just({}) | TYPES.map(lambda kind: {"type": kind}) | st.booleans(),
    lambda inner: _keywords(inner, wild=False),
    max_leaves=8,
)
"""Schemas by the book."""
