"""Begins the way of every request, with the accounts, their figures and where each session was."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from turnout.gateway.budget import Budget
from turnout.gateway.chain import Chain
from turnout.gateway.outages import Outages
from turnout.gateway.placement import Placement
from turnout.gateway.sessions import Sessions
from turnout.gateway.spill import Spill, spills, to_api
from turnout.gateway.standings import Standings
from turnout.gateway.way import Journey, Way, fails_over
from turnout.gateway.who import Who
from turnout.protocol.errors import TurnoutError
from turnout.routing.overrides import NONE, Overrides
from turnout.routing.rules import BYTES_A_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msgspec import Raw

    from turnout.accounts.store import Accounts
    from turnout.gateway.live import Live, Snapshot
    from turnout.quota.board import Board
    from turnout.quota.spending import Spending
    from turnout.routing.question import Question, RequestFacts
    from turnout.routing.route import Route
    from turnout.upstream.base import Upstream


class Placements:
    """The places of all requests of one gateway."""

    def __init__(
        self, live: Live, *, accounts: Accounts, board: Board, spending: Spending, outages: Outages | None = None
    ) -> None:
        self.spending = spending
        """What has gone to the API in place of the plan."""
        self._live = live
        self._who = Who(accounts)
        self._standings = Standings(accounts, board)
        self._sessions = Sessions()
        self._budget = Budget(spending)
        self._outages = outages or Outages()

    def begin(
        self,
        now: Snapshot,
        request: RequestFacts,
        thoughts: Sequence[Raw],
        session: str,
        *,
        overrides: Overrides = NONE,
        around: Callable[[Upstream], Upstream],
        size: int = 0,
    ) -> Placement:
        """The placement of one request, by what is in force ``now``.

        ``thoughts`` are parts of the conversation in which earlier reasoning may be. ``overrides`` are what the request
        asks for by itself; ``around`` wraps upstreams; ``size`` is the request's bytes, 0 if they are not known.
        Raises `TurnoutError` as `turnout.routing.router.Router.route` does.
        """
        router = now.router
        question = router.question(request, overrides, tokens=size // BYTES_A_TOKEN)
        chosen, plan = self._routed(now, question)
        spill: Spill | None = None
        if spills(now, chosen):
            there = router.route(msgspec.structs.replace(question, overrides=to_api(overrides)))
            spill = Spill(there, now.config.accounts.spill_limit, self._budget, self._who)
        journey = Journey(
            now=now,
            around=around,
            session=session,
            who=self._who,
            standings=self._standings,
            sessions=self._sessions,
            spill=spill,
            notes=[],
        )
        way = Way(journey, chosen, thoughts=thoughts, spill=spill)

        def by_member(member: str) -> Route:
            return router.route(msgspec.structs.replace(question, instead=member), plan)

        chain = Chain(chosen.fallbacks, by_member, now.config.routing.fallback_on, self._outages)
        return Placement(journey, way, chain, self._outages, plan=plan)

    def _routed(self, now: Snapshot, question: Question) -> tuple[Route, str]:
        """The route of a request, and the plan of the account that it is for; empty if that is not known."""
        plan = self._who.plan()
        chosen = now.router.route(question, plan)
        if not chosen.account:
            return chosen, plan
        overrides = question.overrides
        upstream = self._who.upstream(chosen.account)
        if upstream not in ("", chosen.upstream) and not overrides.upstream and upstream in now.upstreams:
            overrides = msgspec.structs.replace(overrides, upstream=upstream)  # the account is of no use elsewhere
        plan = self._who.plan(chosen.account)
        return now.router.route(msgspec.structs.replace(question, overrides=overrides), plan), plan

    async def check(self) -> None:
        """Raises `TurnoutError` if no request could be sent now: the reason of the default account."""
        now = self._live.snapshot
        upstream = now.upstreams[now.config.upstream]
        try:
            await upstream.credential()
        except TurnoutError:
            serve = fails_over(now.config, now.config.upstream)
            others = self._standings.now(all_accounts=True) if serve else []
            for each in others:
                with contextlib.suppress(TurnoutError):
                    await upstream.credential(each.name)
                    return
            raise

    async def close(self) -> None:
        """Waits until all that was spent is written down."""
        await self._budget.close()
