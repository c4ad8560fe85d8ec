"""The gateway's own doors: what it remembers of requests, and the recording of a trace. Same admission as all else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from turnout.gateway.doors import JSON, REQUESTS, STATE, STOP, TRACE
from turnout.gateway.life import CONTROL
from turnout.ledger.report import report, summary
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.life import Life
    from turnout.gateway.live import Live
    from turnout.gateway.tracing import Tracer
    from turnout.ledger.ledger import Ledger
    from turnout.ledger.record import RequestRecord

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 1000


class Wanted(msgspec.Struct, frozen=True):
    """The body of ``POST /turnout/trace``."""

    session: str = ""
    """Id or short name of the session to record; empty: the first one that comes."""


class AdminDoor:
    """Answers at the gateway's own paths."""

    def __init__(self, live: Live, ledger: Ledger, tracer: Tracer, life: Life) -> None:
        self._live = live
        self._ledger = ledger
        self._tracer = tracer
        self._life = life

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request. Raises `TurnoutError`."""
        if path == TRACE:
            await self._trace(exchange)
            return
        if path == STOP:
            await self._stop(exchange)
            return
        if path == STATE:
            body = msgspec.json.encode(self._life.state(self._live))
        else:
            body = self._latest(exchange) if path == REQUESTS else await self._one(path.removeprefix(f"{REQUESTS}/"))
        await exchange.answer(200, dict(JSON), body)

    async def _stop(self, exchange: Exchange) -> None:
        """Answers first: nobody hears of an end that has begun."""
        server = self._live.config.server
        ending = self._life.ending(
            exchange.headers.get(CONTROL, b""), await exchange.body(server.body_limit, server.body_timeout)
        )
        await exchange.answer(202, dict(JSON), msgspec.json.encode({"status": "ending"}))
        ending()

    def _latest(self, exchange: Exchange) -> bytes:
        """The latest requests of this gateway, newest first."""
        limit = _limit(exchange)
        records = list(self._ledger.last)[-limit:]
        return msgspec.json.encode({"requests": [summary(record) for record in reversed(records)]})

    async def _one(self, request_id: str) -> bytes:
        return msgspec.json.encode(report(await self._find(request_id)))

    async def _find(self, request_id: str) -> RequestRecord:
        record = self._ledger.find(request_id)
        store = self._ledger.store
        if record is None and store is not None:
            found = await asyncio.to_thread(store.matching, request_id, 1)
            record = next((each for each in found if each.request_id == request_id), None)
        if record is None:
            raise fail(
                FailureKind.NOT_FOUND,
                f"There is no record of the request {request_id[:100]!r}.",
                f"GET {REQUESTS} lists the latest ones.",
            )
        return record

    async def _trace(self, exchange: Exchange) -> None:
        """Answers with the lines of a trace as they come, for as long as the client listens."""
        server = self._live.config.server
        data = await exchange.body(server.body_limit, server.body_timeout)
        try:
            wanted = msgspec.json.decode(data or b"{}", type=Wanted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise fail(FailureKind.BAD_REQUEST, f"The request's body cannot be read: {error}.") from None
        outlet = _Outlet(asyncio.get_running_loop())
        recording = self._tracer.start(lambda: outlet, wanted.session)
        exchange.when_gone(recording.end)
        try:
            await exchange.begin(200, [(b"content-type", b"application/jsonl"), (b"cache-control", b"no-store")])
            while (line := await outlet.lines.get()) is not None:
                await exchange.write(line)
            await exchange.write(b"", last=True)
        finally:
            recording.end()
            exchange.when_gone(None)
            outlet.leave()


class _Outlet:
    """Hands lines over from the recording's thread to the event loop, no faster than they are taken."""

    LINES = 256
    """Lines that may be on their way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue(self.LINES)
        self._loop = loop
        self._left = False

    def write(self, line: bytes) -> None:
        if not self._left:
            asyncio.run_coroutine_threadsafe(self.lines.put(line), self._loop).result()

    def close(self) -> None:
        if not self._left:
            asyncio.run_coroutine_threadsafe(self.lines.put(None), self._loop)

    def leave(self) -> None:
        """Nobody takes lines any more: the thread that waits to hand one over need not."""
        self._left = True
        while not self.lines.empty():
            self.lines.get_nowait()


def _limit(exchange: Exchange) -> int:
    given = parse_qs(exchange.query.decode("latin-1")).get("limit", [str(DEFAULT_LIMIT)])[-1]
    if not given.isdigit() or not 1 <= int(given) <= LARGEST_LIMIT:
        raise fail(FailureKind.BAD_REQUEST, f"limit: expected a whole number from 1 to {LARGEST_LIMIT}.")
    return int(given)
