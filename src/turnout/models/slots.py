"""Which model a slot stands for when the user has not said: chosen from the catalogue's own order and facts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from turnout.models.catalogue import Catalogue, ModelFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

SlotName = Literal["opus", "sonnet", "haiku", "other"]
SLOTS: tuple[SlotName, ...] = get_args(SlotName)

DEFAULT_EFFORTS: Mapping[SlotName, str] = {"opus": "xhigh", "sonnet": "high", "haiku": "medium", "other": "high"}
"""Effort of a slot when neither the client nor the user names one."""


def default_model(slot: SlotName, catalogue: Catalogue) -> ModelFacts:
    """The model that a slot stands for by default. Raises `LookupError` if the catalogue lists no model."""
    match slot:
        case "opus":
            return strongest(catalogue)
        case "haiku":
            return lightest(catalogue)
        case _:
            return balanced(catalogue)


def strongest(catalogue: Catalogue) -> ModelFacts:
    """The model that the catalogue offers first."""
    listed = catalogue.listed()
    if not listed:
        raise LookupError("the model catalogue lists no model")
    return listed[0]


def lightest(catalogue: Catalogue) -> ModelFacts:
    """The first model that is not offered as a leader of other agents: the small model of the newest generation.

    A catalogue in which every model leads has its small ones last.
    """
    strongest(catalogue)
    listed = catalogue.listed()
    return next((facts for facts in listed if not facts.multi_agent), listed[-1])


def balanced(catalogue: Catalogue) -> ModelFacts:
    """The model just above the lightest in the catalogue's order, below the strongest if there is one between."""
    listed = catalogue.listed()
    place = listed.index(lightest(catalogue))
    return listed[max(place - 1, min(1, place))]
