"""The OpenAI API in place of the plan, where the plan's limit is reached: whether one request may go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.gateway.places import Place
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from turnout.gateway.budget import Budget
    from turnout.gateway.live import Snapshot
    from turnout.gateway.who import Who
    from turnout.routing.overrides import Overrides
    from turnout.routing.route import Route
    from turnout.translate.messages_writer import TokenUsage
    from turnout.upstream.base import Upstream


def spills(now: Snapshot, chosen: Route) -> bool:
    """Whether a request may go to the API in place of the plan: not one that names its account."""
    named = chosen.account or chosen.upstream != "codex"
    return not named and now.config.accounts.spill_to == "openai" and "openai" in now.upstreams


def to_api(overrides: Overrides) -> Overrides:
    """What is asked of routing then. Without a tier: what it costs is counted by list prices, and a fast one would go
    beyond the user's cap."""
    return msgspec.structs.replace(overrides, upstream="openai", tier="default")


class Spill:
    """One request's."""

    def __init__(self, chosen: Route, limit: float, budget: Budget, who: Who) -> None:
        """``chosen`` is its route there, ``limit`` the user's cap in US dollars a month."""
        self.route = chosen
        self.why_not = ""
        """Why it is not used, as a sentence without its end; empty as long as there is no reason."""
        self._limit = limit
        self._budget = budget
        self._who = who

    async def begin(self, upstream: Upstream, in_use: str) -> Place | None:
        """The request goes there now; None if it may not, which `why_not` says then. Then `ended` is to be called.

        ``in_use`` is the name of the upstream that the configuration uses.
        """
        try:
            credential = await self._who.credential(upstream, self.route, in_use=in_use)
            self.why_not = await self._refusal()
        except TurnoutError as error:
            self.why_not = error.failure.message
            return None
        return None if self.why_not else Place(upstream, credential, self.route)

    async def _refusal(self) -> str:
        if not await self._budget.knows(self.route.model):
            return f"the price of {self.route.model} is not known"
        return self._budget.begin(self._limit)

    def ended(self, usage: TokenUsage | None, body_bytes: int) -> None:
        """What was begun is over. ``body_bytes`` is the size of the body that upstream accepted, 0 if it accepted
        none."""
        self._budget.ended(self.route.model, usage, body_bytes)
