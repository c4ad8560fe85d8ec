"""The door ``POST /v1/chat/completions``: reads a request, and says how it is translated there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.gateway.dialect import Asked
from turnout.protocol import chat as wire
from turnout.protocol.reading import NULL, is_null
from turnout.routing.facts import Facts
from turnout.routing.overrides import read as read_overrides
from turnout.translate.chat_to_responses import translate
from turnout.translate.chat_writer import ChatCollector
from turnout.translate.responses_to_chat import ChatStream

if TYPE_CHECKING:
    from turnout.gateway.answers import Answers
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live
    from turnout.ledger.record import RequestRecord
    from turnout.translate.target import Target
    from turnout.translate.translation import Translation

SESSION_HEADERS = (b"session-id", b"session_id", b"x-session-id", b"x-session-affinity")
"""Where clients name their conversation, if not in ``prompt_cache_key``."""

_SOME_TOOLS = msgspec.Raw(b"[{}]")


class ChatDoor:
    """Answers Chat Completions requests."""

    def __init__(self, live: Live, answers: Answers) -> None:
        self._live = live
        self._answers = answers

    async def answer(self, exchange: Exchange, record: RequestRecord) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        now = self._live.snapshot
        server = now.config.server
        # Neither the body nor the request is bound to a name here: whoever answers it lets go of them.
        await self._answers.give(
            exchange, record, now, _read(exchange, await exchange.body(server.body_limit, server.body_timeout))
        )


def _read(exchange: Exchange, body: bytes) -> Asked:
    request = wire.decode_request(body)
    return Asked(
        dialect=ChatDialect(request, f"chatcmpl-{exchange.request_id[4:]}"),
        facts=Facts(
            model=request.model,
            effort=request.effort,
            service_tier=request.service_tier,
            tools=_SOME_TOOLS if request.tools or request.functions else NULL,
        ),
        overrides=read_overrides(
            exchange.headers, request.turnout, request.extra_body, NULL, request.codex_capabilities
        ),
        thoughts=[each.reasoning_details for each in request.messages if not is_null(each.reasoning_details)],
        session=_session(request, exchange),
        collector=None if request.stream else ChatCollector(),
    )


class ChatDialect:
    """One request: a `turnout.gateway.dialect.Dialect`."""

    def __init__(self, request: wire.ChatRequest, answer_id: str) -> None:
        self._request = request
        self._answer_id = answer_id

    def translate(self, target: Target) -> Translation:
        return translate(self._request, target)

    def machine(self, translation: Translation, target: Target, now: float) -> ChatStream:
        request = self._request
        return ChatStream(
            answer_id=self._answer_id,
            model=request.model,
            target=target,
            full_names=translation.full_names,
            now=now,
            stop_sequences=translation.stop_sequences,
            cleaners=translation.cleaners,
            with_usage=not request.stream or _usage_wanted(request),
            older_calls=bool(request.functions),
            cites=not is_null(request.web_search_options),
        )


def _usage_wanted(request: wire.ChatRequest) -> bool:
    options, usage = request.stream_options, request.usage
    return bool((options and options.include_usage) or (usage and usage.include))


def _session(request: wire.ChatRequest, exchange: Exchange) -> str:
    """The id of the conversation; empty if the request names none. ``user`` names a person, and is none."""
    named = (exchange.header(name) for name in SESSION_HEADERS)
    return request.prompt_cache_key or next(filter(None, named), "")
