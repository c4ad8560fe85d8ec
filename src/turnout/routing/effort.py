"""The effort that a request means, and what is said where another one is sent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from turnout.models import effort as efforts
from turnout.models.slots import DEFAULT_EFFORTS
from turnout.protocol.fidelity import Note, approximated, mapped

if TYPE_CHECKING:
    from turnout.models.catalogue import ModelFacts
    from turnout.routing.lanes import Lane


class Thinking(Protocol):
    """The ``thinking`` of a request."""

    @property
    def type(self) -> str: ...
    @property
    def budget_tokens(self) -> int | None: ...


class OutputConfig(Protocol):
    """The ``output_config`` of a request."""

    @property
    def effort(self) -> str | None: ...


class Meaning(Protocol):
    """The fields of a request that say an effort."""

    @property
    def thinking(self) -> Thinking | None: ...
    @property
    def output_config(self) -> OutputConfig | None: ...


def of_thinking(thinking: Thinking | None) -> str | None:
    """The effort that a request's ``thinking`` stands for: the least there is where it is switched off, else by its
    budget; None if it says none."""
    if thinking is None:
        return None
    if thinking.type == "disabled":
        return efforts.ORDER[0]
    if thinking.type == "enabled" and thinking.budget_tokens is not None:
        return efforts.of_budget(thinking.budget_tokens)
    return None


def wanted(client: str | None, thinking: str | None, fixed: str, lane: Lane) -> tuple[str | None, tuple[Note, ...]]:
    """The effort that a request means, before capping.

    In order: what is ``fixed`` whatever the client says; what the ``client`` names (``output_config.effort``); what its
    ``thinking`` stands for; the slot's default. A direct model has no slot: the upstream takes its own.
    """
    if fixed:
        effort, notes = _normal(fixed, "model")
        if client and client != effort:
            notes = (*notes, mapped("output_config.effort", f"{client[:20]} gave way to {effort}, which is fixed"))
        return effort, notes
    if client is not None:
        return _normal(client, "output_config.effort")
    if thinking is not None:
        return thinking, ()
    return (DEFAULT_EFFORTS[lane.slots[-1]] if lane.slots else None), ()


def notes_on_cap(asked: str | None, sent: str | None, model: str, facts: ModelFacts | None) -> tuple[Note, ...]:
    """What to say where the effort ``sent`` is not the one ``asked``."""
    if asked is None or asked == sent:
        return ()
    if facts is None or not facts.efforts:
        return (approximated("effort", f"{asked} was left to the upstream: nothing is known of {model}"),)
    return (approximated("effort", f"{asked} became {sent}: {model} has {', '.join(facts.efforts)}"),)


def _normal(effort: str, place: str) -> tuple[str, tuple[Note, ...]]:
    normal = efforts.normal(effort)
    if normal == effort.strip().lower():
        return normal, ()
    return normal, (approximated(place, f"{effort[:20]!r} is no effort that is known: {normal} instead"),)
