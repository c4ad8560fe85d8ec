"""What routing knows of an upstream of the user's own: its models' names, its window, the efforts it may take. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.models import effort as efforts
from turnout.models.catalogue import usable
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, mapped

if TYPE_CHECKING:
    from turnout.config import CustomUpstream
    from turnout.models.catalogue import Catalogue, ModelFacts
    from turnout.models.slots import SlotName
    from turnout.routing.names import Named

PLAIN = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
"""Efforts that every server knows which knows any. ``none`` is said by leaving it out."""


def chosen(settings: CustomUpstream, named: Named, configured: str | None, slot: SlotName | None) -> str | None:
    """The model that somebody has chosen, by the name that it is asked for by; None if nobody has.

    ``configured`` is what the configuration says of the request's slot. The upstream's own names go before Claude's.
    """
    asked = named.wish.name
    if slot is None or asked in settings.models:
        return asked
    return configured or settings.model or None


def default(upstream: str, settings: CustomUpstream, slug: str) -> str:
    """The catalogue's model ``slug``, where the upstream is known to have it. Raises `TurnoutError` otherwise."""
    if slug in settings.models:
        return slug
    raise fail(
        FailureKind.MODEL_UNAVAILABLE,
        f"Nothing says which model of the upstream {upstream} Claude's names stand for.",
        f"Set custom.{upstream}.model, or a slot's model: turnout config set custom.{upstream}.model NAME",
    )


def effort(asked: str | None, settings: CustomUpstream) -> tuple[str | None, tuple[Note, ...]]:
    """The effort to send to a model of which nothing is known, and what there is to say of it."""
    if asked is None or settings.takes.effort == "off":
        return None, ()
    sent = PLAIN.get("max" if asked == efforts.MULTI_AGENT else asked)
    if sent == asked:
        return sent, ()
    return sent, (mapped("effort", f"{asked} is sent as {sent or 'none at all'}: nothing is known of the model"),)


def upstream_name(model: str, settings: CustomUpstream) -> str:
    """What the upstream calls the model."""
    return settings.models.get(model, model)


def window(settings: CustomUpstream, told: ModelFacts | None, known: int) -> int:
    """The usable context window in tokens: the user's word, else what the upstream has ``told`` of the model, else what
    is ``known`` of one of that name."""
    return settings.window or (usable(told.api_window) if told is not None and told.api_window else known)


def facts_name(model: str, settings: CustomUpstream, catalogue: Catalogue) -> str:
    """The name by which the catalogue knows the model: the one it was asked for by, else the upstream's."""
    return model if catalogue.get(model) else upstream_name(model, settings)
