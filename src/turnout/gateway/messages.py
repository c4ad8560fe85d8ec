"""The door ``POST /v1/messages``: decode → route → translate → send → translate back → record."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from turnout.gateway.attempts import Attempts
from turnout.gateway.relay import Relay
from turnout.gateway.sink import CollectSink, StreamSink
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.protocol.messages import decode_request
from turnout.routing.router import route
from turnout.translate.target import Framing, Target
from turnout.translate.tools import ToolsCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.record import Dispatch
    from turnout.models.catalogue import Catalogue
    from turnout.protocol.messages import MessagesRequest
    from turnout.upstream.base import Upstream

SESSION_LIMIT = 64
"""Longest ``prompt_cache_key`` in characters."""


class MessagesDoor:
    """Answers Messages requests. What it learns of the models' framings lasts for the process's life."""

    def __init__(self, config: Config, upstreams: Mapping[str, Upstream], catalogue: Catalogue) -> None:
        self._config = config
        self._upstreams = upstreams
        self._catalogue = catalogue
        self._tools = ToolsCache()
        self._framings: dict[tuple[str, str], Framing] = {}

    async def answer(self, exchange: Exchange, dispatch: Dispatch) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        server = self._config.server
        # The body is bound to no name here: the request's record holds it, and `Attempts` lets go of that.
        request = decode_request(await exchange.body(server.body_limit, server.body_timeout))
        dispatch.model_asked = request.model
        chosen = route(request, self._config, self._catalogue)
        dispatch.model, dispatch.effort, dispatch.slot = chosen.model, chosen.effort, chosen.slot
        upstream = self._upstreams[chosen.upstream]
        credential = await upstream.credential()
        key = (chosen.upstream, chosen.model)
        target = Target(
            model=chosen.model,
            effort=chosen.effort,
            account=credential.tag,
            capabilities=upstream.capabilities,
            framing=self._framings.get(key, chosen.framing),
            image_detail=chosen.image_detail,
            session=session_key(request, exchange),
        )

        def remember(settled: Target) -> None:
            if settled.framing != chosen.framing or key in self._framings:
                self._framings[key] = settled.framing

        attempts = Attempts(
            request,
            target,
            tools=self._tools,
            framing_is_free=self._config.codex.framing.get(chosen.model, "auto") == "auto",
            on_settled=remember,
        )
        sink = StreamSink(exchange) if request.stream else CollectSink()
        relay = Relay(
            exchange,
            sink,
            upstream=upstream,
            credential=credential,
            attempts=attempts,
            timing=self._config.timing,
            model_asked=chosen.model_asked,
        )
        del request
        try:
            failure = await relay.run()
            machine = relay.machine
            if failure is None and machine is not None and isinstance(sink, CollectSink):
                failure = machine.failure
                if failure is None:
                    await exchange.answer(200, {"content-type": "application/json"}, sink.collector.message())
            if failure is not None:
                raise TurnoutError(with_window(failure, chosen.window))
        finally:
            dispatch.attempts = attempts.count
            dispatch.notes = (*chosen.notes, *relay.notes, *attempts.notes)
            if relay.first_output is not None:
                dispatch.ttft_ms = round((relay.first_output - exchange.arrived) * 1000, 1)
            if relay.machine is not None:
                dispatch.usage = relay.machine.usage
                dispatch.notes += tuple(relay.machine.notes)
                dispatch.failure = relay.machine.failure.kind if relay.machine.failure else None


def session_key(request: MessagesRequest, exchange: Exchange) -> str | None:
    """The conversation's key: its session id, and the agent's id for a subagent, which has a prompt of its own.

    The session id stands in the body, and in a header (claude-code-wire.md 1).
    """
    session = request.metadata_session() or exchange.header(b"x-claude-code-session-id")
    if not session:
        return None
    agent = exchange.header(b"x-claude-code-agent-id")
    key = f"{session}:{agent}" if agent else session
    return key if len(key) <= SESSION_LIMIT else hashlib.sha256(key.encode()).hexdigest()[:SESSION_LIMIT]


def with_window(failure: Failure, window: int) -> Failure:
    """An overflow with the model's window in it, if upstream did not say: the client works with the number."""
    if failure.kind is FailureKind.CONTEXT_OVERFLOW and failure.maximum is None:
        return msgspec.structs.replace(failure, maximum=window)
    return failure
