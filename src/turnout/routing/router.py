"""Decides where a request goes and how: upstream, account, model, effort, tier, framing, window. Pure.

The order in which settings count is told in docs/routing.md. Knows the client's ways to say things and the catalogue,
and no wire format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from turnout.models import effort as efforts
from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts, usable
from turnout.models.slots import API
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail
from turnout.protocol.fidelity import mapped
from turnout.routing import effort, lanes, names, plans, tiers
from turnout.routing.overrides import NONE, Overrides
from turnout.routing.route import DIRECT, Route
from turnout.routing.unknown import nothing_called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Raw

    from turnout.config import Config
    from turnout.routing.lanes import Lane
    from turnout.routing.model_strings import Wish

NO_TOOLS = (b"null", b"[]")
"""``tools`` of a request that offers none."""


class RequestFacts(effort.Meaning, tiers.Wanting, Protocol):
    """What routing needs of a request; `turnout.protocol.messages.MessagesRequest` has it."""

    @property
    def model(self) -> str: ...
    @property
    def tools(self) -> Raw: ...


def route(
    request: RequestFacts,
    config: Config,
    catalogue: Catalogue,
    overrides: Overrides = NONE,
    *,
    upstreams: Mapping[str, Capabilities] = USUAL,
    plan: str = "",
) -> Route:
    """The decision about one request.

    ``upstreams`` are those that there are, and what they take; ``plan`` is that of the ChatGPT account, empty if it is
    not known. Raises `TurnoutError`: `MODEL_UNAVAILABLE` for a name that leads nowhere (every name of Claude's leads
    somewhere), `BAD_REQUEST` for an upstream that is not there.
    """
    named = names.resolve(overrides.model or request.model, config.models.aliases, catalogue, upstreams)
    small = bytes(request.tools) in NO_TOOLS
    lane = lanes.of(named.slot, config, subagent=overrides.subagent, small=small)
    configured = lanes.configured(lane, catalogue, upstreams)
    upstream = (
        overrides.upstream
        or named.wish.upstream
        or (configured.upstream if configured else "")
        or lane.first("upstream")
        or config.upstream
    )
    offered = upstreams.get(upstream)
    if offered is None:
        there = " and ".join(upstreams)
        raise fail(FailureKind.BAD_REQUEST, f"There is no upstream {upstream} here.", f"There is {there}.")
    if not offered.catalogued:
        plan = API

    chosen = _chosen(named, configured, lane, passes=not offered.catalogued, catalogue=catalogue)
    slot = lane.slots[0] if lane.slots else None
    if chosen is None:
        choice, on_model = plans.default(lane.slots[-1], catalogue, plan)
        model = choice.facts.slug
    else:
        model, on_model = chosen, plans.warning(chosen, slot, catalogue, plan)
    facts = catalogue.get(model)

    fixed = overrides.effort or named.wish.effort or lane.or_general("effort")
    if not fixed and configured is not None:
        fixed = configured.effort
    asked, on_effort = effort.wanted(request, fixed, lane)
    sent = efforts.cap(asked, facts)

    wanted = overrides.tier or named.wish.tier or tiers.of_request(request)
    wanted = wanted or (configured.tier if configured else "") or lane.or_general("tier")
    tier, on_tier = tiers.chosen(wanted, facts, offered, model)

    return Route(
        upstream=upstream,
        account=overrides.account or lane.first("account"),
        slot=slot or DIRECT,
        model_asked=request.model,
        model=model,
        chosen=chosen is not None,
        effort=sent,
        effort_asked=asked,
        tier=tier,
        framing="lite" if offered.lite_framing and config.codex.framing.get(model) == "lite" else "plain",
        window=window(facts, offered),
        tool_search=facts is not None and config.tools.tool_search,
        image_detail="original" if facts is not None and facts.original_images else "auto",
        plan_counts=offered.catalogued,
        notes=(
            *(
                (mapped("model", f"{overrides.model} in its place: the request says so itself"),)
                if overrides.model
                else ()
            ),
            *named.wish.notes,
            *(configured.notes if configured else ()),
            *on_model,
            *on_effort,
            *effort.notes_on_cap(asked, sent, model, facts),
            *on_tier,
        ),
    )


def window(facts: ModelFacts | None, offered: Capabilities) -> int:
    """The usable context window in tokens."""
    if facts is None:
        return usable(UNKNOWN_WINDOW)
    if not offered.catalogued and facts.api_window is not None:
        return facts.api_window
    return facts.usable_window


def _chosen(
    named: names.Named, configured: Wish | None, lane: Lane, *, passes: bool, catalogue: Catalogue
) -> str | None:
    """The model that somebody has chosen; None if it is for the catalogue to choose.

    ``passes``: upstream may have models that nothing is known of. What the configuration names always goes through.
    """
    if lane.slots:
        return configured.name if configured else None
    model = named.wish.name
    # The release's own catalogue is older than models are.
    may_be_new = catalogue.source == "bundled" and names.OPENAIS.match(model)
    if named.known or passes or may_be_new:
        return model
    raise TurnoutError(_nowhere(model, lane.config, catalogue))


def _nowhere(name: str, config: Config, catalogue: Catalogue) -> Failure:
    listed = [facts.slug for facts in catalogue.listed()]
    return nothing_called(name, [*listed, *config.models.aliases, *filter(None, names.SHORT)], listed)
