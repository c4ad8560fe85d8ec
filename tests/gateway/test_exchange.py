"""An exchange under any ASGI server: what the gateway's own server tells beyond ASGI is no more than a short cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnout.gateway.exchange import Exchange

if TYPE_CHECKING:
    from turnout.gateway.exchange import Message

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/v1/messages",
    "query_string": b"",
    "headers": [(b"content-length", b"7")],
}


async def _nothing(_: Message) -> None:
    pass


def _exchange(*messages: Message) -> tuple[Exchange, asyncio.Queue[Message]]:
    coming: asyncio.Queue[Message] = asyncio.Queue()
    for message in messages:
        coming.put_nowait(message)
    return Exchange(dict(SCOPE), coming.get, _nothing), coming


def test_a_body_in_pieces() -> None:
    async def read() -> bytes:
        exchange, _ = _exchange(
            {"type": "http.request", "body": b"one ", "more_body": True},
            {"type": "http.request", "body": b"two", "more_body": False},
        )
        return await exchange.body(100, 5)

    assert asyncio.run(read()) == b"one two"


def test_a_client_that_leaves() -> None:
    async def listen() -> list[str]:
        exchange, coming = _exchange()
        told: list[str] = []
        exchange.when_gone(lambda: told.append("gone"))
        await asyncio.sleep(0)
        coming.put_nowait({"type": "http.disconnect"})
        await asyncio.sleep(0.01)
        return told

    assert asyncio.run(listen()) == ["gone"]


def test_nobody_listens_any_more() -> None:
    async def listen() -> list[str]:
        exchange, coming = _exchange()
        told: list[str] = []
        exchange.when_gone(lambda: told.append("gone"))
        await asyncio.sleep(0)
        exchange.when_gone(None)
        coming.put_nowait({"type": "http.disconnect"})
        await asyncio.sleep(0.01)
        return told

    assert asyncio.run(listen()) == []
