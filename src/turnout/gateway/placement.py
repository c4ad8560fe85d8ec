"""Where one request goes: by which route, as whom, and where it goes on to after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.gateway.places import Move, Place
from turnout.gateway.way import Journey, Way
from turnout.protocol.errors import Failure, TurnoutError

if TYPE_CHECKING:
    from turnout.gateway.chain import Chain
    from turnout.gateway.outages import Outages
    from turnout.protocol.fidelity import Note
    from turnout.routing.route import Route
    from turnout.translate.messages_writer import TokenUsage


class Placement:
    """One request's: first the accounts by one route, and then the rest of the chain of models that it goes by."""

    def __init__(self, journey: Journey, way: Way, chain: Chain, outages: Outages, *, plan: str) -> None:
        """``way`` is the first one of the ``journey``, ``chain`` are the models to go on with."""
        self._outages = outages
        self._journey = journey
        self._way = way
        self._chain = chain
        self.plan = plan
        """The plan of the account that it was routed for; empty if that is not known."""

    @property
    def notes(self) -> list[Note]:
        """What is said of the accounts and models that were passed over."""
        return [*self._journey.notes, *self._chain.notes]

    @property
    def route(self) -> Route:
        """The route in force."""
        return self._way.route

    @property
    def first_to_open(self) -> str:
        """The account whose limit ends first, once `failure` or `first` has found that no account can be used."""
        return self._journey.first_to_open

    async def first(self) -> Place:
        """Where it goes first. Raises `TurnoutError` if nobody can be asked."""
        known = self._outages.of(self._way.route.upstream)
        if known is not None and self._chain.leads_around(known) and (move := await self._go_on(known)) is not None:
            return self._turned(move)
        try:
            return await self._way.first()
        except TurnoutError as error:
            if (move := await self._go_on(error.failure)) is None:
                raise
            return self._turned(move)

    def _turned(self, move: Move) -> Place:
        self._journey.notes.append(move.note)
        return move.place

    async def next(self, failure: Failure, *, accounts: bool = True) -> Move | None:
        """Where it goes after ``failure``; None if there is nowhere else.

        Of a chain of models the next one follows when no account is left, or at once unless other ``accounts`` may be
        tried.
        """
        self._outages.saw(self.route.upstream, failure)
        move = await self._way.next(failure) if accounts else None
        return move or await self._go_on(failure)

    def failure(self, failure: Failure) -> Failure:
        """What the client is told when nothing else can be tried after ``failure``."""
        return self._way.told(failure) or self._chain.told(failure)

    def ended(self, usage: TokenUsage | None, body_bytes: int) -> None:
        """The request is over. ``body_bytes`` is the size of the body that upstream accepted, 0 if it accepted none."""
        self._way.ended(usage, body_bytes)

    async def _go_on(self, failure: Failure) -> Move | None:
        """The next of the chain that the request goes by, if the failure is one to go on after."""
        chain, before = self._chain, self._way
        while chain.goes_on_after(failure) and (found := chain.take()) is not None:
            way = Way(self._journey, found)
            try:
                place = await way.first()
            except TurnoutError as error:
                # What was passed over has not failed: the way before stays in force, and is what the client hears of.
                chain.pass_over(found, error.failure)
                continue
            before.ended()
            self._way = way
            return Move(place, chain.turn(before.route, failure, found), elsewhere=True)
        return None
