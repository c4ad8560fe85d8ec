"""The doors that count tokens: ``POST /v1/messages/count_tokens`` and ``POST /v1/responses/input_tokens``.

What is counted is the request as it would go upstream. An API's own count is asked for where the user allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout import log
from turnout.gateway.doors import COUNT_TOKENS, JSON
from turnout.gateway.response_store import all_items
from turnout.gateway.targets import profile_of, profiled
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.protocol.messages import MessagesRequest
from turnout.protocol.reading import NULL
from turnout.protocol.response_create import items_of
from turnout.routing.overrides import read as read_overrides
from turnout.translate.memory import SessionMemory, read_request
from turnout.translate.messages_to_responses import Caches, translate
from turnout.translate.profile import resolved
from turnout.translate.profiled import applied
from turnout.translate.reasoning import account_in
from turnout.translate.responses_passthrough import not_found
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache
from turnout.upstream.input_tokens import CountsTokens

if TYPE_CHECKING:
    from turnout.gateway.counting import Counting
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.kept_responses import KeptResponses
    from turnout.gateway.live import Live, Snapshot
    from turnout.routing.overrides import Overrides
    from turnout.routing.route import Route
    from turnout.upstream.base import Upstream

TOOLS_BYTES = 4 * 1024 * 1024
"""Bytes of translated tools that are kept: a client has them counted one by one."""


class _Asked(msgspec.Struct):
    """What is read of a Responses request beside what is counted."""

    model: str | None = None
    input: Raw = NULL
    previous_response_id: str | None = None
    conversation: Raw = NULL


class TokenCountsDoor:
    """Answers how many tokens a request has."""

    def __init__(self, live: Live, counting: Counting, kept: KeptResponses) -> None:
        self._live = live
        self._kept = kept
        self._counting = counting
        self._caches = Caches(ToolsCache(TOOLS_BYTES), SessionMemory(0))

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request. Raises `TurnoutError`."""
        snapshot = self._live.snapshot
        server = snapshot.config.server
        body = await exchange.body(server.body_limit, server.body_timeout)
        if path == COUNT_TOKENS:
            answer: dict[str, object] = {"input_tokens": await self._of_messages(body, exchange, snapshot)}
        else:
            tokens = await self._of_responses(body, exchange, snapshot)
            answer = {"object": "response.input_tokens", "input_tokens": tokens}
        await exchange.answer(200, dict(JSON), msgspec.json.encode(answer))

    async def _of_messages(self, body: bytes, exchange: Exchange, snapshot: Snapshot) -> int:
        """The tokens of a Messages request, translated as it would be."""
        request, conversation = read_request(body, self._caches.sessions, "")
        overrides = read_overrides(
            exchange.headers,
            request.turnout,
            request.extra_body,
            request.reasoning_effort,
            request.codex_capabilities,
        )
        chosen = _route(request, overrides, snapshot)
        target = Target(
            model=chosen.model,
            effort=chosen.effort,
            # Whoever thought it: what the client has kept of a conversation is what it would send.
            account=account_in(bytes(conversation.new)),
            capabilities=snapshot.upstreams[chosen.upstream].capabilities,
            framing=chosen.framing,
            image_detail=chosen.image_detail,
            tool_search=chosen.tool_search,
            session=None,
        )
        profile = resolved(profile_of(snapshot.config, chosen.upstream), overrides.capabilities, brings_prompt=False)
        target = profiled(target, profile, chosen.upstream, snapshot)
        translated = applied(translate(request, target, self._caches, conversation), target).body
        return await self._count(translated, chosen, snapshot)

    async def _of_responses(self, body: bytes, exchange: Exchange, snapshot: Snapshot) -> int:
        """The tokens of a Responses request."""
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise fail(FailureKind.BAD_REQUEST, f"The request body cannot be read: {error}.") from None
        if asked.conversation != NULL:
            raise fail(
                FailureKind.BAD_REQUEST,
                "conversation: what the upstream has stored cannot be counted here.",
                "Send the whole conversation in input.",
            )
        if asked.previous_response_id:
            before = await self._kept.conversation(asked.previous_response_id)
            if before is None:
                raise not_found(asked.previous_response_id)
            body = _with(body, "input", [*all_items(before), *items_of(asked.input)])
            body = _with(body, "previous_response_id", None)
        if not asked.model:
            return (await self._counting.count(body)).total
        overrides = read_overrides(exchange.headers, NULL, NULL, NULL)
        chosen = _route(MessagesRequest(model=asked.model, messages=[]), overrides, snapshot)
        return await self._count(_with(body, "model", chosen.model), chosen, snapshot)

    async def _count(self, request: bytes, chosen: Route, snapshot: Snapshot) -> int:
        """The upstream's own count where it has one and the user allows it, else Turnout's."""
        if snapshot.config.tokens.exact:
            exact = await self._exact(request, snapshot.upstreams[chosen.upstream], chosen.account)
            if exact is not None:
                return exact
        return (await self._counting.count(request)).total

    async def _exact(self, request: bytes, upstream: Upstream, account: str) -> int | None:
        if not isinstance(upstream, CountsTokens):
            return None
        try:
            return await upstream.count(request, await upstream.credential(account or None))
        except TurnoutError as error:
            log.get().warning("not_counted_upstream", upstream=upstream.name, reason=error.failure.message)
            return None


def _route(request: MessagesRequest, overrides: Overrides, snapshot: Snapshot) -> Route:
    """Where the request would go, as far as its tokens depend on that: on the account's plan they do not."""
    return snapshot.router.route(snapshot.router.question(request, overrides))


def _with(request: bytes, name: str, value: object) -> bytes:
    """The request with another value for a field."""
    fields = msgspec.json.decode(request, type=dict[str, Raw])
    fields[name] = Raw(msgspec.json.encode(value))
    return msgspec.json.encode(fields)
