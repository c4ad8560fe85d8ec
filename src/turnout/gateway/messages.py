"""The door ``POST /v1/messages``: reads a request, and says how it is translated there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.gateway.dialect import Asked
from turnout.routing.overrides import read as read_overrides
from turnout.translate.betas import beta_notes
from turnout.translate.collect import MessageCollector
from turnout.translate.memory import SessionMemory, read_request
from turnout.translate.messages_to_responses import Caches, translate
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.tools import ToolsCache

if TYPE_CHECKING:
    from turnout.gateway.answers import Answers
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live
    from turnout.ledger.record import RequestRecord
    from turnout.protocol.messages import MessagesRequest
    from turnout.translate.memory import Conversation
    from turnout.translate.target import Target
    from turnout.translate.translation import Translation


class MessagesDoor:
    """Answers Messages requests."""

    def __init__(self, live: Live, answers: Answers) -> None:
        self._live = live
        self._answers = answers
        self._caches = Caches(ToolsCache(), SessionMemory())

    async def answer(self, exchange: Exchange, record: RequestRecord) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        now = self._live.snapshot
        server = now.config.server
        # Neither the body nor the request is bound to a name here: whoever answers it lets go of them.
        await self._answers.give(
            exchange, record, now, self._read(exchange, await exchange.body(server.body_limit, server.body_timeout))
        )

    def _read(self, exchange: Exchange, body: bytes) -> Asked:
        # The session's id stands in a header, which is there before the body is read, and in the body
        # (claude-code-wire.md 1).
        session, agent = exchange.header(b"x-claude-code-session-id"), exchange.header(b"x-claude-code-agent-id")
        request, conversation = read_request(body, self._caches.sessions, f"{session}:{agent}" if session else "")
        session = request.metadata_session() or session
        return Asked(
            dialect=MessagesDialect(request, conversation, self._caches, f"msg_{exchange.request_id[4:]}"),
            facts=request,
            overrides=read_overrides(
                exchange.headers,
                request.turnout,
                request.extra_body,
                request.reasoning_effort,
                request.codex_capabilities,
            ),
            thoughts=(conversation.new,),  # of a session that this process knows the rest, of any other one all
            session=session,
            agent=agent if session else "",
            collector=None if request.stream else MessageCollector(),
            notes=beta_notes(exchange.header(b"anthropic-beta")),
        )


class MessagesDialect:
    """One request: a `turnout.gateway.dialect.Dialect`."""

    def __init__(self, request: MessagesRequest, conversation: Conversation, caches: Caches, message_id: str) -> None:
        self._request = request
        self._conversation = conversation
        self._caches = caches
        self._message_id = message_id

    def translate(self, target: Target) -> Translation:
        return translate(self._request, target, self._caches, self._conversation)

    def machine(self, translation: Translation, target: Target, now: float) -> MessagesStream:
        return MessagesStream(
            message_id=self._message_id,
            model=self._request.model,
            target=target,
            full_names=translation.full_names,
            now=now,
            stop_sequences=translation.stop_sequences,
            search=translation.search,
            cleaners=translation.cleaners,
        )
