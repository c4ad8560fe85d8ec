"""The door ``POST /v1/messages``: decode → route → translate → send → translate back → record."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

from turnout import log, search
from turnout.gateway import record as records
from turnout.gateway.attempts import Attempts
from turnout.gateway.continuation import Bodies, Continuation
from turnout.gateway.lessons import learn
from turnout.gateway.overflow import Overflow
from turnout.gateway.placement import Step
from turnout.gateway.quota import Meter
from turnout.gateway.relay import Relay
from turnout.gateway.sink import CollectSink, StreamSink
from turnout.gateway.targets import Targets, framing_is_free
from turnout.ledger.previous import Sent
from turnout.protocol.errors import TurnoutError
from turnout.routing.overrides import read as read_overrides
from turnout.translate.betas import beta_notes
from turnout.translate.memory import SessionMemory, read_request
from turnout.translate.messages_to_responses import Caches
from turnout.translate.tools import ToolsCache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.gateway.counting import Counting
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live
    from turnout.gateway.placement import Place, Placement, Placements
    from turnout.ledger.ledger import Ledger
    from turnout.ledger.record import RequestRecord
    from turnout.protocol.errors import Failure
    from turnout.protocol.messages import MessagesRequest
    from turnout.quota.board import Board
    from turnout.upstream.base import Upstream

SESSION_LIMIT = 64
"""Longest ``prompt_cache_key`` in characters."""


class MessagesDoor:
    """Answers Messages requests. What it learns of the models' framings lasts for the process's life."""

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
        self._caches = Caches(ToolsCache(), SessionMemory())

    async def answer(self, exchange: Exchange, record: RequestRecord) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        now = self._live.snapshot
        config, server = now.config, now.config.server
        # The body is bound to no name here: the request's record holds it, and `Attempts` lets go of that.
        request, conversation = read_request(
            await exchange.body(server.body_limit, server.body_timeout), self._caches.sessions, _named_session(exchange)
        )
        session, agent = session_of(request, exchange)
        strict = config.strict or records.asks_for_strictness(exchange)
        records.add_request(record, request, session, agent, strict=strict)
        tap = exchange.tap
        around = tap.around if tap is not None and tap.admit(session) else _as_it_is
        guard = self._overflow.guard(now)
        overrides = read_overrides(exchange.headers, request.turnout, request.extra_body, request.reasoning_effort)
        placement = self._placements.begin(
            now,
            request,
            conversation.new,  # of a session that this process knows the rest, of any other one all
            session,
            overrides=overrides,
            around=lambda upstream: guard.around(around(upstream)),
        )
        meter = Meter(self._board, exchange, self._notice)
        place = await self._first_place(placement, meter, record)
        key = session_key(session, agent)

        async def elsewhere(failure: Failure) -> Step | None:
            move = await placement.next(failure)
            if move is None:
                return None
            records.add_route(record, move.place.route, move.place.credential.tag)
            return Step(move.place, self._targets.make(move.place, key, config), move.note)

        attempts = Attempts(
            request,
            self._targets.make(place, key, config),
            conversation=conversation,
            caches=self._caches,
            strict=place.route.notes if strict else None,
            framing_is_free=framing_is_free(place.route.model, config),
            on_settled=lambda settled: self._targets.remember(placement.route, settled),
        )
        follower = Follower(self._ledger, record, key or "")
        sink = StreamSink(exchange) if request.stream else CollectSink()
        relay = Relay(
            exchange,
            sink,
            upstream=place.upstream,
            credential=place.credential,
            attempts=attempts,
            continuation=Continuation(self._bodies, self._search(config.search), place.upstream),
            timing=config.timing,
            model_asked=place.route.model_asked,
            on_accepted=follower.follow,
            meter=meter,
            elsewhere=elsewhere,
        )
        del request, conversation
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
            asked_for = beta_notes(exchange.header(b"anthropic-beta"))
            records.add_answer(
                record, exchange, relay, attempts, (*asked_for, *placement.route.notes, *placement.notes)
            )
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


class Follower:
    """Puts into a request's record how its body continues the conversation's one before."""

    def __init__(self, ledger: Ledger, record: RequestRecord, conversation: str) -> None:
        self._ledger = ledger
        self._record = record
        self._conversation = conversation
        self._sent: Sent | None = None

    def follow(self, body: bytes) -> None:
        """Upstream has accepted this body. Never fails: the answer is more than what is remembered of it."""
        record = self._record
        record.body_bytes = len(body)
        sent = Sent(
            record.request_id,
            body,
            model=f"{record.upstream}/{record.model}",
            account=f"{record.upstream}/{record.account}",
            at=record.at,
        )
        try:
            record.prefix = self._ledger.previous.follow(self._conversation, sent)
        except Exception:  # noqa: BLE001 (told in the log)
            log.get().exception("defect", id=record.request_id)
        self._sent = sent

    def count(self, tokens: int) -> None:
        """The prompt had so many tokens, which the next request should find in the cache; 0 if that is not known."""
        if self._sent is not None:
            self._sent.tokens = tokens


def session_of(request: MessagesRequest, exchange: Exchange) -> tuple[str, str]:
    """The ids of the session and of the subagent in it that asks; empty for what the request does not name.

    The session id stands in the body, and in a header (claude-code-wire.md 1).
    """
    session = request.metadata_session() or exchange.header(b"x-claude-code-session-id")
    return session, exchange.header(b"x-claude-code-agent-id") if session else ""


def _named_session(exchange: Exchange) -> str:
    """The conversation as the headers name it, before the body is read; empty if they do not."""
    session = exchange.header(b"x-claude-code-session-id")
    return f"{session}:{exchange.header(b'x-claude-code-agent-id')}" if session else ""


def session_key(session: str, agent: str) -> str | None:
    """The conversation's key: its session id, and the agent's id for a subagent, which has a prompt of its own."""
    if not session:
        return None
    key = f"{session}:{agent}" if agent else session
    return key if len(key) <= SESSION_LIMIT else hashlib.sha256(key.encode()).hexdigest()[:SESSION_LIMIT]
