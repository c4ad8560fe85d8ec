"""Where an answer goes: to the client as it comes, or into one body for a client without streaming."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from turnout.gateway.exchange import Exchange
    from turnout.translate.translation import Collector


class Sink(Protocol):
    """Takes the bytes of an answer's stream."""

    early: bool
    """It may be written to before upstream has said anything."""

    async def write(self, data: bytes, *, last: bool = False) -> None: ...


class StreamSink:
    """Writes to the client. The head of the answer goes out with the first bytes."""

    early = True

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._turn = asyncio.Lock()
        """Answer and keep-alive are written by two tasks, and must come in the order in which they were made."""

    async def write(self, data: bytes, *, last: bool = False) -> None:
        async with self._turn:
            if not self._exchange.status:
                await self._exchange.begin(
                    200,
                    [
                        (b"content-type", b"text/event-stream; charset=utf-8"),
                        (b"cache-control", b"no-cache"),
                        (b"x-accel-buffering", b"no"),
                    ],
                )
            await self._exchange.write(data, last=last)


class CollectSink:
    """Gathers the answer. Nothing may be sent early: what the client gets is one JSON body."""

    early = False

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    async def write(self, data: bytes, *, last: bool = False) -> None:
        self.collector.feed(data)
