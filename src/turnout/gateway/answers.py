"""The way that all requests for an answer go once their door has read them: route → send → tell → record."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from turnout import search
from turnout.gateway import record as records
from turnout.gateway.attempts import Attempts
from turnout.gateway.continuation import Bodies, Continuation
from turnout.gateway.follower import Follower
from turnout.gateway.lessons import learn
from turnout.gateway.overflow import Overflow
from turnout.gateway.places import Step
from turnout.gateway.quota import Meter
from turnout.gateway.relay import Relay
from turnout.gateway.sink import CollectSink, StreamSink
from turnout.gateway.targets import Targets, framing_is_free
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.gateway.counting import Counting
    from turnout.gateway.dialect import Asked
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live, Snapshot
    from turnout.gateway.placement import Placement
    from turnout.gateway.placements import Placements
    from turnout.gateway.places import Place
    from turnout.ledger.ledger import Ledger
    from turnout.ledger.record import RequestRecord
    from turnout.protocol.errors import Failure
    from turnout.quota.board import Board
    from turnout.translate.target import Target
    from turnout.upstream.base import Upstream

SESSION_LIMIT = 64
"""Longest ``prompt_cache_key`` in characters."""


class Answers:
    """Gives the answers of one gateway. What it learns of the models' framings lasts for the process's life."""

    def __init__(
        self,
        live: Live,
        placements: Placements,
        ledger: Ledger,
        *,
        board: Board,
        counting: Counting,
        notice: Callable[[Credential, Mapping[str, str]], None],
    ) -> None:
        """The ``board`` has the quota; ``notice`` is shown the headers of upstream's answers."""
        self._notice = notice
        self._overflow = Overflow(counting)
        self._board = board
        self._ledger = ledger
        self._search = lru_cache(maxsize=2)(search.build)
        """The search service of a configuration, for upstreams that do not search the web themselves."""
        self._bodies = Bodies()
        self._live = live
        self._placements = placements
        self._targets = Targets()

    async def give(self, exchange: Exchange, record: RequestRecord, now: Snapshot, asked: Asked) -> None:
        """Answers one request by what is in force ``now``, and fills in its record.

        Raises `TurnoutError` if nothing was sent, and `ClientGone`. The caller must hold nothing of ``asked``: it is
        let go of as soon as it need not be sent again, while the answer may take minutes.
        """
        config = now.config
        strict = config.strict or records.asks_for_strictness(exchange)
        streamed, session = asked.collector is None, asked.session
        records.add_request(record, asked.facts.model, session, asked.agent, streamed=streamed, strict=strict)
        tap = exchange.tap
        around = tap.around if tap is not None and tap.admit(session) else _as_it_is
        guard = self._overflow.guard(now)
        placement = self._placements.begin(
            now,
            asked.facts,
            asked.thoughts,
            session,
            overrides=asked.overrides,
            around=lambda upstream: guard.around(around(upstream)),
            size=exchange.size,
        )
        meter = Meter(self._board, exchange, self._notice, passes=asked.passes)
        place = await self._first_place(placement, meter, record)
        key = session_key(session, asked.agent)

        wanted, brings_prompt = asked.overrides.capabilities, asked.brings_prompt

        def target_for(where: Place) -> Target:
            return self._targets.make(where, key, now, wanted, brings_prompt=brings_prompt)

        async def elsewhere(failure: Failure, accounts: bool) -> Step | None:
            move = await placement.next(failure, accounts=accounts)
            if move is None:
                return None
            records.add_route(record, move.place.route, move.place.credential.tag)
            return Step(move.place, target_for(move.place), move.note, move.elsewhere)

        attempts = Attempts(
            asked.dialect,
            target_for(place),
            strict=place.route.notes if strict else None,
            framing_is_free=framing_is_free(place.route.model, config),
            on_settled=lambda settled: self._targets.remember(placement.route, settled),
        )
        follower = Follower(self._ledger, record, key or "")
        sink = StreamSink(exchange) if asked.collector is None else CollectSink(asked.collector)
        relay = Relay(
            exchange,
            sink,
            upstream=place.upstream,
            credential=place.credential,
            attempts=attempts,
            continuation=Continuation(self._bodies, self._search(config.search), place.upstream),
            timing=config.timing,
            on_accepted=follower.follow,
            meter=meter,
            elsewhere=elsewhere,
        )
        said = asked.notes
        del asked
        try:
            failure = await relay.run()
            machine = relay.machine
            if failure is None and machine is not None and isinstance(sink, CollectSink):
                failure = machine.failure
                if failure is None:
                    await exchange.answer(200, {"content-type": "application/json"}, sink.collector.message())
            if failure is not None:
                failure = placement.failure(failure)
                failure = learn(failure, placement.route, placement.plan, self._live)
                meter.all_dry(placement.first_to_open)
                raise TurnoutError(await guard.with_numbers(failure))
        finally:
            records.add_answer(record, exchange, relay, attempts, (*said, *placement.route.notes, *placement.notes))
            placement.ended(record.usage, record.body_bytes)
            prompt_tokens = record.prompt_tokens if relay.rounds == 1 else 0
            follower.count(prompt_tokens)
            guard.counted(prompt_tokens)

    async def _first_place(self, placement: Placement, meter: Meter, record: RequestRecord) -> Place:
        """Where the request goes first. Raises `TurnoutError` if nobody can be asked."""
        records.add_route(record, placement.route, "")
        try:
            place = await placement.first()
        except TurnoutError:
            meter.all_dry(placement.first_to_open)
            raise
        meter.chosen(place.credential)
        records.add_route(record, place.route, place.credential.tag)
        return place


def _as_it_is(upstream: Upstream) -> Upstream:
    return upstream


def session_key(session: str, agent: str) -> str | None:
    """The conversation's key: its session id, and the agent's id for a subagent, which has a prompt of its own."""
    if not session:
        return None
    key = f"{session}:{agent}" if agent else session
    return key if len(key) <= SESSION_LIMIT else hashlib.sha256(key.encode()).hexdigest()[:SESSION_LIMIT]
