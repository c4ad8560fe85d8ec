"""A tool's schema in the strict form: only what upstream's strict mode can hold a model to.

The rules are those of the Claudex document (Tool Schema Normalization), with a test for each. What a schema says beyond
them is left out. Parameters that were optional become required and nullable; `turnout.translate.schema.nulls` takes
the nulls out of the calls again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol.fidelity import approximated
from turnout.translate.schema import forms
from turnout.translate.schema.conformance import KEYWORDS, conforms
from turnout.translate.schema.nulls import Shape
from turnout.translate.schema.references import DEFINITIONS, References
from turnout.translate.schema.root import MERGED, as_object, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.fidelity import Note
    from turnout.translate.schema.forms import Fields

_UNSAID = frozenset({"$anchor", "$comment", "$id", "$schema", "deprecated", "examples", *DEFINITIONS})
"""Keywords whose absence needs no note: they say nothing of the arguments."""
_SCALARS = frozenset({"boolean", "integer", "null", "number", "string"})
_DEPTH = 32
_TAKES_NULL_DEPTH = 8
_COPIED: Mapping[str, Callable[[Raw], bool]] = {
    "title": forms.is_string,
    "description": forms.is_string,
    "nullable": forms.is_boolean,
    "enum": lambda value: bool(forms.list_of(value)),
    "const": lambda _: True,
    "default": lambda _: True,
}
"""Keywords that are kept as they are, if their value has the right form."""
_FALSE = Raw(b"false")
_NULL = Raw(b'{"type":"null"}')
_STRING = Raw(b'{"type":"string"}')


class Strict(msgspec.Struct, frozen=True):
    """A schema in the strict form."""

    schema: Raw
    conforms: bool
    """Upstream takes it with ``strict: true``."""
    shape: Shape
    """Where calls have nulls that the client's schema does not know."""
    notes: list[Note]


def normalise(schema: Raw, capabilities: Capabilities, place: str) -> Strict:
    """`schema`, that of a tool at `place` in the request, in the strict form. Never raises."""
    notes: list[Note] = []
    given = forms.fields_of(schema)
    if given is None:
        notes.append(approximated(place, "it is no schema of an object, so it has no properties"))
        given = {}
    references = References(given)
    fields = as_object(given, references, capabilities.refused_root_keywords.union(MERGED), place, notes)
    normaliser = _Normaliser(references, KEYWORDS - capabilities.refused_schema_keywords, notes)
    normal, shape = normaliser.node(fields, (), place, 0)
    made = forms.raw(normal)
    return Strict(made, conforms(made), shape, notes)


class _Normaliser:
    """Brings one schema into the strict form, bottom-up."""

    def __init__(self, references: References, keywords: Collection[str], notes: list[Note]) -> None:
        self._references = references
        self._keywords = keywords
        self._notes = notes

    def node(self, given: Fields, around: Iterable[str], place: str, depth: int) -> tuple[Fields, Shape]:
        """A node in the strict form, and where its value has nulls too many.

        `around` are the types that the schema around it gives to the same value.
        """
        given, entered = self._references.expand(given, place, self._notes) if "$ref" in given else (given, 0)
        if "anyOf" in given and "properties" in given:
            # The alternatives are about the very object: closed in themselves, they would exclude its properties.
            given = merged(given, self._references, ("anyOf",), place, self._notes)
        self._tell_stripped(given, place)
        fields: Fields = {}
        for key, value in given.items():
            if key in self._keywords and key in _COPIED and _COPIED[key](value):
                fields[key] = value
        types = self._types(given, place)
        shape = Shape()
        if "anyOf" in self._keywords and "anyOf" in given and (options := forms.list_of(given["anyOf"])):
            fields["anyOf"], shape = self._alternatives(options, types or around, place, depth)
        else:
            types = types or _inferred_types(given) or list(around) or ["object"]
            fields["type"] = forms.raw(types[0] if len(types) == 1 else types)
            if "array" in types:
                fields["items"], shape = self._items(given, place, depth)
            if "object" in types:
                object_shape = self._object(given, fields, place, depth)
                shape = msgspec.structs.replace(object_shape, items=shape.items)
        self._references.leave(entered)
        return fields, shape

    def _schema(self, raw: Raw, place: str, depth: int, around: Iterable[str] = ()) -> tuple[Fields, Shape]:
        fields = forms.fields_of(raw)
        if fields is None or depth > _DEPTH:
            if bytes(raw) != b"true":
                self._notes.append(approximated(place, "it is no schema that the strict form can say"))
            fields = {}
        return self.node(fields, around, place, depth)

    def _tell_stripped(self, given: Fields, place: str) -> None:
        stripped = [key for key in given if key not in self._keywords and key not in _UNSAID]
        if stripped:
            self._notes.append(
                approximated(place, f"the strict form leaves out {', '.join(map(forms.shown, stripped))}")
            )

    def _types(self, given: Fields, place: str) -> list[str]:
        if "type" not in given:
            return []
        types = forms.types_of(given["type"])
        if types is None:
            self._notes.append(approximated(f"{place}.type", "it is none of JSON Schema's types"))
        return types or []

    def _alternatives(self, options: list[Raw], around: Iterable[str], place: str, depth: int) -> tuple[Raw, Shape]:
        made = [
            self._schema(option, f"{place}.anyOf[{index}]", depth + 1, around) for index, option in enumerate(options)
        ]
        return forms.raw([fields for fields, _ in made]), Shape(options=tuple(shape for _, shape in made if shape))

    def _items(self, given: Fields, place: str, depth: int) -> tuple[Raw, Shape]:
        """What an array holds. A list of schemas, one for each place, becomes any of them in all places."""
        items = given.get("items", _FALSE)
        listed = forms.list_of(items) or forms.list_of(given.get("prefixItems", _FALSE))
        if listed:
            self._notes.append(
                approximated(f"{place}.items", "elements may be of any of the kinds listed, in any order")
            )
            items = forms.raw({"anyOf": listed}) if len(listed) > 1 else listed[0]
        elif not forms.is_object(items):
            self._notes.append(approximated(f"{place}.items", "nothing is said of the elements, so they are strings"))
            return _STRING, Shape()
        fields, shape = self._schema(items, f"{place}.items", depth + 1)
        return forms.raw(fields), Shape(items=shape or None)

    def _object(self, given: Fields, fields: Fields, place: str, depth: int) -> Shape:
        """Adds to `fields` what an object has."""
        schemas = forms.schemas_of(given["properties"]) if "properties" in given else None
        others = given.get("additionalProperties", forms.EMPTY)
        shape = Shape()
        if schemas is not None:
            shape = self._properties(schemas, given, fields, place, depth)
        if not schemas and "additionalProperties" in given and forms.is_object(others):
            # A map: all that it says is what its values are.
            values, inner = self._schema(others, f"{place}.additionalProperties", depth + 1)
            fields["additionalProperties"] = forms.raw(values)
            return msgspec.structs.replace(shape, values=inner or None)
        if not forms.is_false(others) and (schemas is None or "additionalProperties" in given):
            self._notes.append(approximated(place, "the strict form has no properties of names that are not listed"))
        fields["additionalProperties"] = _FALSE
        return shape

    def _properties(self, schemas: Fields, given: Fields, fields: Fields, place: str, depth: int) -> Shape:
        required = forms.names_of(given.get("required", forms.NO_NAMES)) or []
        made: dict[str, Fields] = {}
        shapes: dict[str, Shape] = {}
        unset: set[str] = set()
        for name, raw in schemas.items():
            schema, shape = self._schema(raw, f"{place}.properties.{forms.shown(name)}", depth + 1)
            if name not in required:
                if not self._takes_null(raw, 0):
                    unset.add(name)
                if _is_counted(schema):
                    schema = _nullable(schema)
            if shape:
                shapes[name] = shape
            made[name] = schema
        fields["properties"] = forms.raw(made)
        fields["required"] = forms.raw([name for name, schema in made.items() if _is_counted(schema)])
        return Shape(unset=frozenset(unset), named=frozenset(made), properties=shapes)

    def _takes_null(self, raw: Raw, depth: int) -> bool:
        """Whether the client's schema takes null."""
        fields = forms.fields_of(raw)
        if fields is None or depth > _TAKES_NULL_DEPTH:
            return not forms.is_false(raw)
        if "nullable" in fields and bytes(fields["nullable"]) == b"true":
            return True
        if "const" in fields and not forms.is_null(fields["const"]):
            return False
        if "enum" in fields and not any(map(forms.is_null, forms.list_of(fields["enum"]) or ())):
            return False
        if "type" in fields and "null" not in (forms.types_of(fields["type"]) or ("null",)):
            return False
        if "$ref" in fields:
            target = self._references.find(self._references.local(forms.string_of(fields["$ref"]) or ""))
            if target is not None and not self._takes_null(target, depth + 1):
                return False
        for key, enough in (("allOf", all), ("anyOf", any), ("oneOf", any)):
            branches = forms.list_of(fields[key]) if key in fields else None
            if branches and not enough(self._takes_null(branch, depth + 1) for branch in branches):
                return False
        return True


def _inferred_types(given: Fields) -> list[str]:
    """The types of a node that names none, as far as they follow from what else it says."""
    if "properties" in given:
        return ["object"]
    if "items" in given:
        return ["array"]
    # Any other type would refuse the very values that are listed.
    values = forms.list_of(given["enum"]) if "enum" in given else None
    if not values and "const" in given:
        values = [given["const"]]
    return list(dict.fromkeys(map(forms.type_of, values or ())))


def _is_counted(schema: Fields) -> bool:
    """Whether upstream counts a property of this schema, so that ``required`` must name it.

    It does not count maps, nor objects that are left without ``properties``, and refuses their names.
    """
    types = set(forms.types_of(schema["type"]) or ()) if "type" in schema else set()
    if types - {"null"} != {"object"}:
        return True
    return "properties" in schema and forms.is_false(schema["additionalProperties"])


def _nullable(schema: Fields) -> Fields:
    """`schema`, or null."""
    if "anyOf" in schema:
        options = forms.list_of(schema["anyOf"]) or []
        return schema if any(map(_is_nullable, options)) else {**schema, "anyOf": forms.raw([*options, _NULL])}
    if _is_nullable(forms.raw(schema)):
        return schema
    types = forms.types_of(schema["type"]) or []
    if schema.keys().isdisjoint(("const", "enum")) and _SCALARS.issuperset(types):
        return {**schema, "type": forms.raw([*types, "null"])}
    outer = {key: value for key, value in schema.items() if key in forms.ANNOTATIONS}
    inner = {key: value for key, value in schema.items() if key not in outer}
    return {**outer, "anyOf": forms.raw([inner, _NULL])}


def _is_nullable(raw: Raw) -> bool:
    """Whether a schema in the strict form takes null by its type and values."""
    fields = forms.fields_of(raw) or {}
    if "null" not in (forms.types_of(fields.get("type", forms.EMPTY)) or ()):
        return False
    if "const" in fields and not forms.is_null(fields["const"]):
        return False
    return "enum" not in fields or any(map(forms.is_null, forms.list_of(fields["enum"]) or ()))
