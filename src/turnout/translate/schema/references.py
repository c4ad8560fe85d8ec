"""What ``$ref`` points to, and how to do without it. Knows one schema, from its root; knows nothing of upstreams."""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING

from msgspec import Raw

from turnout.protocol.fidelity import approximated, dropped
from turnout.translate.schema import forms

if TYPE_CHECKING:
    from turnout.protocol.fidelity import Note
    from turnout.translate.schema.forms import Fields

DEFINITIONS = ("$defs", "definitions")
"""Where a schema keeps what it refers to."""
_INDEX = re.compile("[0-9]{1,6}")
_REPEATS = 2
"""How often a definition is written out inside of itself before it is cut off."""
_WRITTEN_BYTES = 256 * 1024
"""How many bytes of definitions are written out in one schema: doubling ones could fill any memory."""


class References:
    """The references of one schema."""

    def __init__(self, root: Fields) -> None:
        self._root = root
        self._id = forms.string_of(root["$id"]) if "$id" in root else None
        self.written_out = False
        """Some were replaced by what they point to."""
        self._open: list[str] = []
        """The references that are being written out, outermost first."""
        self._left = _WRITTEN_BYTES

    def local(self, reference: str) -> str:
        """`reference` without the schema's own ``$id``, which is not sent upstream."""
        if self._id and reference.startswith(self._id):
            return reference[len(self._id) :] or "#"
        return reference

    def find(self, reference: str) -> Raw | None:
        """The schema at a JSON pointer such as ``#/$defs/node``; None if there is none, or it is elsewhere."""
        if reference == "#":
            return forms.raw(self._root)
        if not reference.startswith("#/"):
            return None
        steps = [step.replace("~1", "/").replace("~0", "~") for step in urllib.parse.unquote(reference[2:]).split("/")]
        found = self._root.get(steps[0])
        for step in steps[1:]:
            if found is None:
                return None
            if (entries := forms.list_of(found)) is not None:
                found = entries[int(step)] if _INDEX.fullmatch(step) and int(step) < len(entries) else None
            else:
                found = (forms.fields_of(found) or {}).get(step)
        return found

    def is_definition(self, reference: str) -> bool:
        """Whether `reference` may stay: it leads to the root, or to one of the root's definitions."""
        if reference == "#":
            return True
        return reference.startswith(("#/$defs/", "#/definitions/")) and (
            reference.count("/") == 2 and self.find(reference) is not None
        )

    def expand(self, fields: Fields, place: str, notes: list[Note]) -> tuple[Fields, int]:
        """`fields` with what their ``$ref`` points to in place of it.

        The number is for `leave`, once the result has been worked through: a definition that leads back to itself is
        told by it, and cut off.
        """
        entered = 0
        while "$ref" in fields:
            rest = {key: value for key, value in fields.items() if key != "$ref"}
            reference = self.local(forms.string_of(fields["$ref"]) or "")
            found = self.find(reference)
            if found is None or not (forms.is_object(found) or forms.is_boolean(found)):
                notes.append(dropped(f"{place}.$ref", "the reference leads nowhere in the schema"))
                return rest, entered
            if forms.is_boolean(found):
                return ({**rest, "not": forms.EMPTY} if forms.is_false(found) else rest), entered
            target = forms.fields_of(found) or {}
            if self._open.count(reference) >= _REPEATS or len(found) > self._left:
                notes.append(approximated(place, "the schema repeats itself without end and was cut off here"))
                kept = {"type": target["type"]} if forms.types_of(target.get("type", forms.EMPTY)) else {}
                return {**kept, **rest}, entered
            self._open.append(reference)
            self._left -= len(found)
            entered += 1
            self.written_out = True
            fields = _joined(target, rest)
        return fields, entered

    def leave(self, entered: int) -> None:
        """What `expand` wrote out has been worked through."""
        if entered:
            del self._open[-entered:]


def _joined(target: Fields, rest: Fields) -> Fields:
    """The node that says what a reference's target and its neighbours say together."""
    target = {key: value for key, value in target.items() if key not in (*DEFINITIONS, "$schema", "$id")}
    if all(key in forms.ANNOTATIONS or forms.tied_to(key).isdisjoint(target) for key in rest):
        return {**target, **rest}
    others = forms.list_of(rest["allOf"]) if "allOf" in rest else None
    return {**rest, "allOf": forms.raw([*(others or ()), target])}
