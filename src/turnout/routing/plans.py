"""What an account's plan has to do with the model: which one it may not use, and which one it can. Pure.

What a plan really has, only the server knows (codex-backend.md 5.1): nothing here refuses. A default is chosen from
what the plan has; a model that somebody chose is kept, with a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.models.slots import API, allowed, chain, choose
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, mapped

if TYPE_CHECKING:
    from turnout.models.catalogue import Catalogue
    from turnout.models.slots import Choice, SlotName

__all__ = ["API", "default", "fallback", "warning"]

FREE = "free"


def default(slot: SlotName, catalogue: Catalogue, plan: str) -> tuple[Choice, tuple[Note, ...]]:
    """The model that a slot stands for by default, and a note if the plan makes it another one than usually.

    Raises `TurnoutError` (`MODEL_UNAVAILABLE`) if the catalogue lists no model.
    """
    try:
        choice = choose(slot, catalogue, plan)
    except LookupError as error:
        raise fail(
            FailureKind.MODEL_UNAVAILABLE,
            f"No model can be chosen: {error}.",
            "Name one: set model (TURNOUT_MODEL), or ask for the models anew: `turnout models --refresh`.",
        ) from None
    usual = choose(slot, catalogue)
    if choice.facts.slug == usual.facts.slug:
        return choice, ()
    whose = f"in the plan {plan}" if plan and plan != API else "for this account"
    reason = f"{usual.facts.slug} is not {whose}: {choice.facts.slug} instead"
    return choice, (mapped("model", reason),)


def warning(model: str, slot: SlotName | None, catalogue: Catalogue, plan: str) -> tuple[Note, ...]:
    """What to say of a model that somebody chose; nothing if the plan has it as far as is known.

    ``plan`` is empty where it is not known: then only models that the free plan has not are spoken of.
    """
    may = allowed(model, catalogue, plan)
    if may is False:
        instead = fallback(model, slot, catalogue, plan)
        who = f"the plan {plan}" if plan and plan != API else "this account"
        return (approximated("model", f"{model} may not be offered to {who}{_or_else(instead, 'is')}"),)
    facts = catalogue.get(model)
    if may is None and not plan and facts is not None and facts.plans and FREE not in facts.plans:
        instead = fallback(model, slot, catalogue, FREE)
        reason = f"{model} is for paid plans, and the account's plan is not known{_or_else(instead, 'would be')}"
        return (approximated("model", reason),)
    return ()


def fallback(model: str, slot: SlotName | None, catalogue: Catalogue, plan: str) -> str:
    """The model to use in place of one that cannot be used: what the slot stands for else. Empty if there is none."""
    try:
        found = choose(chain(slot)[-1] if slot else "sonnet", catalogue.without(model, plan), plan).facts.slug
    except LookupError:
        return ""
    return "" if found == model else found


def _or_else(instead: str, verb: str) -> str:
    return f"; {instead} {verb}" if instead else ""
