"""What a gateway learns when upstream refuses a model, and what its client is told then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.models.slots import API
from turnout.protocol.errors import Failure, FailureKind
from turnout.routing.unknown import explained, is_refusal

if TYPE_CHECKING:
    from turnout.gateway.live import Live
    from turnout.routing.route import Route


def learn(failure: Failure, chosen: Route, plan: str, live: Live) -> Failure:
    """The failure in words that help, if upstream has refused the model; the next requests' defaults avoid it then.

    ``plan`` is that of the account, empty if it is not known.
    """
    if failure.kind is not FailureKind.MODEL_UNAVAILABLE or "model" not in failure.message.lower():
        return failure  # a 404 may be a wrong address as well
    whose = plan if chosen.plan_counts else API
    catalogue = live.catalogue
    if is_refusal(failure) and (chosen.model, whose) not in catalogue.refused:
        catalogue = catalogue.without(chosen.model, whose)
        live.use_catalogue(catalogue)
    return explained(failure, chosen, plan=whose, client_version=live.config.codex.client_version, catalogue=catalogue)
