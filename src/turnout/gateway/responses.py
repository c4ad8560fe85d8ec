"""The door ``POST /v1/responses``: reads a request, and says how it goes on and how its answer comes back.

What clients ask of answers that they have had already is `turnout.gateway.kept_responses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw

from turnout.gateway.dialect import Asked
from turnout.gateway.response_store import Stored
from turnout.protocol.fidelity import Note, ignored
from turnout.protocol.reading import NULL
from turnout.protocol.response_create import ResponseCreate, decode_create, head_of
from turnout.routing.facts import Facts
from turnout.routing.overrides import read as read_overrides
from turnout.translate.response_items import REFERENCE
from turnout.translate.response_object import ResponseObject
from turnout.translate.responses_passthrough import translate
from turnout.translate.responses_stream import ResponseCollector, ResponsesStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from turnout.gateway.answers import Answers
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.kept_responses import KeptResponses
    from turnout.gateway.live import Live
    from turnout.ledger.record import RequestRecord
    from turnout.translate.target import Target
    from turnout.translate.translation import Translation

SESSION_HEADERS = (b"session-id", b"session_id", b"thread-id", b"conversation_id", b"x-session-id")
"""Where clients name their conversation, if not in ``prompt_cache_key`` (codex-backend.md 2.1)."""
CODEX = "codex"
"""How the names of Codex clients begin, in ``originator`` and ``User-Agent``."""

_SOME_TOOLS = Raw(b"[{}]")


class ResponsesDoor:
    """Answers Responses requests."""

    def __init__(self, live: Live, answers: Answers, kept: KeptResponses) -> None:
        self._live = live
        self._answers = answers
        self._kept = kept

    async def answer(self, exchange: Exchange, record: RequestRecord) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        now = self._live.snapshot
        server = now.config.server
        # Neither the body nor the request is bound to a name here: whoever answers it lets go of them.
        await self._answers.give(
            exchange,
            record,
            now,
            await read(exchange, await exchange.body(server.body_limit, server.body_timeout), self._kept),
        )


async def read(exchange: Exchange, body: bytes, kept: KeptResponses) -> Asked:
    """A request as the way on wants it. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body."""
    request = decode_create(body)
    wishes = request.wishes
    own = await _resolved(request.items, kept)
    response_id = f"resp_{exchange.request_id[4:]}"
    before = await kept.conversation(wishes.previous_response_id) if wishes.previous_response_id else None
    if before is not None:
        request.fields.pop("previous_response_id")  # all of it is sent: upstream knows nothing of it
    stored = kept.is_on and wishes.store is not False
    named = (exchange.header(name) for name in SESSION_HEADERS)
    session = wishes.prompt_cache_key or next(filter(None, named), "")
    if not session and kept.is_on:
        # The conversation goes by its first response.
        session = before[0].id if before else response_id if stored else ""
    keep = None
    if stored:
        keep = _Keep(kept, response_id, own, wishes.previous_response_id if before is not None else None)
    return Asked(
        dialect=_Responses(request, [*_said_in(before or ()), *own], response_id, is_codex(exchange), keep),
        facts=Facts(
            model=wishes.model,
            effort=wishes.reasoning.effort if wishes.reasoning else None,
            service_tier=wishes.service_tier,
            tools=_SOME_TOOLS if wishes.tools else NULL,
        ),
        overrides=read_overrides(exchange.headers, wishes.turnout, wishes.extra_body, wishes.reasoning_effort),
        thoughts=(),
        session=session,
        collector=None if wishes.stream else ResponseCollector(),
        notes=_notes(request),
    )


def is_codex(exchange: Exchange) -> bool:
    """Whether the client is the Codex CLI or one of its kin."""
    return any(exchange.header(name).lower().startswith(CODEX) for name in (b"originator", b"user-agent"))


def _notes(request: ResponseCreate) -> list[Note]:
    return [ignored("background", "the answer is given at once")] if request.wishes.background else []


def _said_in(conversation: Sequence[Stored]) -> list[Raw]:
    """All items of a conversation, in their order."""
    return [item for each in conversation for item in (*each.input, *each.output)]


async def _resolved(items: list[Raw], kept: KeptResponses) -> list[Raw]:
    """The items, with those that stand for stored ones replaced by them, as far as they are there."""
    for index, item in enumerate(items):
        if REFERENCE.encode() in bytes(memoryview(item)[:200]):
            head = head_of(item, f"input[{index}]")
            if head.type == REFERENCE and head.id and (found := await kept.item(head.id)) is not None:
                items[index] = found
    return items


class _Keep:
    """Keeps one response once it has ended well."""

    def __init__(self, kept: KeptResponses, response_id: str, own: list[Raw], previous: str | None) -> None:
        self._kept = kept
        self._id = response_id
        self._own = own
        self._previous = previous

    def __call__(self, whole: bytes) -> None:
        self._kept.keep(Stored(self._id, whole, self._own, self._previous))


class _Responses:
    """One request: a `turnout.gateway.dialect.Dialect`."""

    def __init__(
        self, request: ResponseCreate, items: list[Raw], response_id: str, for_codex: bool, keep: _Keep | None
    ) -> None:
        self._request = request
        self._items = items
        self._id = response_id
        self._for_codex = for_codex
        self._keep = keep

    def translate(self, target: Target) -> Translation:
        return translate(self._request, self._items, target)

    def machine(self, translation: Translation, target: Target, now: float) -> ResponsesStream:
        response = ResponseObject(self._id, int(now), self._request, stored=self._keep is not None)
        return _KeepingStream(response, now=now, for_codex=self._for_codex, keep=self._keep)


class _KeepingStream(ResponsesStream):
    """Hands the response on before its client has the end of it, so that it is there when the client asks for it."""

    def __init__(
        self, response: ResponseObject, *, now: float, for_codex: bool, keep: Callable[[bytes], None] | None
    ) -> None:
        super().__init__(response, now=now, for_codex=for_codex)
        self._keep = keep

    def feed(self, data: bytes) -> bytes:
        out = super().feed(data)
        if self.finished:
            self._ended()
        return out

    def close(self) -> bytes:
        out = super().close()
        self._ended()
        return out

    def _ended(self) -> None:
        keep, self._keep = self._keep, None
        if keep is not None and self.failure is None:
            keep(self.whole)
