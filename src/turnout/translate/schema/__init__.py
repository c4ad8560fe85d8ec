"""A tool's schema on its way upstream, in one of two forms. Works on bytes and changes none of its input.

``faithful``: as it is, mended only where upstream would refuse it. ``strict``: what upstream's strict mode can hold the
model to. What upstream refuses is read from its capabilities.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Raw

from turnout.protocol.fidelity import Note, approximated
from turnout.translate.schema.faithful import mend
from turnout.translate.schema.nulls import NullRemover
from turnout.translate.schema.strict import normalise

if TYPE_CHECKING:
    from turnout.protocol.capabilities import Capabilities

__all__ = ["NullRemover", "Parameters", "ToolSchemaMode", "parameters"]

ToolSchemaMode: TypeAlias = Literal["faithful", "strict"]

CACHED, CACHED_BYTES = 512, 8192
"""How many schemas are not looked at again, and how many bytes one may have. A client describes a tool in new words now
and then, and offers another set of tools to each kind of agent; the schemas stay."""
_NOTES = 20
"""Notes that are kept of one schema."""


class Parameters(msgspec.Struct, frozen=True):
    """The ``parameters`` of a function tool."""

    schema: Raw
    strict: bool
    """To be sent with ``strict: true``."""
    notes: tuple[Note, ...]
    nulls: NullRemover | None
    """Cleans the arguments of calls; None if they need no cleaning, and can be passed on as they come."""


def parameters(schema: Raw, mode: ToolSchemaMode, capabilities: Capabilities, place: str) -> Parameters:
    """A tool's schema as an upstream of these capabilities takes it. `place` is where it stands in the request."""
    known = _without_notes(bytes(schema), mode, capabilities) if len(schema) <= CACHED_BYTES else None
    return known or _made(schema, mode, capabilities, place)


@lru_cache(CACHED)
def _without_notes(schema: bytes, mode: ToolSchemaMode, capabilities: Capabilities) -> Parameters | None:
    """What is made of a schema if there is nothing to note, which would be of its place."""
    made = _made(Raw(schema), mode, capabilities, "")
    return None if made.notes else made


def _made(schema: Raw, mode: ToolSchemaMode, capabilities: Capabilities, place: str) -> Parameters:
    if mode == "faithful":
        mended, notes = mend(schema, capabilities, place)
        return Parameters(mended, False, _bounded(notes, place), None)
    made = normalise(schema, capabilities, place)
    notes = made.notes
    if not made.conforms:
        notes.append(approximated(place, "sent without strict: the strict form cannot say all of it"))
    return Parameters(
        made.schema, made.conforms, _bounded(notes, place), NullRemover(made.shape) if made.shape else None
    )


def _bounded(notes: list[Note], place: str) -> tuple[Note, ...]:
    if len(notes) <= _NOTES:
        return tuple(notes)
    return (*notes[:_NOTES], approximated(place, f"and {len(notes) - _NOTES} more changes"))
