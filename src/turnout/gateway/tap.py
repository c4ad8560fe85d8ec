"""Listens to one exchange: what the client asked, what upstream was sent and said, what the client was told.

Exchange and upstream are wrapped for the requests that are recorded, and only those: where nothing is recorded, nothing
of this is on the path of a byte. Where it all goes is `turnout.gateway.tracing`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from turnout.gateway.exchange import Exchange
from turnout.ledger import trace
from turnout.ledger.record import short_name
from turnout.protocol.errors import TurnoutError
from turnout.protocol.sse import SseOverflowError, SseSplitter, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.gateway.exchange import Receive, Scope, Send
    from turnout.gateway.tracing import Recording
    from turnout.ledger.record import RequestRecord
    from turnout.ledger.standins import StandIns
    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.errors import Failure
    from turnout.upstream.base import Call, Upstream, UpstreamStream


class Tap:
    """Takes what passes in one exchange to the recording, once it is known to be of the session that is recorded."""

    def __init__(self, recording: Recording, exchange: Exchange) -> None:
        self._recording = recording
        self._exchange = exchange
        self._number: int | None = None
        self._body = b""
        self._attempts = 0
        self._told: SseSplitter | None = None
        self._whole: list[bytes] = []

    def asked(self, body: bytes) -> None:
        """The client's request, held until its session is known."""
        self._body = body

    def admit(self, session: str) -> bool:
        """The request is of this session (an id; empty if it names none). Whether it is recorded."""
        body, self._body = self._body, b""
        number = self._number = self._recording.begin(session)
        if number is None:
            return False
        exchange = self._exchange
        at = round(time.time() - (time.perf_counter() - exchange.arrived), 3)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers.items()}

        def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
            yield trace.Asked(
                exchange=number,
                t=0.0,
                at=at,
                request_id=exchange.request_id,
                session=short_name(session),
                method=exchange.method,
                path=exchange.path,
                headers=stand_ins.headers(headers),
                body=stand_ins.json(body),
            )

        self._recording.put(len(body), lines)
        return True

    def around(self, upstream: Upstream) -> Upstream:
        """The upstream, listened to."""
        return _TappedUpstream(upstream, self)

    def sent(self, upstream: str, call: Call) -> None:
        """A request goes upstream."""
        self._attempts += 1
        attempt, body, model, lite = self._attempts, call.body, call.model, call.lite
        self._put(
            len(body),
            lambda number, t, stand_ins: trace.SentUp(
                exchange=number,
                t=t,
                attempt=attempt,
                upstream=upstream,
                model=model,
                lite=lite,
                body=stand_ins.json(body),
            ),
        )

    def opened(self, headers: Mapping[str, str]) -> None:
        """Upstream has answered."""
        held = dict(headers)
        self._put(0, lambda number, t, stand_ins: trace.Opened(exchange=number, t=t, headers=stand_ins.headers(held)))

    def refused(self, failure: Failure) -> None:
        """Upstream has failed."""
        self._put(
            0,
            lambda number, t, stand_ins: trace.Refused(
                exchange=number, t=t, failure=failure.kind, text=stand_ins.text(failure.text)
            ),
        )

    def heard(self, splitter: SseSplitter, data: bytes) -> None:
        """Bytes of upstream's stream."""
        number, t = self._number, self._now()
        if number is None:
            return

        def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
            for name, content in _events(splitter, data):
                yield trace.Heard(exchange=number, t=t, event=name, data=stand_ins.json(content))

        self._recording.put(len(data), lines)

    def answered(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of the answer."""
        shown = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
        if shown.get("content-type", "").startswith("text/event-stream"):
            self._told = SseSplitter()
        self._put(
            0,
            lambda number, t, stand_ins: trace.Answered(
                exchange=number, t=t, status=status, headers=stand_ins.headers(shown)
            ),
        )

    def told(self, data: bytes, *, last: bool) -> None:
        """Bytes of the answer."""
        number, t, splitter = self._number, self._now(), self._told
        if number is None:
            return
        if splitter is not None:

            def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
                for name, content in _events(splitter, data):
                    yield trace.Told(exchange=number, t=t, event=name, data=stand_ins.json(content))

            self._recording.put(len(data), lines)
            return
        self._whole.append(data)
        if last:
            whole, self._whole = b"".join(self._whole), []
            self._put(
                len(whole), lambda number, t, stand_ins: trace.Whole(exchange=number, t=t, data=stand_ins.json(whole))
            )

    def ended(self, record: RequestRecord) -> None:
        """The exchange is over."""
        self._body = b""
        if self._number is not None:
            self._put(0, lambda number, t, _: trace.Ended(exchange=number, t=t, record=record))
            self._recording.one_is_over()

    def _put(self, size: int, line: Callable[[int, float, StandIns], trace.Line]) -> None:
        number, t = self._number, self._now()
        if number is not None:
            self._recording.put(size, lambda stand_ins: (line(number, t, stand_ins),))

    def _now(self) -> float:
        return round((time.perf_counter() - self._exchange.arrived) * 1000, 3)


class TappedExchange(Exchange):
    """An exchange that a tap listens to."""

    __slots__ = ("tap",)

    def __init__(self, scope: Scope, receive: Receive, send: Send, recording: Recording) -> None:
        super().__init__(scope, receive, send)
        self.tap: Tap | None = Tap(recording, self)

    async def body(self, limit: int, seconds: float) -> bytes:
        data = await super().body(limit, seconds)
        if self.tap is not None:
            self.tap.asked(data)
        return data

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if self.tap is not None:
            self.tap.answered(status, headers)
        await super().begin(status, headers)

    async def write(self, data: bytes, *, last: bool = False) -> None:
        if self.tap is not None:
            self.tap.told(data, last=last)
        await super().write(data, last=last)


class _TappedUpstream:
    """An upstream that a tap listens to."""

    def __init__(self, upstream: Upstream, tap: Tap) -> None:
        self.name = upstream.name
        self.capabilities: Capabilities = upstream.capabilities
        self._upstream = upstream
        self._tap = tap

    async def credential(self, account: str | None = None) -> Credential:
        return await self._upstream.credential(account)

    async def renew(self, refused: Credential) -> Credential | None:
        return await self._upstream.renew(refused)

    async def open(self, call: Call, credential: Credential) -> UpstreamStream:
        self._tap.sent(self.name, call)
        try:
            stream = await self._upstream.open(call, credential)
        except TurnoutError as error:
            self._tap.refused(error.failure)
            raise
        self._tap.opened(stream.headers)
        return _TappedStream(stream, self._tap)

    async def close(self) -> None:
        await self._upstream.close()


class _TappedStream:
    """An upstream's stream that a tap listens to."""

    def __init__(self, stream: UpstreamStream, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap
        self._splitter = SseSplitter()

    @property
    def headers(self) -> Mapping[str, str]:
        return self._stream.headers

    @property
    def ended(self) -> bool:
        return self._stream.ended

    async def read(self) -> bytes:
        try:
            data = await self._stream.read()
        except TurnoutError as error:
            self._tap.refused(error.failure)
            raise
        self._tap.heard(self._splitter, data)
        return data

    def close(self) -> None:
        self._stream.close()


def _events(splitter: SseSplitter, data: bytes) -> Iterable[tuple[str, bytes]]:
    """The events that ``data`` completes; at the end of the stream, which is empty data, what was left."""
    try:
        blocks = splitter.feed(data) if data else splitter.close()
    except SseOverflowError:
        return
    for block in blocks:
        name, content = parse(block)
        if content:
            yield name.decode("utf-8", "replace"), content
