"""The doors below ``/v1/responses/{id}``: what clients ask of answers that they have had already.

The Responses API keeps them at the server; here it is this gateway (`turnout.gateway.response_store`), if its user lets
it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec
from msgspec import Raw

from turnout.gateway.doors import JSON
from turnout.gateway.response_store import ResponseStore, all_items
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import NULL
from turnout.protocol.response_create import head_of
from turnout.translate.response_items import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import ResponsesSettings
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live
    from turnout.gateway.response_store import Stored
    from turnout.protocol.errors import TurnoutError

PAGE = 20
LARGEST_PAGE = 100
"""Items that one answer to ``input_items`` has, if the client does not say, and at most."""

_encode = msgspec.json.encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode


class KeptResponses:
    """The responses that are kept, by what is in force; also while it changes."""

    def __init__(self, live: Live, environ: Mapping[str, str]) -> None:
        self._live = live
        self._environ = environ
        self._made: tuple[ResponsesSettings, ResponseStore] | None = None
        self._left: list[ResponseStore] = []
        """Stores of settings that have changed."""

    @property
    def is_on(self) -> bool:
        """Whether responses are kept at all."""
        return self._live.config.responses.store

    def keep(self, stored: Stored) -> None:
        """Keeps a response."""
        self._store().keep(stored)

    async def conversation(self, response_id: str) -> list[Stored] | None:
        """The responses up to this one; None if one of them is not there."""
        return await self._store().conversation(response_id) if self.is_on else None

    async def item(self, item_id: str) -> Raw | None:
        """An item that was said."""
        return await self._store().item(item_id) if self.is_on else None

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request below ``/v1/responses/``. Raises `TurnoutError`."""
        response_id, _, what = path.removeprefix("/v1/responses/").partition("/")
        if not self.is_on:
            raise fail(
                FailureKind.NOT_FOUND,
                "This gateway keeps no responses.",
                "Turn that on with TURNOUT_RESPONSES_STORE=1.",
            )
        if exchange.method == "DELETE":
            if not await self._store().delete(response_id):
                raise _nothing_called(response_id)
            body = _encode({"id": response_id, "object": "response", "deleted": True})
        elif what == "input_items":
            before = await self._store().conversation(response_id)
            if before is None:
                raise _nothing_called(response_id)
            body = _page(before, exchange.query)
        else:
            stored = await self._store().get(response_id)
            if stored is None:
                raise _nothing_called(response_id)
            if what == "cancel":
                raise fail(FailureKind.BAD_REQUEST, f"{response_id} is complete: there is nothing to cancel.")
            body = stored.response
        await exchange.answer(200, dict(JSON), body)

    def _store(self) -> ResponseStore:
        settings = self._live.config.responses
        if self._made is None or self._made[0] != settings:
            if self._made is not None:
                self._left.append(self._made[1])
            self._made = (settings, ResponseStore.of(self._environ, ttl=settings.ttl, limit=settings.limit))
        return self._made[1]

    async def close(self) -> None:
        """Waits until all that is kept is written down."""
        made, self._made = self._made, None
        for store in (*self._left, *((made[1],) if made else ())):
            await store.close()
        self._left.clear()


def _nothing_called(response_id: str) -> TurnoutError:
    return fail(
        FailureKind.NOT_FOUND,
        f"Response with id '{response_id[:80]}' not found.",
        "It was not kept, or not for so long (TURNOUT_RESPONSES_TTL).",
    )


def _page(conversation: list[Stored], query: bytes) -> bytes:
    """One page of the items that a response was made from: the conversation before it, and its own input."""
    items = [*all_items(conversation[:-1]), *conversation[-1].input]
    named = [_named(item, conversation[-1].id, index) for index, item in enumerate(items)]
    asked = {name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()}
    order, limit = asked.get("order", "desc"), asked.get("limit", str(PAGE))
    if order not in ("asc", "desc"):
        raise fail(FailureKind.BAD_REQUEST, "order: expected asc or desc.")
    if not limit.isdigit() or not 1 <= int(limit) <= LARGEST_PAGE:
        raise fail(FailureKind.BAD_REQUEST, f"limit: expected a number from 1 to {LARGEST_PAGE}.")
    if order == "desc":
        named.reverse()
    if after := asked.get("after"):
        places = [index for index, (item_id, _) in enumerate(named) if item_id == after]
        if not places:
            raise fail(FailureKind.BAD_REQUEST, f"after: there is no item {after[:80]!r}.")
        named = named[places[0] + 1 :]
    page = named[: int(limit)]
    return _encode(
        {
            "object": "list",
            "data": [item for _, item in page],
            "first_id": page[0][0] if page else None,
            "last_id": page[-1][0] if page else None,
            "has_more": len(named) > len(page),
        }
    )


def _named(item: Raw, response_id: str, index: int) -> tuple[str, Raw]:
    """An item in the form in which it is listed: with an id, and a message's text as a part. Its id, and the item."""
    head, fields = head_of(item, "input"), _decode_fields(item)
    mark = hashlib.sha256(f"{response_id}:{index}".encode()).hexdigest()[:48]
    item_id = head.id or f"{PREFIXES.get(head.type, 'item')}_{mark}"
    fields = {"id": NULL, "type": NULL} | fields | {"id": _raw(item_id), "type": _raw(head.type)}
    content = fields.get("content", NULL)
    if head.type == "message" and bytes(memoryview(content)[:1]) == b'"':
        part = {"type": "output_text", "annotations": []} if head.role == "assistant" else {"type": "input_text"}
        fields["content"] = _raw([{**part, "text": _decode_text(content)}])
    return item_id, _raw(fields)


def _raw(value: object) -> Raw:
    return Raw(_encode(value))
