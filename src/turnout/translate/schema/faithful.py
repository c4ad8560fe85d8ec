"""A tool's schema as the client gave it, mended only where upstream would refuse it.

Upstream holds a schema to JSON Schema's meta-schema, draft 2020-12, and to some rules of its own; one schema that it
refuses costs the whole request (behaviours.md 12 to 14, peers.md pain 16). What needs no mending leaves byte for byte.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from msgspec import Raw

from turnout.protocol.fidelity import approximated, dropped, mapped
from turnout.translate.schema import forms, patterns, plain
from turnout.translate.schema.references import DEFINITIONS, References
from turnout.translate.schema.root import as_object

if TYPE_CHECKING:
    from collections.abc import Collection

    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.fidelity import Note
    from turnout.translate.schema.forms import Fields

_DEPTH = 32
"""How many schemas deep the mending goes. Deeper ones are left open: they would exhaust the stack, here or upstream."""
_UNSAID = frozenset({"$anchor", "$comment", "$id", "$schema"})
"""Keywords that nobody misses: they say nothing of the arguments."""
_SUBSTITUTES = {"const": "enum", "oneOf": "anyOf"}
"""Keywords that can be said by another one, where upstream takes that."""
_NOWHERE: frozenset[str] = frozenset()


def mend(schema: Raw, capabilities: Capabilities, place: str) -> tuple[Raw, list[Note]]:
    """`schema`, or one that says the same and that an upstream of these capabilities takes, and what it says less.

    `place` is the schema's place in the request. Never raises: what is no schema becomes one that takes every object.
    """
    refused, refused_at_root = capabilities.refused_schema_keywords, capabilities.refused_root_keywords
    plain_is_fine = plain.KEYWORDS.isdisjoint(refused) and plain.ROOT_KEYWORDS.isdisjoint(refused_at_root)
    if plain_is_fine and (sent := plain.as_sent(bytes(schema), named=plain.DIALECT not in refused)) is not None:
        return Raw(sent), []
    notes: list[Note] = []
    given = forms.fields_of(schema)
    if given is None:
        notes.append(approximated(place, "it is no schema of an object, so every object is taken"))
        given = {}
    references = References(given)
    fields = as_object(given, references, refused_at_root, place, notes)
    if any(key in refused and key in fields for key in _UNSAID):
        fields = {key: value for key, value in fields.items() if key not in refused or key not in _UNSAID}
    if fields is not given:
        schema = forms.raw(fields)
        if plain_is_fine and plain.is_plain(schema):
            return schema, notes
    mended = _Mender(references, refused, notes).root(fields, place)
    if references.written_out:
        notes.append(mapped(place, "references were replaced by what they point to"))
    return (schema if mended is fields else forms.raw(mended)), notes


class _Mender:
    """Mends one schema, node by node. A node that needs no mending is given back as it is, the same object."""

    def __init__(self, references: References, refused: Collection[str], notes: list[Note]) -> None:
        self._references = references
        self._refused = refused
        self._notes = notes

    def root(self, fields: Fields, place: str) -> Fields:
        """The schema's top level, an object with properties."""
        return self._fields(fields, place, _NOWHERE, 0)

    def _node(self, raw: Raw, place: str, around: frozenset[str], depth: int) -> Raw:
        """A schema inside of another. `around` are the properties that the nodes around it name for the same value."""
        if forms.is_boolean(raw):
            if forms.is_false(raw):
                return self._node(forms.NOTHING, place, around, depth) if "not" in self._refused else forms.NOTHING
            return forms.EMPTY
        fields = forms.fields_of(raw)
        if fields is None:
            self._notes.append(approximated(place, "it is no schema, so every value is taken"))
            return forms.EMPTY
        if depth > _DEPTH:
            self._notes.append(approximated(place, f"schemas more than {_DEPTH} levels deep take every value"))
            return forms.EMPTY
        mended = self._fields(fields, place, around, depth)
        return raw if mended is fields else forms.raw(mended)

    def _fields(self, given: Fields, place: str, around: frozenset[str], depth: int) -> Fields:
        fields, entered = self._with_reference(given, place)
        fields = self._in_todays_words(fields, place)
        own = forms.schemas_of(fields["properties"]) if "properties" in fields else None
        inside = around.union(own) if own and not forms.IN_PLACE.isdisjoint(fields) else around
        changed: Fields = {}
        gone: list[str] = []
        for key, value in fields.items():
            mended = self._value(key, value, f"{place}.{key}", inside, depth)
            if mended is None:
                gone.append(key)
            elif mended is not value:
                changed[key] = mended
        left = fields.keys() - gone
        if own is not None and "required" in left and "patternProperties" not in left:
            required = changed.get("required", fields["required"])
            filtered = self._only_properties(required, fields, inside.union(own), f"{place}.required")
            if filtered is not required:
                changed["required"] = filtered
        if "items" not in fields and "type" in fields and "array" in (forms.types_of(fields["type"]) or ()):
            # "array schema missing items", where JSON Schema takes that for any items.
            changed["items"] = forms.EMPTY
        self._references.leave(entered)
        if not changed and not gone:
            return fields
        return {key: value for key, value in {**fields, **changed}.items() if key not in gone}

    def _value(self, key: str, value: Raw, place: str, inside: frozenset[str], depth: int) -> Raw | None:
        """A keyword's value, mended; None if the keyword has to go."""
        if key in self._refused:
            if key not in _UNSAID:
                self._notes.append(dropped(place, "upstream does not take this keyword"))
            return None
        around = inside if key in forms.IN_PLACE else _NOWHERE
        if key in forms.SCHEMAS:
            if key in forms.OFTEN_BOOLEAN and forms.is_boolean(value):
                return value
            return self._node(value, place, around, depth + 1)
        if key in forms.SCHEMA_LISTS:
            return self._list(value, place, around, depth + 1)
        if key in forms.SCHEMAS_BY_NAME:
            if key in DEFINITIONS and "$ref" in self._refused:
                return None
            return self._by_name(key, value, place, around, depth + 1)
        if key == "type":
            return self._type(value, place)
        if key == "required":
            return self._required(value, place)
        if key == "pattern" and (pattern := forms.string_of(value)) is not None and not patterns.is_accepted(pattern):
            self._notes.append(dropped(place, "upstream's regular expressions do not have all that this one uses"))
            return None
        has_form = forms.FORMS.get(key)
        if has_form is None or has_form(value):
            return value
        self._notes.append(dropped(place, f"its value is not one that JSON Schema has for {key}"))
        return None

    def _list(self, value: Raw, place: str, around: frozenset[str], depth: int) -> Raw | None:
        schemas = forms.list_of(value)
        if not schemas:
            self._notes.append(dropped(place, "it is no list of schemas"))
            return None
        mended = [self._node(schema, f"{place}[{index}]", around, depth) for index, schema in enumerate(schemas)]
        return value if all(map(operator.is_, mended, schemas)) else forms.raw(mended)

    def _by_name(self, key: str, value: Raw, place: str, around: frozenset[str], depth: int) -> Raw | None:
        schemas = forms.schemas_of(value)
        if schemas is None:
            self._notes.append(dropped(place, "it holds no schemas"))
            return None
        mended: Fields = {}
        for name, schema in schemas.items():
            where = f"{place}.{forms.shown(name)}"
            if key == "patternProperties" and not patterns.is_accepted(name):
                self._notes.append(dropped(where, "upstream's regular expressions do not have all that this one uses"))
            elif key == "dependencies" and forms.names_of(schema) is not None:
                mended[name] = schema
            else:
                mended[name] = self._node(schema, where, around, depth)
        same = (
            forms.is_object(value)
            and len(mended) == len(schemas)
            and all(map(operator.is_, mended.values(), schemas.values()))
        )
        return value if same else forms.raw(mended)

    def _type(self, value: Raw, place: str) -> Raw | None:
        types = forms.types_of(value)
        if types is None:
            self._notes.append(dropped(place, "it is none of JSON Schema's types, so every type is taken"))
            return None
        return forms.raw(types) if forms.is_list(value) and len(types) < len(forms.list_of(value) or ()) else value

    def _required(self, value: Raw, place: str) -> Raw | None:
        if forms.is_null(value):
            return forms.NO_NAMES
        entries = forms.list_of(value)
        if entries is None:
            self._notes.append(dropped(place, "it is no list of names"))
            return None
        names = list(dict.fromkeys(name for entry in entries if (name := forms.string_of(entry)) is not None))
        return value if len(names) == len(entries) else forms.raw(names)

    def _only_properties(self, required: Raw, fields: Fields, known: frozenset[str], place: str) -> Raw:
        """The names in `required` that are properties, be it of a schema around or inside of the node."""
        names = forms.names_of(required) or []
        if known.issuperset(names):
            return required
        known = known | self._named(fields, 0)
        kept = [name for name in names if name in known]
        if len(kept) == len(names):
            return required
        unknown = ", ".join(forms.shown(name) for name in names if name not in known)
        self._notes.append(approximated(place, f"no such property: {unknown}"))
        return forms.raw(kept)

    def _named(self, fields: Fields, depth: int) -> set[str]:
        """The properties that a node names, itself or in schemas that speak of the same value."""
        found = set(forms.fields_of(fields.get("properties", forms.EMPTY)) or ())
        if depth > 4:
            return found
        inside: list[Raw] = []
        for key in forms.IN_PLACE.intersection(fields):
            value = fields[key]
            inside += forms.list_of(value) or ([value] if key in forms.SCHEMAS else ())
            inside += (forms.fields_of(value) or {}).values() if key in forms.SCHEMAS_BY_NAME else ()
        if "$ref" in fields and (text := forms.string_of(fields["$ref"])) is not None:
            target = self._references.find(self._references.local(text))
            inside += [target] if target is not None else ()
        for raw in inside:
            found |= self._named(forms.fields_of(raw) or {}, depth + 1)
        return found

    def _with_reference(self, fields: Fields, place: str) -> tuple[Fields, int]:
        """The node without a reference that upstream would not take or not find; the number is for `leave`."""
        if "$ref" not in fields:
            return fields, 0
        text = forms.string_of(fields["$ref"])
        if text is not None and "$ref" not in self._refused:
            local = self._references.local(text)
            if self._references.is_definition(local):
                return fields if local == text else {**fields, "$ref": forms.raw(local)}, 0
        return self._references.expand(fields, place, self._notes)

    def _in_todays_words(self, fields: Fields, place: str) -> Fields:
        """The node without what older drafts said otherwise, and with substitutes for keywords that are refused."""
        if "items" in fields and forms.is_list(fields["items"]):
            fields = _with_prefix_items(fields)
            self._notes.append(mapped(f"{place}.items", "a list of schemas is prefixItems today"))
        for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
            if exclusive in fields and forms.is_boolean(fields[exclusive]):
                fields = _with_bound(fields, bound, exclusive)
                self._notes.append(mapped(f"{place}.{exclusive}", "a boolean is a number today"))
        if "enum" in fields and "oneOf" in fields and _repeats_enum(fields):
            # Reported: with both on one node, the Codex backend answers with nothing (openchamber/openchamber#3486).
            fields = {key: value for key, value in fields.items() if key != "enum"}
            self._notes.append(mapped(f"{place}.enum", "oneOf says the same, and upstream fails on both together"))
        for key, substitute in _SUBSTITUTES.items():
            if key in self._refused and key in fields and substitute not in fields and substitute not in self._refused:
                value = fields[key] if key == "oneOf" else forms.raw([fields[key]])
                fields = {**{name: other for name, other in fields.items() if name != key}, substitute: value}
                self._notes.append(mapped(f"{place}.{key}", f"said as {substitute}: upstream does not take {key}"))
        return fields


def _with_prefix_items(fields: Fields) -> Fields:
    fields = dict(fields)
    first = fields.pop("items")
    if "additionalItems" in fields:
        fields["items"] = fields.pop("additionalItems")
    if forms.list_of(first):
        fields.setdefault("prefixItems", first)
    return fields


def _with_bound(fields: Fields, bound: str, exclusive: str) -> Fields:
    fields = dict(fields)
    if not forms.is_false(fields.pop(exclusive)) and bound in fields:
        fields[exclusive] = fields.pop(bound)
    return fields


def _repeats_enum(fields: Fields) -> bool:
    """Whether the branches of ``oneOf`` are the values of ``enum``, one each."""
    branches = [forms.fields_of(branch) or {} for branch in forms.list_of(fields["oneOf"]) or ()]
    values = {bytes(value) for value in forms.list_of(fields["enum"]) or ()}
    return bool(branches) and {bytes(branch.get("const", b"")) for branch in branches} == values
