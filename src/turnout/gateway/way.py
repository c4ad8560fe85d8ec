"""The way of a request by one route: the account that it is sent with, the next one when its limit is reached, and the
API behind them all.

The order of accounts is decided in `turnout.routing.accounts`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from turnout.gateway.places import Move, Place
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.protocol.fidelity import Note, mapped
from turnout.routing.accounts import first_to_open, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msgspec import Raw

    from turnout.config import Config
    from turnout.gateway.live import Snapshot
    from turnout.gateway.sessions import Sessions
    from turnout.gateway.spill import Spill
    from turnout.gateway.standings import Standings
    from turnout.gateway.who import Who
    from turnout.routing.accounts import Standing
    from turnout.routing.route import Route
    from turnout.translate.messages_writer import TokenUsage
    from turnout.upstream.base import Upstream

REASONS = {
    FailureKind.USAGE_LIMIT: "the usage limit of {} is reached",
    FailureKind.OVERLOADED: "upstream was overloaded for {}",
}
"""The failures after which a request goes on with another account, and how a record says so of the one before."""


def fails_over(config: Config, upstream: str) -> bool:
    """Whether requests to the upstream go on with the next account when one's limit is reached."""
    return upstream == "codex" and config.accounts.policy == "failover"


class Journey(msgspec.Struct, kw_only=True):
    """What all ways of one request have in common."""

    now: Snapshot
    """What is in force for it."""
    around: Callable[[Upstream], Upstream]
    """Wraps the upstreams that it is sent to."""
    session: str
    """Its session; empty if it names none."""
    who: Who
    standings: Standings
    sessions: Sessions
    spill: Spill | None = None
    """The API in place of the plan, if it may go there."""
    notes: list[Note]
    """What is said of accounts that were passed over."""
    first_to_open: str = ""
    """The account whose limit ends first, once no account could be used."""

    def upstream(self, name: str) -> Upstream:
        """The upstream of this name, for this request."""
        return self.around(self.now.upstreams[name])


class Way:
    """One of a request's: asked for its `first` place, and for the `next` one after each failure."""

    def __init__(
        self, journey: Journey, chosen: Route, *, thoughts: Sequence[Raw] = (), spill: Spill | None = None
    ) -> None:
        """``thoughts`` are parts of the conversation, the last one at the end: one that goes on after a restart stays
        with the account whose reasoning it carries. ``spill`` comes behind the accounts, if it does."""
        self.route = chosen
        """The route in force."""
        self._journey = journey
        self._spill = spill
        self._spilled = False
        self._may_spill = True
        self._fails_over = fails_over(journey.now.config, chosen.upstream)
        self._chooses = not chosen.account and (self._fails_over or spill is not None)
        self._stays = ""
        """The account that the session is with."""
        if self._fails_over and self._chooses:
            known = journey.sessions.account(journey.session)
            self._stays = known or journey.standings.account_in(thoughts)
        self._left: list[str] = []
        """Accounts that are still to be tried."""
        self._tried: list[str] = []

    async def first(self) -> Place:
        """Where it goes first. Raises `TurnoutError` if nobody can be asked."""
        if not self._chooses:
            return await self._usual()
        standings = self._standings()
        self._left = in_order(standings, self._stays, time.time(), spills=self._spill is not None)
        place, problem = await self._next_account()
        if place is None and standings:
            place = await self._spill_over()
        if place is not None:
            self._note_the_change(place)
            return place
        if problem is not None:
            raise TurnoutError(problem)
        if standings:
            limit = Failure(kind=FailureKind.USAGE_LIMIT, message="")
            raise TurnoutError(self.told(limit) or limit)
        return await self._usual()  # raises what is wrong with it

    async def next(self, failure: Failure) -> Move | None:
        """Where it goes after the limit of the account before was reached, or upstream was overloaded for it.

        None if there is nowhere else. An overload is no reason to spend money: it passes.
        """
        if not self._tried or self._spilled or failure.kind not in REASONS:
            return None
        before = self._tried[-1]
        overloaded = failure.kind is FailureKind.OVERLOADED
        self._may_spill = self._may_spill and not overloaded
        dry = {each.name for each in self._standings() if each.dry}
        self._left = [name for name in self._left if name not in dry]
        place, _ = await self._next_account()
        if place is None and self._may_spill:
            place = await self._spill_over()
        if place is None:
            return None
        if overloaded and self._stays:
            # Its cache and its reasoning are there: it comes back.
            self._journey.sessions.settle(self._journey.session, before)
        why = REASONS[failure.kind].format(before)
        return Move(place, mapped("account", f"{why}: sent {self._as(place)} instead"))

    def told(self, failure: Failure) -> Failure | None:
        """What the client is told after ``failure`` where nothing else can be tried by this way: of the limits of all
        its accounts, if that is what was met; None otherwise."""
        if not self._chooses or self._spilled or failure.kind is not FailureKind.USAGE_LIMIT:
            return None
        standings = [each for each in self._standings() if each.dry]
        first = first_to_open(standings)
        if first is None:
            return failure
        self._journey.first_to_open = first.name
        message = failure.message or f"The usage limit of the account {first.name} is reached"
        if len(standings) > 1:
            names = ", ".join(each.name for each in standings)
            message = f"The usage limits of all accounts are reached ({names}); the first to open again is {first.name}"
        if self._journey.spill is not None and (why_not := self._journey.spill.why_not):
            message = f"{message.rstrip('.')}. The OpenAI API is not used instead: {why_not}"
        opens_at = first.opens_at if first.opens_at is not None else failure.resets_at
        return msgspec.structs.replace(
            failure, message=message, code="usage_limit_reached", resets_at=None if opens_at is None else int(opens_at)
        )

    def ended(self, usage: TokenUsage | None = None, body_bytes: int = 0) -> None:
        """The request goes this way no more. ``body_bytes`` is the size of the body that upstream accepted, 0 if it
        accepted none."""
        if self._spilled and self._spill is not None:
            self._spill.ended(usage, body_bytes)

    async def _usual(self) -> Place:
        """The account that the route names, else the one to use with its upstream."""
        upstream, in_use = self._journey.upstream(self.route.upstream), self._journey.now.config.upstream
        return Place(upstream, await self._journey.who.credential(upstream, self.route, in_use=in_use), self.route)

    def _standings(self) -> list[Standing]:
        return self._journey.standings.now(all_accounts=self._fails_over)

    async def _next_account(self) -> tuple[Place | None, Failure | None]:
        """The next account whose credential can be had; and why the last one's could not."""
        journey = self._journey
        upstream = journey.upstream(self.route.upstream)
        problem: Failure | None = None
        while self._left:
            name = self._left.pop(0)
            try:
                credential = await upstream.credential(name)
            except TurnoutError as error:
                problem = error.failure
                journey.notes.append(mapped("account", f"{name} was passed over: {problem.message}"))
                continue
            self._tried.append(name)
            journey.sessions.settle(journey.session, name)
            return Place(upstream, credential, self.route), None
        return None, problem

    async def _spill_over(self) -> Place | None:
        """The API in place of the plan, if it may be used."""
        if self._spill is None:
            return None
        upstream = self._journey.upstream(self._spill.route.upstream)
        place = await self._spill.begin(upstream, self._journey.now.config.upstream)
        if place is not None:
            self._spilled, self.route = True, place.route
        return place

    def _note_the_change(self, place: Place) -> None:
        """A session that is not sent as it was before says so in its record."""
        if self._spilled:
            said = f"the plan's usage limit is reached: sent {self._as(place)}"
        elif self._stays and self._stays != place.credential.account:
            said = f"the session was with {self._stays}, which cannot be used now: sent {self._as(place)}"
        else:
            return
        self._journey.notes.append(mapped("account", said))

    def _as(self, place: Place) -> str:
        return "to the OpenAI API" if self._spilled else f"as {place.credential.account}"
