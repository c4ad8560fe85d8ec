"""What is said of models that cannot be had: names that lead nowhere, and models that upstream refuses. Pure."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import Failure, FailureKind
from turnout.routing.plans import fallback
from turnout.translate.errors import MODEL_REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.models.catalogue import Catalogue
    from turnout.routing.route import Route

NEAREST = 3
"""Names that are suggested, at most."""
LONGEST = 100
"""Characters of a client's name that are repeated to it."""

_NEWER = re.compile(r"requires a newer version of Codex", re.IGNORECASE)
_PLAN = re.compile(r"not supported when using Codex with a ChatGPT account", re.IGNORECASE)
_MINIMAL = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """The names that look most like this one, best first; none if none does."""
    by_lowered = {each.lower(): each for each in names}
    return [by_lowered[found] for found in difflib.get_close_matches(name.lower(), by_lowered, NEAREST, 0.5)]


def nothing_called(name: str, names: Sequence[str], catalogued: Sequence[str]) -> Failure:
    """The failure for a name that leads nowhere.

    ``names`` are those that lead somewhere, ``catalogued`` those to suggest where none looks like it, best first.
    """
    close = nearest(name, names)
    suggested = f"Did you mean {_one_of(close)}?" if close else f"There is {_one_of(catalogued[:NEAREST], 'and')}."
    shown = name[:LONGEST]
    return Failure(
        kind=FailureKind.MODEL_UNAVAILABLE,
        message=f"There is no model {shown!r} here.",
        next_step=f"{suggested} `turnout models` lists all; codex/{shown} would be sent as it is.",
        code="model_not_found",
    )


def is_refusal(failure: Failure) -> bool:
    """Whether upstream's words or code say that it is the model; a 404 alone may be a wrong address."""
    return failure.code == "model_not_found" or bool(MODEL_REFUSED.search(failure.message))


def explained(failure: Failure, route: Route, *, plan: str, client_version: str, catalogue: Catalogue) -> Failure:
    """Upstream's refusal of a model in words that help: is it the plan, is it the version, what else can be had.

    ``plan`` is that of the account, as far as it is known; ``client_version`` was announced (codex-backend.md 2.6).
    Where ``catalogue`` has learned of the refusal, defaults avoid the model from now on, which is said as well.
    """
    facts = catalogue.get(route.model)
    instead = fallback(route.model, route.known_slot, catalogue, plan)
    reasons, steps = [], []
    needed = facts.minimal_client_version if facts else ""
    if route.plan_counts and (_NEWER.search(failure.message) or _older(client_version, needed)):
        at_least = f", and this model wants {needed} or newer" if needed else ""
        reasons.append(f"Turnout announces the Codex version {client_version}{at_least}.")
        steps.append("Set codex.client_version (TURNOUT_CLIENT_VERSION) to the latest one.")
    elif route.plan_counts and _PLAN.search(failure.message):
        known = f"the plan {plan}" if plan else "a plan that is not known here"
        reasons.append(f"The account has {known}, which may not have this model; or the name is not one of Codex's.")
    if instead and not route.chosen and (route.model, plan) in catalogue.refused:
        steps.append(f"Requests from now on go to {instead}; send this one again.")
    elif instead:
        steps.append(f"Choose {instead}, which this account should have.")
    close = [name for name in nearest(route.model, (each.slug for each in catalogue.listed())) if name != route.model]
    if facts is None and close:
        steps.append(f"Names like it: {_one_of(close)}.")
    steps.append("`turnout models` lists the models.")
    return msgspec.structs.replace(
        failure, message=" ".join([f"{failure.message.rstrip('.')}.", *reasons]), next_step=" ".join(steps)
    )


def _older(version: str, needed: str) -> bool:
    have, want = _MINIMAL.fullmatch(version), _MINIMAL.fullmatch(needed)
    return bool(have and want and tuple(map(int, have.groups())) < tuple(map(int, want.groups())))


def _one_of(names: Sequence[str], word: str = "or") -> str:
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "none"
