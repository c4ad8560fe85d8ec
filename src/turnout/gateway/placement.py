"""Finds the account that a request is sent with, and the next one when its limit is reached.

The order is decided in `turnout.routing.accounts`; here are the accounts, their figures and where each session was.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.account import State
from turnout.gateway.budget import Budget
from turnout.gateway.chain import Chain
from turnout.gateway.places import Move, Place
from turnout.gateway.who import Who
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.protocol.fidelity import Note, mapped
from turnout.routing.accounts import Standing, first_to_open, in_order
from turnout.routing.overrides import NONE, Overrides
from turnout.routing.rules import BYTES_A_TOKEN
from turnout.translate.reasoning import account_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from msgspec import Raw

    from turnout.accounts.account import Account
    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.gateway.live import Live, Snapshot
    from turnout.quota.board import Board
    from turnout.quota.spending import Spending
    from turnout.routing.question import Question, RequestFacts
    from turnout.routing.route import Route
    from turnout.translate.messages_writer import TokenUsage
    from turnout.upstream.base import Upstream

SESSIONS = 4096
"""Sessions whose accounts are remembered."""
LIST_SECONDS = 2.0
"""How long the list of accounts counts as known."""
SERVING = (State.OK, State.EXPIRED)
"""States of accounts that are worth trying: what has expired may have been renewed by its owner meanwhile."""
REASONS = {
    FailureKind.USAGE_LIMIT: "the usage limit of {} is reached",
    FailureKind.OVERLOADED: "upstream was overloaded for {}",
}
"""The failures after which a request goes on with another account, and how a record says so of the one before."""


def fails_over(config: Config, upstream: str) -> bool:
    """Whether requests to the upstream go on with the next account when one's limit is reached."""
    return upstream == "codex" and config.accounts.policy == "failover"


def spills(now: Snapshot, chosen: Route) -> bool:
    """Whether a request may go to the API in place of the plan: not one that names its account."""
    named = chosen.account or chosen.upstream != "codex"
    return not named and now.config.accounts.spill_to == "openai" and "openai" in now.upstreams


class Placements:
    """The places of all requests of one gateway."""

    def __init__(
        self,
        live: Live,
        *,
        accounts: Accounts,
        board: Board,
        spending: Spending,
    ) -> None:
        self._live = live
        self.who = Who(accounts)
        self.accounts = accounts
        self.board = board
        self.spending = spending
        self.budget = Budget(spending)
        self._sessions: OrderedDict[str, str] = OrderedDict()
        self._listed: tuple[float, list[Account]] = (float("-inf"), [])

    def begin(
        self,
        now: Snapshot,
        request: RequestFacts,
        messages: Sequence[Raw],
        session: str,
        *,
        overrides: Overrides = NONE,
        around: Callable[[Upstream], Upstream],
        size: int = 0,
    ) -> Placement:
        """The placement of one request, by what is in force ``now``.

        ``overrides`` are what it asks for by itself; ``around`` wraps upstreams; ``size`` is the request's bytes, 0 if
        they are not known. Raises `TurnoutError` as `route` does.
        """
        question = now.router.question(request, overrides, tokens=size // BYTES_A_TOKEN)
        chosen, plan = self._route(now, question)

        def by_member(member: str) -> Route:
            return now.router.route(msgspec.structs.replace(question, instead=member), plan)

        rest = Chain(chosen.fallbacks, by_member, now.config.routing.fallback_on)
        stays = ""
        if fails_over(now.config, chosen.upstream) and not chosen.account:
            stays = self.last_account(session) or self._account_in(messages)
        spill: Route | None = None
        if spills(now, chosen):
            # Without a tier: what it costs is counted by list prices, and a fast one would go beyond the user's cap.
            to_api = msgspec.structs.replace(overrides, upstream="openai", tier="default")
            spill = now.router.route(msgspec.structs.replace(question, overrides=to_api))
        return Placement(self, now, chosen, spill, session=session, stays=stays, plan=plan, around=around, chain=rest)

    def _route(self, now: Snapshot, question: Question) -> tuple[Route, str]:
        """The route of a request, and the plan of the account that it is for; empty if that is not known."""
        plan = self.who.plan()
        chosen = now.router.route(question, plan)
        if not chosen.account:
            return chosen, plan
        overrides = question.overrides
        upstream = self.who.upstream(chosen.account)
        if upstream not in ("", chosen.upstream) and not overrides.upstream and upstream in now.upstreams:
            overrides = msgspec.structs.replace(overrides, upstream=upstream)  # the account is of no use elsewhere
        plan = self.who.plan(chosen.account)
        return now.router.route(msgspec.structs.replace(question, overrides=overrides), plan), plan

    def standings(self, *, all_accounts: bool) -> list[Standing]:
        """The accounts that may be tried, the default one first; only that one unless ``all_accounts`` may be."""
        moment = time.monotonic()
        if moment - self._listed[0] > LIST_SECONDS:
            found = [each for each in self.accounts.list() if each.kind == "chatgpt" and each.state in SERVING]
            found.sort(key=lambda each: not each.default)
            self._listed = (moment, found)
        now = time.time()
        return [self._standing(each, now) for each in self._listed[1][: None if all_accounts else 1]]

    def _standing(self, account: Account, now: float) -> Standing:
        quota = self.board.get(account.name, account.tag)
        if quota is None or not quota.is_reached(now):
            return Standing(name=account.name)
        return Standing(name=account.name, dry=True, opens_at=quota.resets_at, refused_at=quota.refused_at)

    def _account_in(self, messages: Sequence[Raw]) -> str:
        """The account whose reasoning a conversation carries: one that goes on after a restart stays there as well."""
        tag = next((tag for message in reversed(messages) if (tag := account_in(bytes(message)))), "")
        self.standings(all_accounts=True)  # the list of accounts, as it is now
        return next((each.name for each in self._listed[1] if tag and each.tag == tag), "")

    def last_account(self, session: str) -> str:
        """The account that the session's last request went to; empty if none is known."""
        return self._sessions.get(session, "")

    def settle(self, session: str, account: str) -> None:
        """The session's request goes to this account."""
        if session:
            self._sessions[session] = account
            self._sessions.move_to_end(session)
            if len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)

    async def check(self) -> None:
        """Raises `TurnoutError` if no request could be sent now: the reason of the default account."""
        now = self._live.snapshot
        upstream = now.upstreams[now.config.upstream]
        try:
            await upstream.credential()
        except TurnoutError:
            serve = fails_over(now.config, now.config.upstream)
            others = [each.name for each in self.standings(all_accounts=True)] if serve else []
            for name in others:
                with contextlib.suppress(TurnoutError):
                    await upstream.credential(name)
                    return
            raise

    async def close(self) -> None:
        """Waits until all that was spent is written down."""
        await self.budget.close()


class Placement:
    """Where one request goes."""

    def __init__(
        self,
        placements: Placements,
        now: Snapshot,
        chosen: Route,
        spill: Route | None,
        *,
        session: str,
        stays: str,
        plan: str,
        around: Callable[[Upstream], Upstream],
        chain: Chain,
    ) -> None:
        """``chosen`` is its route, ``spill`` the one in place of the plan, if there is one; see `Placements.begin`.

        ``chain`` is the rest of the chain of models that it goes by.
        """
        self._chain = chain
        self._all = placements
        self._session = session
        self.plan = plan
        """The plan of the account that it was routed for; empty if that is not known."""
        self._around = around
        self._now = now
        self._route = chosen
        self._fails_over = fails_over(now.config, chosen.upstream)
        self._spill_route = spill
        self._chooses = not chosen.account and (self._fails_over or spill is not None)
        self._left: list[str] = []
        """Accounts that are still to be tried."""
        self._tried: list[str] = []
        self._stays = stays
        self._may_spill = True
        self._why_no_spill = ""
        self._notes: list[Note] = []
        self.spilled = False
        """It goes to the API in place of the plan."""
        self.first_to_open = ""
        """The account whose limit ends first, once `failure` or `first` has found that no account can be used."""

    @property
    def notes(self) -> list[Note]:
        """What is said of the accounts and models that were passed over."""
        return [*self._notes, *self._chain.notes]

    @property
    def route(self) -> Route:
        """The route in force."""
        return self._spill_route if self.spilled and self._spill_route is not None else self._route

    async def first(self) -> Place:
        """Where it goes first. Raises `TurnoutError` if nobody can be asked."""
        try:
            return await self._first()
        except TurnoutError as error:
            move = await self._go_on(error.failure)
            if move is None:
                raise
            self._notes.append(move.note)
            return move.place

    async def _first(self) -> Place:
        if not self._chooses:
            upstream = self._around(self._now.upstreams[self._route.upstream])
            return Place(upstream, await self._usual(upstream, self._route), self._route)
        standings = self._standings()
        spills = self._spill_route is not None
        self._left = in_order(standings, self._stays, time.time(), spills=spills)
        place, problem = await self._next_account()
        if place is None and spills and standings:
            place = await self._spill()
        if place is not None:
            self._note_the_change(place)
            return place
        if problem is not None:
            raise TurnoutError(problem)
        if standings:
            raise TurnoutError(self.failure(Failure(kind=FailureKind.USAGE_LIMIT, message="")))
        upstream = self._now.upstreams[self._route.upstream]
        return Place(upstream, await upstream.credential(), self._route)  # raises what is wrong with it

    async def next(self, failure: Failure, *, accounts: bool = True) -> Move | None:
        """Where it goes after the limit of the account before was reached, or upstream was overloaded for it.

        None if there is nowhere else. An overload is no reason to spend money: it passes. Of a chain of models the next
        one follows when no account is left, or at once unless other ``accounts`` may be tried.
        """
        move = await self._next_of_the_accounts(failure) if accounts else None
        return move or await self._go_on(failure)

    async def _go_on(self, failure: Failure) -> Move | None:
        """The next of the chain that the request goes by, if the failure is one to go on after."""
        chain, before = self._chain, self.route
        as_it_was = (self._route, self._spill_route, self.spilled, self._fails_over, self._chooses)
        while chain.goes_on_after(failure) and (found := chain.take()) is not None:
            self._turn_to(found)
            try:
                place = await self._first()
            except TurnoutError as error:
                chain.pass_over(found, error.failure)
                continue
            return Move(place, chain.turn(before, failure, found), elsewhere=True)
        # What was passed over has not failed: what has is what the client is told of.
        self._route, self._spill_route, self.spilled, self._fails_over, self._chooses = as_it_was
        return None

    def _turn_to(self, found: Route) -> None:
        """The request goes by this route now, with the accounts that serve its upstream."""
        self._route, self._spill_route, self.spilled = found, None, False
        self._fails_over = fails_over(self._now.config, found.upstream)
        self._chooses = self._fails_over and not found.account
        self._stays = self._all.last_account(self._session) if self._chooses else ""
        self._tried, self._left = [], []

    async def _next_of_the_accounts(self, failure: Failure) -> Move | None:
        if not self._tried or self.spilled or failure.kind not in REASONS:
            return None
        before = self._tried[-1]
        overloaded = failure.kind is FailureKind.OVERLOADED
        self._may_spill = self._may_spill and not overloaded
        dry = {each.name for each in self._standings() if each.dry}
        self._left = [name for name in self._left if name not in dry]
        place, _ = await self._next_account()
        if place is None and self._may_spill:
            place = await self._spill()
        if place is None:
            return None
        if overloaded and self._stays:
            self._all.settle(self._session, before)  # its cache and its reasoning are there: it comes back
        why = REASONS[failure.kind].format(before)
        return Move(place, mapped("account", f"{why}: sent {self._as(place)} instead"))

    def failure(self, failure: Failure) -> Failure:
        """What the client is told when nothing else can be tried after ``failure``."""
        if not self._chooses or self.spilled or failure.kind is not FailureKind.USAGE_LIMIT:
            return self._chain.told(failure)
        standings = [each for each in self._standings() if each.dry]
        first = first_to_open(standings)
        if first is None:
            return failure
        self.first_to_open = first.name
        message = failure.message or f"The usage limit of the account {first.name} is reached"
        if len(standings) > 1:
            names = ", ".join(each.name for each in standings)
            message = f"The usage limits of all accounts are reached ({names}); the first to open again is {first.name}"
        if self._why_no_spill:
            message = f"{message.rstrip('.')}. {self._why_no_spill}"
        opens_at = first.opens_at if first.opens_at is not None else failure.resets_at
        return msgspec.structs.replace(
            failure, message=message, code="usage_limit_reached", resets_at=None if opens_at is None else int(opens_at)
        )

    def ended(self, usage: TokenUsage | None, body_bytes: int) -> None:
        """The request is over. ``body_bytes`` is the size of the body that upstream accepted, 0 if it accepted none."""
        if self.spilled and self._spill_route is not None:
            self._all.budget.ended(self._spill_route.model, usage, body_bytes)

    def _standings(self) -> list[Standing]:
        return self._all.standings(all_accounts=self._fails_over)

    async def _usual(self, upstream: Upstream, chosen: Route) -> Credential:
        """The credential of the account that the route names, else of the one to use with its upstream."""
        if chosen.account:
            return await upstream.credential(chosen.account)
        beside = chosen.upstream != self._now.config.upstream
        return await self._all.who.credential(upstream, chosen.upstream, beside=beside)

    async def _next_account(self) -> tuple[Place | None, Failure | None]:
        """The next account whose credential can be had; and why the last one's could not."""
        upstream = self._around(self._now.upstreams[self._route.upstream])
        problem: Failure | None = None
        while self._left:
            name = self._left.pop(0)
            try:
                credential = await upstream.credential(name)
            except TurnoutError as error:
                problem = error.failure
                self._notes.append(mapped("account", f"{name} was passed over: {problem.message}"))
                continue
            self._tried.append(name)
            self._all.settle(self._session, name)
            return Place(upstream, credential, self._route), None
        return None, problem

    async def _spill(self) -> Place | None:
        """The API in place of the plan, if it may be used."""
        if self._spill_route is None:
            return None
        chosen, upstream = self._spill_route, self._around(self._now.upstreams[self._spill_route.upstream])
        try:
            credential = await self._usual(upstream, self._spill_route)
            known = await self._all.budget.knows(chosen.model)
            why_not = (
                self._all.budget.begin(self._now.config.accounts.spill_limit)
                if known
                else f"the price of {chosen.model} is not known"
            )
        except TurnoutError as error:
            why_not = error.failure.message
        if why_not:
            self._why_no_spill = f"The OpenAI API is not used instead: {why_not}"
            return None
        self.spilled = True
        return Place(upstream, credential, chosen)

    def _note_the_change(self, place: Place) -> None:
        """A session that is not sent as it was before says so in its record."""
        if self.spilled:
            self._notes.append(mapped("account", f"the plan's usage limit is reached: sent {self._as(place)}"))
        elif self._stays and self._stays != place.credential.account:
            self._notes.append(
                mapped(
                    "account", f"the session was with {self._stays}, which cannot be used now: sent {self._as(place)}"
                )
            )

    def _as(self, place: Place) -> str:
        return "to the OpenAI API" if self.spilled else f"as {place.credential.account}"
