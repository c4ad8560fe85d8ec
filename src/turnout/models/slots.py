"""Which model a slot stands for when the user has not said: chosen from the catalogue's own order and facts. Pure.

Every choice comes with its reason, in words for the user.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from turnout.models.catalogue import Catalogue, ModelFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SlotName = Literal["opus", "sonnet", "haiku", "fable", "best", "subagent", "background", "other"]
SLOTS: tuple[SlotName, ...] = get_args(SlotName)

FOLLOWS: Mapping[SlotName, SlotName] = {
    "fable": "opus",
    "best": "opus",
    "subagent": "sonnet",
    "background": "haiku",
    "other": "sonnet",
}
"""Slots that stand for what another one stands for, in everything that the user has not said of them."""

DEFAULT_EFFORTS: Mapping[SlotName, str] = {
    "opus": "xhigh",
    "sonnet": "high",
    "haiku": "medium",
    "fable": "xhigh",
    "best": "xhigh",
    "subagent": "high",
    "background": "medium",
    "other": "high",
}
"""Effort of a slot when neither the client nor the user names one."""


API = "api"
"""Stands for a plan where an API key is used: what plans have is of no account then, only what was refused."""


class Choice(msgspec.Struct, frozen=True):
    """A model, and why it was chosen."""

    facts: ModelFacts
    why: str
    """The reason in words, without a full stop."""


def chain(slot: SlotName) -> tuple[SlotName, ...]:
    """The slot, and after it those that it follows."""
    followed = FOLLOWS.get(slot)
    return (slot,) if followed is None else (slot, *chain(followed))


@lru_cache(maxsize=64)  # each request asks, and catalogues never change
def choose(slot: SlotName, catalogue: Catalogue, plan: str = "") -> Choice:
    """The model that a slot stands for by default, of those that ``plan`` may use as far as is known.

    ``plan`` is empty where it is not known, or where none counts. Raises `LookupError` if the catalogue lists no model.
    """
    models = usable_models(catalogue, plan)
    kept_out = "" if len(models) == len(catalogue.listed()) else f", of those that the plan {plan or 'in use'} has"
    match chain(slot)[-1]:
        case "opus":
            return Choice(models[0], f"the strongest: first in the catalogue's order{kept_out}")
        case "haiku":
            return Choice(_lightest(models), f"the lightest: first that is no leader of other agents{kept_out}")
        case _:
            return Choice(_balanced(models), f"balanced: next to the lightest in the catalogue's order{kept_out}")


def default_model(slot: SlotName, catalogue: Catalogue, plan: str = "") -> ModelFacts:
    """The model that `choose` gives, without the reason."""
    return choose(slot, catalogue, plan).facts


def usable_models(catalogue: Catalogue, plan: str = "") -> Sequence[ModelFacts]:
    """The listed models without those that ``plan`` is known not to have; all of them if it had none.

    Raises `LookupError` if the catalogue lists no model.
    """
    listed = catalogue.listed()
    if not listed:
        raise LookupError("the model catalogue lists no model")
    return [facts for facts in listed if allowed(facts.slug, catalogue, plan) is not False] or listed


def allowed(slug: str, catalogue: Catalogue, plan: str) -> bool | None:
    """Whether a plan may use a model, as far as is known; for `API` only what the server has refused counts."""
    if plan == API:
        return False if (slug, API) in catalogue.refused else None
    return catalogue.allows(slug, plan)


def _lightest(models: Sequence[ModelFacts]) -> ModelFacts:
    """The first model that is not offered as a leader of other agents: the small model of the newest generation.

    A catalogue in which every model leads has its small ones last.
    """
    return next((facts for facts in models if not facts.multi_agent), models[-1])


def _balanced(models: Sequence[ModelFacts]) -> ModelFacts:
    """The model just above the lightest in the catalogue's order, below the strongest if there is one between."""
    place = models.index(_lightest(models))
    return models[max(place - 1, min(1, place))]
