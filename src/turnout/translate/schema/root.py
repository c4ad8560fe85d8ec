"""The top level of a tool's schema, which upstream wants to be one plain object.

``schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level``, and ``object
schema missing properties`` (codex-backend.md 2.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.fidelity import approximated, dropped, mapped
from turnout.translate.schema import forms

if TYPE_CHECKING:
    from collections.abc import Collection

    from msgspec import Raw

    from turnout.protocol.fidelity import Note
    from turnout.translate.schema.forms import Fields
    from turnout.translate.schema.references import References

MERGED = ("allOf", "anyOf", "oneOf")
"""Keywords that are merged into the object that they stand at."""
_SAID_ONCE = forms.ANNOTATIONS | {"additionalProperties", "type"}
"""Keywords that merged parts need not agree on."""
_DEPTH = 8
"""How deeply combinators inside combinators are merged."""


def as_object(
    fields: Fields, references: References, refused: Collection[str], place: str, notes: list[Note]
) -> Fields:
    """The schema's fields with a top level that upstream takes; `fields` themselves if theirs is one.

    `refused` are the keywords that must not stand there. What they say of the object's properties is kept.
    """
    if "$ref" in fields or not fields.keys().isdisjoint(refused):
        fields = merged(fields, references, refused, place, notes)
    kind = fields.get("type")
    if kind is None or bytes(kind) != b'"object"':
        if kind is not None and "object" not in (forms.types_of(kind) or ()):
            notes.append(approximated(f"{place}.type", "a tool's arguments are an object"))
        fields = {**fields, "type": forms.OBJECT}
    properties = fields.get("properties", forms.EMPTY)
    if "properties" not in fields or not forms.is_object(properties):
        if forms.schemas_of(properties) is None and not forms.is_null(properties):
            notes.append(dropped(f"{place}.properties", "it holds no schemas"))
        fields = {**fields, "properties": forms.EMPTY}
    return fields


def merged(fields: Fields, references: References, refused: Collection[str], place: str, notes: list[Note]) -> Fields:
    """A node about an object, without its ``$ref`` and the refused keywords; what they say of properties is kept."""
    merger = _Merger(references, refused, place, notes)
    whole = merger.merged(fields, 0).fields()
    if merger.told is not None:
        notes.append(merger.told)
    return whole


class _Part(msgspec.Struct):
    """What one schema says of an object."""

    properties: Fields
    required: list[str]
    others: Fields
    """All other keywords."""

    @property
    def is_closed(self) -> bool:
        """Takes no properties but its own."""
        return "additionalProperties" in self.others and forms.is_false(self.others["additionalProperties"])

    def fields(self) -> Fields:
        """The part as a node."""
        fields = dict(self.others)
        if self.properties:
            fields["properties"] = forms.raw(self.properties)
        if self.required:
            fields["required"] = forms.raw(self.required)
        return fields


class _Merger:
    """Merges the combinators at the top level of one schema."""

    def __init__(self, references: References, refused: Collection[str], place: str, notes: list[Note]) -> None:
        self.told: Note | None = None
        """What is to be said of the merging: at its worst, and once."""
        self._references = references
        self._refused = refused
        self._place = place
        self._notes = notes

    def merged(self, fields: Fields, depth: int) -> _Part:
        """What `fields` say, without ``$ref`` and the refused keywords."""
        fields, entered = self._references.expand(fields, self._place, self._notes)
        others = {key: value for key, value in fields.items() if key not in self._refused}
        properties = forms.fields_of(others.pop("properties", forms.EMPTY)) or {}
        required = forms.names_of(others.pop("required", forms.NO_NAMES)) or []
        whole = _Part(properties, required, others)
        for key, value in fields.items():
            if key not in self._refused:
                continue
            if key not in MERGED:
                self._notes.append(dropped(f"{self._place}.{key}", "it is not taken at the top level"))
                continue
            parts = [part for part in (self._part(branch, depth) for branch in forms.list_of(value) or ()) if part]
            if key == "allOf":
                for part in parts:
                    self._add(whole, part, key)
            elif parts:
                _say_alternatives(whole, parts)
                self._add(whole, _either(parts), key)
            self._tell(key)
        self._references.leave(entered)
        return whole

    def _part(self, branch: Raw, depth: int) -> _Part | None:
        """One branch, merged in itself; None for one that says nothing of an object."""
        fields = forms.fields_of(branch)
        if fields is None or depth >= _DEPTH:
            return None
        types = forms.types_of(fields["type"]) if "type" in fields else None
        if types is not None and "object" not in types:
            return None
        return self.merged(fields, depth + 1)

    def _add(self, whole: _Part, part: _Part, key: str) -> None:
        """Makes `whole` say what `part` says, too."""
        # A part that takes its own properties only does not mean to exclude those of the other parts.
        closed = all(one.is_closed for one in (whole, part) if one.properties)
        for name, schema in part.properties.items():
            known = whole.properties.get(name)
            if known is None:
                whole.properties[name] = schema
            elif bytes(known) != bytes(schema):
                whole.properties[name] = forms.raw({"allOf": [known, schema]})
        whole.required = list(dict.fromkeys((*whole.required, *part.required)))
        before = dict(whole.others)
        for keyword, value in part.others.items():
            if forms.tied_to(keyword).isdisjoint(before):
                whole.others[keyword] = value
            elif bytes(before.get(keyword, b"")) != bytes(value) and keyword not in _SAID_ONCE:
                self.told = approximated(f"{self._place}.{key}", f"only one {keyword} of several is said")
        if whole.is_closed and not closed:
            del whole.others["additionalProperties"]

    def _tell(self, key: str) -> None:
        if key != "allOf":
            self.told = approximated(f"{self._place}.{key}", "its alternatives were merged into one object")
        elif self.told is None:
            self.told = mapped(f"{self._place}.{key}", "its parts were merged into one object")


def _either(parts: list[_Part]) -> _Part:
    """What is true of every object that is as one of the parts says."""
    schemas: dict[str, dict[bytes, Raw]] = {}
    for part in parts:
        for name, schema in part.properties.items():
            schemas.setdefault(name, {})[bytes(schema)] = schema
    properties = {
        name: forms.raw({"anyOf": list(several.values())}) if len(several) > 1 else next(iter(several.values()))
        for name, several in schemas.items()
    }
    required = [name for name in parts[0].required if all(name in part.required for part in parts)]
    others = {
        keyword: value
        for keyword, value in parts[0].others.items()
        if all(bytes(part.others.get(keyword, b"")) == bytes(value) for part in parts)
    }
    return _Part(properties, required, others)


def _say_alternatives(whole: _Part, parts: list[_Part]) -> None:
    """Tells the model which fields each of the parts wants, where all of them want some."""
    common = {*whole.required, *_either(parts).required}
    wanted = [" and ".join(name for name in part.required if name not in common) for part in parts]
    if not all(wanted):
        return
    said = forms.string_of(whole.others["description"]) if "description" in whole.others else None
    sentence = f"Give one of these, besides what is required: {'; '.join(dict.fromkeys(wanted))}."
    whole.others["description"] = forms.raw(f"{said} {sentence}" if said else sentence)
