"""Takes the nulls out of a call's arguments that only the strict form of a schema asked for.

In the strict form every parameter is required, so a model says null for one that it leaves out; the client's own
schema knows the parameter as optional, and may not take null.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.translate.schema import forms

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shape(msgspec.Struct, frozen=True):
    """Where in a value nulls are to be taken out. One that is false, as `not shape`, has no such place."""

    unset: frozenset[str] = frozenset()
    """Properties whose null means that they are left out."""
    named: frozenset[str] = frozenset()
    """All properties."""
    properties: Mapping[str, Shape] = {}
    """Shapes of the properties that have such places inside."""
    items: Shape | None = None
    """Of each element, in an array."""
    values: Shape | None = None
    """Of each value, in an object of any names."""
    options: tuple[Shape, ...] = ()
    """Of the value, where it is one of several kinds."""

    def __bool__(self) -> bool:
        return bool(self.unset or self.properties or self.items or self.values or any(self.options))


class NullRemover(msgspec.Struct, frozen=True):
    """Cleans the arguments of one tool's calls."""

    shape: Shape

    def clean(self, arguments: str) -> str:
        """`arguments`, a JSON text, without the nulls; the very same string if it has none, or is no JSON."""
        try:
            given = msgspec.json.decode(arguments, type=Raw)
            cleaned = _clean(given, [self.shape])
        except forms.UNREADABLE:
            return arguments
        return arguments if cleaned is given else bytes(cleaned).decode()


def _clean(value: Raw, shapes: list[Shape]) -> Raw:
    """`value` without the nulls, the same object if it has none. `shapes` are those of the kinds it may be of."""
    kinds = [kind for shape in shapes for kind in _kinds(shape)]
    if (fields := forms.fields_of(value)) is not None:
        kept: dict[str, Raw] = {}
        for name, inner in fields.items():
            naming = [kind for kind in kinds if name in kind.named]
            if forms.is_null(inner):
                # Where one kind knows the property as unset and another one takes its null, it is left alone.
                if not naming or any(name not in kind.unset for kind in naming):
                    kept[name] = inner
            else:
                inside = [kind.properties[name] for kind in naming if name in kind.properties]
                inside += [kind.values for kind in kinds if kind.values and name not in kind.named]
                kept[name] = _clean(inner, inside) if inside else inner
        same = len(kept) == len(fields) and all(map(operator.is_, kept.values(), fields.values()))
        return value if same else forms.raw(kept)
    inside = [kind.items for kind in kinds if kind.items]
    if inside and (elements := forms.list_of(value)) is not None:
        cleaned = [_clean(element, inside) for element in elements]
        return value if all(map(operator.is_, cleaned, elements)) else forms.raw(cleaned)
    return value


def _kinds(shape: Shape) -> list[Shape]:
    return [shape, *(kind for option in shape.options for kind in _kinds(option))]
