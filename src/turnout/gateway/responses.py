"""The door ``POST /v1/responses``: reads a request, and says how it goes on and how its answer comes back.

What clients ask of answers that they have had already is `turnout.gateway.kept_responses`; WebSockets are
`turnout.gateway.responses_socket`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.gateway.dialect import Asked
from turnout.gateway.response_store import ConnectionMemory, Stored, all_items
from turnout.protocol.fidelity import Note, ignored
from turnout.protocol.reading import NULL
from turnout.protocol.response_create import ResponseCreate, decode_create, head_of
from turnout.protocol.sse import event
from turnout.routing.facts import Facts
from turnout.routing.overrides import read as read_overrides
from turnout.translate.response_collect import COMPACTION_TRIGGER, CompactionCollector, ResponseCollector
from turnout.translate.response_items import REFERENCE, has_additional_tools
from turnout.translate.response_object import ResponseObject
from turnout.translate.responses_passthrough import translate
from turnout.translate.responses_stream import ResponsesStream

if TYPE_CHECKING:
    from turnout.gateway.answers import Answers
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.kept_responses import KeptResponses
    from turnout.gateway.live import Live
    from turnout.ledger.record import RequestRecord
    from turnout.translate.target import Target
    from turnout.translate.translation import Collector, Translation

SESSION_HEADERS = (b"session-id", b"session_id", b"thread-id", b"conversation_id", b"x-session-id")
"""Where clients name their conversation, if not in ``prompt_cache_key`` (codex-backend.md 2.1)."""
CODEX = "codex"
"""How the names of Codex clients begin, in ``originator`` and ``User-Agent``."""

TURN_STATE = "x-codex-turn-state"
"""What keeps the requests of one turn in one place upstream: the client repeats it (codex-backend.md 2.1)."""
FOR_CODEX = ("openai-model", "x-codex-", "x-models-etag", "x-reasoning-included")
"""Headers of upstream's answers that Codex clients read: limits, the model that answered, the turn's state
(codex-backend.md 3.3, 6)."""

_SOME_TOOLS = Raw(b"[{}]")
_NOTHING_SAID = event(b"response.completed", b'{"response":{"status":"completed"}}')


class ResponsesDoor:
    """Answers Responses requests."""

    def __init__(self, live: Live, answers: Answers, kept: KeptResponses) -> None:
        self._live = live
        self._answers = answers
        self._kept = kept

    async def answer(self, exchange: Exchange, record: RequestRecord) -> None:
        """Answers one request and fills in its record. Raises `TurnoutError` if nothing was sent, and `ClientGone`."""
        await self._answer(exchange, record, compacts=False)

    async def compact(self, exchange: Exchange, record: RequestRecord) -> None:
        """`answer` for a conversation that is to be summed up."""
        await self._answer(exchange, record, compacts=True)

    async def _answer(self, exchange: Exchange, record: RequestRecord, *, compacts: bool) -> None:
        now = self._live.snapshot
        server = now.config.server
        body = await exchange.body(server.body_limit, server.body_timeout)
        asked = await self._read(exchange, body, compacts=compacts)
        del body
        if asked is None:
            return
        # What was read is bound to no name here while the answer is given: whoever gives it lets go of it.
        held = [asked]
        del asked
        await self._answers.give(exchange, record, now, held.pop())

    async def _read(self, exchange: Exchange, body: bytes, *, compacts: bool) -> Asked | None:
        """A request as the way on wants it; None if it has been answered.

        Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
        """
        request, memory = decode_create(body), exchange.memory
        wishes, response_id = request.wishes, f"resp_{exchange.request_id[4:]}"
        own = await _resolved(request.items, self._kept)
        remembered = memory.take(wishes.previous_response_id) if memory is not None else None
        before = remembered
        if before is None and wishes.previous_response_id:
            before = await self._kept.conversation(wishes.previous_response_id)
        if before:
            request.fields.pop("previous_response_id")  # all of it is sent: upstream knows nothing of it
        said = _Said(response_id, own, before or [], linked=remembered is None)
        if wishes.generate is False and memory is not None:
            await _prepare(exchange, request, said, memory)
            return None
        stored = self._kept.is_on and wishes.store is not False and not compacts
        named = (exchange.header(name) for name in SESSION_HEADERS)
        session = wishes.prompt_cache_key or next(filter(None, named), "")
        if not session and (before or stored):
            session = before[0].id if before else response_id  # a conversation goes by its first response
        # Where nothing is to be kept, nothing of the request is held while the answer is given.
        keep = _Keep(said, self._kept if stored else None, memory) if stored or memory is not None else None
        items = said.items(compacts=compacts)
        return Asked(
            dialect=_Responses(request, items, response_id, exchange, keep),
            facts=Facts(
                model=wishes.model,
                effort=wishes.reasoning.effort if wishes.reasoning else None,
                service_tier=wishes.service_tier,
                tools=_SOME_TOOLS if wishes.tools else NULL,
            ),
            overrides=read_overrides(
                exchange.headers,
                wishes.turnout,
                wishes.extra_body,
                wishes.reasoning_effort,
                request.fields.get("codex_capabilities", NULL),
            ),
            brings_prompt=bool(wishes.instructions) or has_additional_tools(items),
            thoughts=(),
            session=session,
            collector=_collector(request, compacts=compacts, streams=memory is not None),
            passes=FOR_CODEX if is_codex(exchange) else (),
            notes=_notes(request),
        )


async def _prepare(exchange: Exchange, request: ResponseCreate, said: _Said, memory: ConnectionMemory) -> None:
    """Answers a frame that only prepares the next one: nothing is sent upstream (codex-backend.md 7)."""
    now = time.time()
    response = ResponseObject(said.response_id, int(now), request, stored=False)
    machine = _KeepingStream(response, now=now, for_codex=True, keep=_Keep(said, None, memory))
    out = machine.open() + machine.feed(_NOTHING_SAID)
    await exchange.begin(200, [])
    await exchange.write(out, last=True)


def is_codex(exchange: Exchange) -> bool:
    """Whether the client is the Codex CLI or one of its kin."""
    return any(exchange.header(name).lower().startswith(CODEX) for name in (b"originator", b"user-agent"))


def _collector(request: ResponseCreate, *, compacts: bool, streams: bool) -> Collector | None:
    if compacts:
        return CompactionCollector()
    return None if streams or request.wishes.stream else ResponseCollector()


def _notes(request: ResponseCreate) -> list[Note]:
    return [ignored("background", "the answer is given at once")] if request.wishes.background else []


async def _resolved(items: list[Raw], kept: KeptResponses) -> list[Raw]:
    """The items, with those that stand for stored ones replaced by them, as far as they are there."""
    for index, item in enumerate(items):
        if REFERENCE.encode() in bytes(memoryview(item)[:200]):
            head = head_of(item, f"input[{index}]")
            if head.type == REFERENCE and head.id and (found := await kept.item(head.id)) is not None:
                items[index] = found
    return items


class _Said(msgspec.Struct, frozen=True):
    """What one response goes on from."""

    response_id: str
    own: list[Raw]
    """What its request brought."""
    before: list[Stored]
    """The conversation up to it."""
    linked: bool
    """That conversation is kept for others as well; else it is known to the connection alone."""

    def items(self, *, compacts: bool) -> list[Raw]:
        """All items, in their order."""
        return [*all_items(self.before), *self.own, *([COMPACTION_TRIGGER] if compacts else ())]


class _Keep:
    """Keeps one response once it has ended well."""

    def __init__(self, said: _Said, kept: KeptResponses | None, memory: ConnectionMemory | None) -> None:
        """``kept`` keeps it for others, ``memory`` for its own connection."""
        self._said = said
        self._kept = kept
        self._memory = memory

    @property
    def for_others(self) -> bool:
        """The response can be asked for by its id."""
        return self._kept is not None

    def __call__(self, whole: bytes) -> None:
        said = self._said
        previous = said.before[-1].id if said.before else None
        stored = Stored(said.response_id, whole, said.own, previous)
        if self._memory is not None:
            self._memory.keep([*said.before, stored])
        if self._kept is not None:
            alone = msgspec.structs.replace(stored, input=said.items(compacts=False), previous=None)
            self._kept.keep(stored if said.linked else alone)


class _Responses:
    """One request: a `turnout.gateway.dialect.Dialect`."""

    def __init__(
        self, request: ResponseCreate, items: list[Raw], response_id: str, exchange: Exchange, keep: _Keep | None
    ) -> None:
        self._request = request
        self._items = items
        self._id = response_id
        self._for_codex = is_codex(exchange)
        state = exchange.header(TURN_STATE.encode())
        self._headers = {TURN_STATE: state} if state and self._for_codex else {}
        self._keep = keep

    def translate(self, target: Target) -> Translation:
        made = translate(self._request, self._items, target)
        return msgspec.structs.replace(made, headers=self._headers) if self._headers else made

    def machine(self, translation: Translation, target: Target, now: float) -> ResponsesStream:
        stored = self._keep is not None and self._keep.for_others
        response = ResponseObject(self._id, int(now), self._request, stored=stored)
        return _KeepingStream(response, now=now, for_codex=self._for_codex, keep=self._keep)


class _KeepingStream(ResponsesStream):
    """Hands the response on before its client has the end of it, so that it is there when the client asks for it."""

    def __init__(self, response: ResponseObject, *, now: float, for_codex: bool, keep: _Keep | None) -> None:
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
